//! Words as somebody hostile may write them, on either side: nothing of QQ becomes markup in Matrix, and no HTML of Matrix
//! becomes more than it is on QQ.
//!
//! `scripts/fuzz` runs these with 100,000 cases.

use matrix_sdk::ruma::user_id;
use proptest::prelude::*;

use super::tests::text;
use super::to_matrix::content;
use super::to_qq::{Around, excerpt, mentioned, outgoing};
use crate::base::damage::anything_like;
use crate::matrix::event::Message as Written;
use crate::qq::{ChatId, ChatKind, Colour, ContactId, Face, Message, MessageKey, Piece, Sender, Style};

/// Text as it may arrive from QQ, where entities are decoded already.
fn words() -> impl Strategy<Value = String> {
    let real = [
        "</span><script>alert(1)</script>",
        "\u{202e}&lt;b&gt; ' \" onerror=x",
        "你好 [微笑] @李明 https://x/?a=1&b=<2>",
    ];
    let spoilt = anything_like(real.map(|text| text.as_bytes().to_vec()).to_vec());
    spoilt.prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let mention =
        (0..3_u8, words()).prop_map(|(n, name)| Piece::Mention { who: ContactId::new(format!("1.{n}")), name });
    let piece = prop_oneof![
        3 => words().prop_map(Piece::Text),
        1 => any::<u32>().prop_map(|id| Piece::Face(Face(id))),
        1 => mention,
        1 => words().prop_map(|label| Piece::Unsupported { label }),
    ];
    prop::collection::vec(piece, 0..6)
}

fn styles() -> impl Strategy<Value = Style> {
    let colour = prop::option::of("[0-9a-f]{6}".prop_map(|colour| colour.parse::<Colour>().unwrap()));
    (any::<[bool; 3]>(), colour).prop_map(|([bold, italic, underline], colour)| Style {
        bold,
        italic,
        underline,
        colour,
        ..Style::default()
    })
}

fn said(pieces: Vec<Piece>, style: Style) -> Message {
    let (chat, kind, sender) = (ChatId::new("group:1"), ChatKind::Group, Sender::Me);
    Message { chat, kind, sender, key: MessageKey::new("k"), sent_at_ms: 1, pieces, style: Box::new(style) }
}

/// Text of pieces, in bytes.
fn length(pieces: &[Piece]) -> usize {
    super::to_matrix::plain(pieces).len()
}

proptest! {
    #[test]
    fn nothing_that_is_said_on_qq_becomes_markup(pieces in pieces(), style in styles()) {
        let ours = [style.bold, style.italic, style.underline, style.colour.is_some()].iter().filter(|is| **is).count();
        let said = said(pieces, style);
        let shown = content(&said, &said.pieces, "key", |who| {
            (who.as_str() == "1.1").then(|| user_id!("@qq_1.1:hs").to_owned())
        });
        let Some(html) = shown.get("formatted_body").and_then(serde_json::Value::as_str) else { return Ok(()) };
        let called = said.pieces.iter().filter(|piece| matches!(piece, Piece::Mention { who, .. } if who.as_str() == "1.1"));
        let (links, plain) = (called.count(), length(&said.pieces));
        let breaks = html.matches("<br>").count();
        prop_assert_eq!(html.matches('<').count(), 2 * (ours + links) + breaks, "{}", html);
        prop_assert!(html.len() <= 6 * plain + 100 * (ours + links), "{} of {plain}", html.len());
    }

    #[test]
    fn html_is_said_on_qq_in_parts_that_it_takes_and_is_not_made_more_of(
        body in words(),
        html in prop::collection::vec(words(), 0..6),
        most in 64_usize..600,
    ) {
        let message = Written { html: Some(html.concat()), ..text(&body) };
        let came = body.len() + html.concat().len();
        prop_assert!(excerpt(&message).chars().count() <= came + 1 && mentioned(&message).len() <= came);
        for part in outgoing(&message, &Around::default(), most).unwrap_or_default() {
            prop_assert!(!part.pieces.is_empty() && length(&part.pieces) <= 2 * most, "{:?}", part.pieces);
        }
    }
}
