//! QQ's pieces as the content of a Matrix message.

use matrix_sdk::ruma::OwnedUserId;
use serde::Serialize;
use serde_json::Value;

use crate::matrix::html;
use crate::qq::{ContactId, Message, Piece, Sender, Style};

/// The content field that carries our own key of a message: recovery after a crash looks for it.
pub const KEY_FIELD: &str = "net.matrix_webqq.key";

/// The content of an `m.room.message` that shows `pieces` of `message`, marked with `key`; `user_of` says as whom a contact is known
/// in Matrix.
///
/// There is HTML only when there is something to format: somebody mentioned, bold, italic, underlined, or a colour
/// that somebody chose. The size and the name of the font are left out: Matrix has neither.
#[must_use]
pub fn content(
    message: &Message,
    pieces: &[Piece],
    key: &str,
    user_of: impl Fn(&ContactId) -> Option<OwnedUserId>,
) -> Value {
    let msgtype = if message.sender == Sender::System { "m.notice" } else { "m.text" };
    let mut mentioned = Vec::new();
    let words: String = pieces.iter().map(|piece| html_of(piece, &user_of, &mut mentioned)).collect();
    let formatted = in_style(&words, &message.style);
    let is_formatted = formatted != words || !mentioned.is_empty();
    let content = Content {
        msgtype,
        body: plain(pieces),
        format: is_formatted.then_some("org.matrix.custom.html"),
        formatted_body: is_formatted.then_some(formatted),
        mentions: (!mentioned.is_empty()).then_some(Mentions { user_ids: mentioned }),
        key,
    };
    // Texts always have a JSON form.
    serde_json::to_value(content).unwrap_or_default()
}

/// An `m.room.message`.
#[derive(Serialize)]
struct Content<'a> {
    msgtype: &'static str,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted_body: Option<String>,
    #[serde(rename = "m.mentions", skip_serializing_if = "Option::is_none")]
    mentions: Option<Mentions>,
    #[serde(rename = "net.matrix_webqq.key")]
    key: &'a str,
}

#[derive(Serialize)]
struct Mentions {
    user_ids: Vec<OwnedUserId>,
}

/// A piece as HTML; whom it mentions is added to `mentioned`.
fn html_of(
    piece: &Piece,
    user_of: impl Fn(&ContactId) -> Option<OwnedUserId>,
    mentioned: &mut Vec<OwnedUserId>,
) -> String {
    let Piece::Mention { who, name } = piece else { return html::from_text(&piece_text(piece)) };
    let Some(user) = user_of(who) else { return html::from_text(&piece_text(piece)) };
    let link = format!("<a href=\"{}\">{}</a>", html::escape(&user.matrix_to_uri().to_string()), html::escape(name));
    if !mentioned.contains(&user) {
        mentioned.push(user);
    }
    link
}

fn in_style(html: &str, style: &Style) -> String {
    let mut html = html.to_owned();
    for (is_so, tag) in [(style.underline, "u"), (style.italic, "em"), (style.bold, "strong")] {
        if is_so {
            html = format!("<{tag}>{html}</{tag}>");
        }
    }
    match style.colour {
        Some(colour) => format!("<span data-mx-color=\"#{colour}\">{html}</span>"),
        None => html,
    }
}

/// The pieces as plain text: faces as emoji where there is one, else as `[名]`.
#[must_use]
pub fn plain(pieces: &[Piece]) -> String {
    pieces.iter().map(piece_text).collect()
}

fn piece_text(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Face(face) => face.emoji().map_or_else(|| face.to_string(), str::to_owned),
        Piece::Mention { name, .. } => format!("@{name}"),
        other => other.label().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;
    use serde_json::json;

    use super::*;
    use crate::qq::{ChatId, ChatKind, Colour, Face, MessageKey};

    fn shown(message: &Message) -> Value {
        content(message, &message.pieces, "key", |who| {
            (who.as_str() == "1.2").then(|| user_id!("@qq_1.2:hs").to_owned())
        })
    }

    fn message(sender: Sender, pieces: Vec<Piece>) -> Message {
        Message {
            chat: ChatId::new("group:1"),
            kind: ChatKind::Group,
            sender,
            key: MessageKey::new("k"),
            sent_at_ms: 1,
            pieces,
            style: Box::default(),
        }
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn faces_become_emoji_and_labels_stay() {
        let pieces = vec![
            Piece::Text("hi ".into()),
            Piece::Face(Face(14)),
            Piece::Face(Face(999_999)),
            Piece::Unsupported { label: "[图片]".into() },
        ];
        let said = shown(&message(Sender::Contact(ContactId::new("1.2")), pieces));
        assert_eq!(said, json!({ "msgtype": "m.text", "body": "hi 🙂[表情999999][图片]", KEY_FIELD: "key" }));
    }

    #[test]
    fn what_qq_itself_says_is_a_notice() {
        let said = shown(&message(Sender::System, vec![text("禁言")]));
        assert_eq!(said["msgtype"], "m.notice");
    }

    #[test]
    fn there_is_html_only_where_something_is_formatted_and_it_is_escaped() {
        let script = || vec![text("<script>alert('x')</script>\n& so on")];
        let plain = message(Sender::System, script());
        assert!(shown(&plain).get("formatted_body").is_none());
        let fonts = Style { font: Some("STKaiti".into()), size_pt: Some(20), ..Style::default() };
        assert_eq!(shown(&Message { style: Box::new(fonts), ..plain.clone() }), shown(&plain));
        let style =
            Style { bold: true, italic: true, underline: true, colour: Some(Colour(255, 0, 0)), ..Style::default() };
        let styled = shown(&Message { style: Box::new(style), ..plain.clone() });
        assert_eq!(styled["body"], shown(&plain)["body"]);
        assert_eq!(
            styled["formatted_body"],
            "<span data-mx-color=\"#ff0000\"><strong><em><u>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<br>&amp; so on\
             </u></em></strong></span>"
        );
        assert_eq!(styled["format"], "org.matrix.custom.html");
    }

    #[test]
    fn whoever_is_known_in_matrix_is_mentioned_there() {
        let name = |who: &str, name: &str| Piece::Mention { who: ContactId::new(who), name: name.to_owned() };
        let said = vec![name("1.2", "小<明>"), text(" 和 "), name("1.9", "谁"), text(" "), name("1.2", "明")];
        let said = shown(&message(Sender::System, said));
        assert_eq!(said["body"], "@小<明> 和 @谁 @明");
        assert_eq!(
            said["formatted_body"],
            "<a href=\"https://matrix.to/#/@qq_1.2:hs\">小&lt;明&gt;</a> 和 @谁 <a href=\"https://matrix.to/#/@qq_1.2:hs\">明</a>"
        );
        assert_eq!(said["m.mentions"], json!({ "user_ids": ["@qq_1.2:hs"] }));
    }
}
