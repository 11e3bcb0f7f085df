//! A Matrix message as what is said on QQ.

use super::split::split;
use crate::matrix::event::{Message, Relation};
use crate::matrix::html;
use crate::qq::{Outgoing, Piece};

/// Room for `(12/34) ` before a part of a long text.
const NUMBERING_BYTES: usize = 12;

/// Why a message cannot be said on QQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsayable {
    /// WebQQ carries text only.
    Media,
    /// There is nothing in it.
    Empty,
}

/// `message` as one or more QQ messages of at most `max_bytes` bytes each, numbered when there are several.
///
/// An edit is said again with a star before it: QQ cannot change what was said.
pub fn outgoing(message: &Message, max_bytes: usize) -> Result<Vec<Outgoing>, Unsayable> {
    let text = words(message)?;
    if text.len() <= max_bytes {
        return Ok(vec![said(text)]);
    }
    let parts = split(&text, max_bytes.saturating_sub(NUMBERING_BYTES));
    let count = parts.len();
    Ok(parts.iter().enumerate().map(|(at, part)| said(format!("({}/{count}) {part}", at + 1))).collect())
}

/// What the person wrote, as plain text.
fn words(message: &Message) -> Result<String, Unsayable> {
    let (written, edited) = match &message.relation {
        Relation::Edit { by, .. } => (by.as_ref(), true),
        _ => (message, false),
    };
    if !matches!(written.msgtype.as_str(), "m.text" | "m.notice" | "m.emote") {
        return Err(Unsayable::Media);
    }
    let text = written.html.as_deref().and_then(html::to_text).unwrap_or_else(|| written.body.clone());
    let text = text.trim_end();
    if text.trim().is_empty() {
        return Err(Unsayable::Empty);
    }
    let starred = edited || written.msgtype == "m.emote";
    Ok(if starred { format!("* {text}") } else { text.to_owned() })
}

fn said(text: String) -> Outgoing {
    Outgoing { pieces: vec![Piece::Text(text)] }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::event_id;

    use super::*;

    fn text(body: &str) -> Message {
        Message {
            msgtype: "m.text".into(),
            body: body.into(),
            html: None,
            media: None,
            relation: Relation::None,
            mentions: Vec::new(),
        }
    }

    fn one(message: &Message) -> String {
        let mut all = outgoing(message, 720).expect("can be said");
        assert_eq!(all.len(), 1);
        let Some(Piece::Text(text)) = all.remove(0).pieces.pop() else { panic!("text") };
        text
    }

    #[test]
    fn text_stays_as_it_is() {
        assert_eq!(one(&text("hi [微笑]\nthere")), "hi [微笑]\nthere");
    }

    #[test]
    fn an_emote_and_an_edit_get_a_star() {
        assert_eq!(one(&Message { msgtype: "m.emote".into(), ..text("waves") }), "* waves");
        let edit = Relation::Edit { of: event_id!("$1").to_owned(), by: Box::new(text("fixed")) };
        assert_eq!(one(&Message { relation: edit, ..text("* fixed") }), "* fixed");
    }

    #[test]
    fn formatting_becomes_plain_text() {
        let html = Some("<b>hi</b><br>there".to_owned());
        assert_eq!(one(&Message { html, ..text("**hi**\nthere") }), "hi\nthere");
    }

    #[test]
    fn a_long_text_is_numbered_and_fits() {
        let all = outgoing(&text(&"字".repeat(500)), 720).expect("can be said");
        let texts: Vec<String> =
            all.iter().map(|part| crate::bridge::convert::to_matrix::plain(&part.pieces)).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts[0].starts_with("(1/3) 字") && texts[2].starts_with("(3/3) 字"));
        assert!(texts.iter().all(|text| text.len() <= 720));
        assert_eq!(texts.concat().matches('字').count(), 500);
    }

    #[test]
    fn pictures_and_nothing_are_refused() {
        assert_eq!(outgoing(&Message { msgtype: "m.image".into(), ..text("a.png") }, 720), Err(Unsayable::Media));
        assert_eq!(outgoing(&text(" \n"), 720), Err(Unsayable::Empty));
    }
}
