//! What a Matrix message shows besides words, as what is said for it on QQ.

use super::to_qq::Unsayable;
use crate::bridge::departure::Attachment;
use crate::matrix::event::Message;

/// The longest name of a file that is said, in characters.
const LONGEST_NAME: usize = 60;

/// What `message` shows besides words, if it is a picture or file.
#[must_use]
pub fn attachment(message: &Message) -> Option<Result<Attachment, Unsayable>> {
    label(&message.msgtype)?;
    let media = message.media.as_ref()?;
    // An encrypted one cannot be read by anybody else.
    let Some(url) = &media.url else { return Some(Err(Unsayable::Media)) };
    Some(Ok(Attachment {
        url: url.to_string(),
        name: media.filename.clone(),
        msgtype: message.msgtype.clone(),
        size: media.size,
    }))
}

/// What QQ people read for something of this kind; `None` for what is said in words.
#[must_use]
pub fn label(msgtype: &str) -> Option<&'static str> {
    match msgtype {
        "m.image" | "m.sticker" => Some("[图片]"),
        "m.video" => Some("[视频]"),
        "m.audio" => Some("[语音]"),
        "m.file" => Some("[文件]"),
        _ => None,
    }
}

/// The words that `message` has for what it shows, as a message of their own.
#[must_use]
pub fn caption(message: &Message) -> Option<Message> {
    let media = message.media.as_ref()?;
    (media.filename != message.body && message.msgtype != "m.sticker").then(|| Message {
        msgtype: "m.text".to_owned(),
        media: None,
        ..message.clone()
    })
}

/// What stands for `message` where it has no words.
#[must_use]
pub fn in_words(message: &Message) -> Message {
    let body = label(&message.msgtype).unwrap_or_default().to_owned();
    Message { msgtype: "m.text".to_owned(), body, html: None, media: None, ..message.clone() }
}

/// What is said in the place of `attachment`, which is found at `url`.
#[must_use]
pub fn link(attachment: &Attachment, url: &str) -> String {
    let label = label(&attachment.msgtype).unwrap_or("[文件]");
    // Blanks around the address: phones make a link of it.
    let name: String = attachment.name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    match attachment.size {
        Some(size) => format!("{label} {name} ({}) {url}", readable(size)),
        None => format!("{label} {name} {url}"),
    }
}

/// `12 KB`, rounded up.
fn readable(bytes: u64) -> String {
    match bytes {
        0..=0xf_ffff => format!("{} KB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MB", bytes.div_ceil(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::convert::tests::text;
    use crate::matrix::event::Media;

    #[test]
    fn a_picture_is_named_or_linked_and_its_caption_is_said() {
        let media = |url: Option<&str>| Media {
            url: url.map(Into::into),
            filename: "sun.png".into(),
            size: Some(12_345),
            ..Media::default()
        };
        let image = |body: &str, url| Message { msgtype: "m.image".into(), media: Some(media(url)), ..text(body) };
        let found = attachment(&image("sun.png", Some("mxc://hs/1"))).expect("media").expect("readable");
        assert!(found.is_picture());
        assert_eq!(link(&found, "https://a.b/c"), "[图片] sun.png (13 KB) https://a.b/c");
        let film = Attachment { msgtype: "m.video".into(), size: Some(3_000_000), ..found };
        assert_eq!((link(&film, "u"), film.is_picture()), ("[视频] sun.png (3 MB) u".to_owned(), false));
        assert_eq!(attachment(&image("sun.png", None)), Some(Err(Unsayable::Media)));
        assert_eq!(attachment(&text("hi")), None);
        assert_eq!(caption(&image("sun.png", None)), None);
        assert_eq!(caption(&image("look", None)), Some(text("look")));
    }
}
