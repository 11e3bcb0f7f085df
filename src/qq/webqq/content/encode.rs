//! Writes the content of a message to be sent: texts and faces, the font last, all of it as JSON within JSON.
//!
//! Source: protocol dossier 8.3.
//!
//! `<` and `>` reach other people as `&lt;` and `&gt;`, because QQ's server escapes what a web client says; only web
//! clients take that back. So they are sent as their fullwidth twins `＜` and `＞`, which everybody can read; and so is
//! the `&` of a text that would be read as an entity.

use serde_json::{Value, json};

use super::entity;
use crate::qq::{Face, Piece};

/// `pieces` as the string that goes into the field `content`; `None` when there is nothing in them to say.
pub(crate) fn encode(pieces: &[Piece]) -> Option<String> {
    let mut elements: Vec<Value> = Vec::new();
    for piece in sayable(pieces) {
        elements.push(match piece {
            Piece::Text(text) | Piece::Unsupported { label: text } => Value::String(text),
            Piece::Face(face) => json!(["face", face.0]),
            // What lies at QQ already cannot be said again; its name can.
            picture @ Piece::Picture(_) => json!(picture.label()),
        });
    }
    elements.push(json!(["font", {"name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000"}]));
    (elements.len() > 1).then(|| Value::Array(elements).to_string())
}

/// What can be said of `pieces`: names of faces in texts are faces, and blanks at the very end are left out, because
/// receivers take one of them for the server's.
fn sayable(pieces: &[Piece]) -> Vec<Piece> {
    let mut sayable: Vec<Piece> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => with_faces(&plain(text), &mut sayable),
            other => sayable.push(other.clone()),
        }
    }
    if let Some(Piece::Text(last)) = sayable.last_mut() {
        let end = last.trim_end().len();
        last.truncate(end);
    }
    sayable.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    sayable
}

/// Splits `text` at the names of faces: `[微笑]`, `[Smile]`. Other brackets stay as they are.
fn with_faces(text: &str, out: &mut Vec<Piece>) {
    let (mut before, mut rest) = (String::new(), text);
    while let Some((plain, at_bracket)) = rest.find('[').and_then(|at| rest.split_at_checked(at)) {
        before.push_str(plain);
        let named = at_bracket.get(1..).and_then(|inner| inner.split_once(']'));
        if let Some((face, after)) = named.and_then(|(name, after)| Some((Face::by_name(name)?, after))) {
            out.extend([Piece::Text(readable(&std::mem::take(&mut before))), Piece::Face(face)]);
            rest = after;
        } else {
            before.push('[');
            rest = at_bracket.get(1..).unwrap_or_default();
        }
    }
    before.push_str(rest);
    out.push(Piece::Text(readable(&before)));
}

/// Lines end in `\n`; other control characters mean nothing to anybody.
fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn readable(text: &str) -> String {
    entity::defuse(text).replace('<', "＜").replace('>', "＞")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    /// The pieces of a vector: strings and `["face", n]`.
    fn pieces(segments: &Value) -> Vec<Piece> {
        let piece = |segment: &Value| match segment.as_str() {
            Some(words) => text(words),
            None => Piece::Face(Face(u32::try_from(segment[1].as_u64().unwrap()).unwrap())),
        };
        segments.as_array().unwrap().iter().map(piece).collect()
    }

    #[test]
    fn every_vector_is_written_as_the_dossier_says() {
        for case in vectors::cases("content_send") {
            let expected = case["content_string"].as_str().unwrap().replace('<', "＜").replace('>', "＞");
            let written: Value = serde_json::from_str(&encode(&pieces(&case["segments"])).unwrap()).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&expected).unwrap(), "{case}");
        }
    }

    #[test]
    fn names_of_faces_become_faces() {
        let smile = || Piece::Face(Face(14));
        let cases = [
            ("[微笑]", vec![smile()]),
            ("hi[smile][Smile]!", vec![text("hi"), smile(), smile(), text("!")]),
            ("[[微笑]]", vec![text("["), smile(), text("]")]),
            ("[不存在] a[0] []", vec![text("[不存在] a[0] []")]),
            ("open [微笑", vec![text("open [微笑")]),
        ];
        for (said, expected) in cases {
            assert_eq!(sayable(&[text(said)]), expected, "{said}");
        }
    }

    #[test]
    fn what_would_be_read_otherwise_becomes_fullwidth() {
        assert_eq!(sayable(&[text("a < b && c > d &lt; AT&T")]), [text("a ＜ b && c ＞ d ＆lt; AT&T")]);
    }

    #[test]
    fn blanks_at_the_very_end_are_left_out() {
        assert_eq!(sayable(&[text(" a \r\n b \n")]), [text(" a \n b")]);
        assert_eq!(sayable(&[text("a "), Piece::Face(Face(1)), text(" ")]), [text("a "), Piece::Face(Face(1))]);
    }

    #[test]
    fn what_is_unsupported_is_said_by_its_label() {
        let said = encode(&[Piece::Unsupported { label: "[图片]".to_owned() }]).unwrap();
        assert!(said.starts_with("[\"[图片]\","), "{said}");
    }

    #[test]
    fn blanks_alone_say_nothing() {
        assert_eq!((encode(&[]), encode(&[text(" \n\u{0}")])), (None, None));
    }
}
