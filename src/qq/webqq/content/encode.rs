//! Writes the content of a message to be sent: texts and faces, the font last, all of it as JSON within JSON.
//!
//! Source: protocol dossier 8.3.
//!
//! `<` and `>` reach other people as `&lt;` and `&gt;`, because QQ's server escapes what a web client says; only web
//! clients take that back. So they are sent as their fullwidth twins `＜` and `＞`, which everybody can read; and so is
//! the `&` of a text that would be read as an entity.

use serde_json::{Value, json};

use super::{entity, font};
use crate::qq::webqq::media::Uploaded;
use crate::qq::{Piece, Style};

/// `pieces` in `style` as the string that goes into the field `content`; `None` when there is nothing in them to say.
pub(crate) fn encode(pieces: &[Piece], style: &Style) -> Option<String> {
    let mut elements: Vec<Value> = sayable(pieces).into_iter().map(element).collect();
    let is_empty = elements.is_empty();
    elements.push(font::write(style));
    (!is_empty).then(|| Value::Array(elements).to_string())
}

fn element(piece: Piece) -> Value {
    match piece {
        Piece::Text(text) | Piece::Unsupported { label: text } | Piece::File { label: text, .. } => Value::String(text),
        Piece::Mention { name, .. } => Value::String(format!("@{name}")),
        Piece::Face(face) => json!(["face", face.0]),
        // What others brought to QQ cannot be said again; its name can.
        Piece::Picture(media) => Uploaded::open(&media).map_or_else(|| json!("[图片]"), |ours| ours.element()),
    }
}

/// What can be said of `pieces`: names and words are one text, and blanks at the very end are left out, because
/// receivers take one of them for the server's.
fn sayable(pieces: &[Piece]) -> Vec<Piece> {
    let mut sayable: Vec<Piece> = Vec::new();
    let mut is_name = false;
    for piece in pieces {
        let words = match piece {
            Piece::Text(text) => readable(&plain(text)),
            Piece::Mention { name, .. } => readable(&plain(&format!("@{name}"))),
            other => {
                sayable.push(other.clone());
                is_name = false;
                continue;
            }
        };
        // A blank ends a name. Source: protocol dossier 8.2 rule 7.
        let blank = if is_name && !words.starts_with(char::is_whitespace) { " " } else { "" };
        match sayable.last_mut() {
            Some(Piece::Text(before)) => before.extend([blank, &words]),
            _ => sayable.push(Piece::Text(words)),
        }
        is_name = matches!(piece, Piece::Mention { .. });
    }
    if let Some(Piece::Text(last)) = sayable.last_mut() {
        let end = last.trim_end().len();
        last.truncate(end);
    }
    for piece in &mut sayable {
        if let Piece::Text(text) = piece {
            *text = past_filter(text);
        }
    }
    sayable.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    sayable
}

/// Breaks what QQ's servers took for an attack on a database: `and '` and `and 1`, by `_` in place of the blank.
///
/// Source: protocol dossier 8.3 (that these were refused, and the cure); that any digit is, is a guess.
fn past_filter(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((word, blank, after)) = next_blank(rest) {
        let is_and = word.get(word.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case("and"));
        let before = word.get(..word.len().saturating_sub(3)).unwrap_or_default();
        let is_word = !before.ends_with(char::is_alphanumeric);
        let is_attack = after.trim_start_matches(' ').starts_with(|c: char| c == '\'' || c.is_ascii_digit());
        out.push_str(word);
        out.push_str(if is_and && is_word && is_attack { "_" } else { blank });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Splits `text` around its first blank.
fn next_blank(text: &str) -> Option<(&str, &str, &str)> {
    let (word, from) = text.split_at_checked(text.find(' ')?)?;
    let (blank, after) = from.split_at_checked(1)?;
    Some((word, blank, after))
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
    use crate::qq::Face;
    use crate::qq::webqq::vectors;

    fn encoded(pieces: &[Piece]) -> Option<String> {
        encode(pieces, &Style::default())
    }

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
            let written: Value = serde_json::from_str(&encoded(&pieces(&case["segments"])).unwrap()).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&expected).unwrap(), "{case}");
        }
    }

    #[test]
    fn every_segmentation_of_the_official_robot_is_written_as_it_writes_it() {
        for case in vectors::cases("qqbot_FaceParse") {
            let mut expected = case["segments"].as_array().unwrap().clone();
            expected.push(font::write(&Style::default()));
            let written: Value = serde_json::from_str(&encoded(&pieces(&case["segments"])).unwrap()).unwrap();
            assert_eq!(written, Value::Array(expected), "{case}");
        }
    }

    #[test]
    fn a_name_and_the_words_after_it_are_one_text_with_a_blank_between() {
        let who = || crate::qq::ContactId::new("1.2");
        let name = |name: &str| Piece::Mention { who: who(), name: name.to_owned() };
        let said = [text("hi "), name("小明"), text("你好"), name("a<b"), Piece::Face(Face(1)), name("x")];
        let expected = [text("hi @小明 你好@a＜b"), Piece::Face(Face(1)), text("@x")];
        assert_eq!(sayable(&said), expected);
    }

    #[test]
    fn what_looks_like_an_attack_on_a_database_is_broken_and_nothing_else() {
        let cases = [
            ("and '", "and_'"),
            ("you AND  1=1 and 'x'", "you AND_ 1=1 and_'x'"),
            ("thousand 1, and one, hand '", "thousand 1, and one, hand '"),
            ("和and 1", "和and 1"),
            ("and", "and"),
        ];
        for (said, expected) in cases {
            assert_eq!(sayable(&[text(said)]), [text(expected)], "{said}");
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
        let said = encoded(&[Piece::Unsupported { label: "[图片]".to_owned() }]).unwrap();
        assert!(said.starts_with("[\"[图片]\","), "{said}");
    }

    #[test]
    fn blanks_alone_say_nothing() {
        assert_eq!((encoded(&[]), encoded(&[text(" \n\u{0}")])), (None, None));
    }
}
