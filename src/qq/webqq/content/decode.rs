//! Reads the content of a received message: font first, then texts, faces and what cannot be carried.
//!
//! Source: protocol dossier 8.1 (grammar), 8.2 (rules, numbered as there).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::entity;
use super::picture::Pictures;
use crate::qq::webqq::number::integer;
use crate::qq::{Face, Piece};

/// A picture, as QQ users know it. Also what a message without content most likely was (rule 9).
const PICTURE: &str = "[图片]";

/// What a content says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decoded {
    /// Never empty; texts are never empty and never two in a row.
    Pieces(Vec<Piece>),
    /// The text of nobody that QQ's groups are haunted by (rule 10): not to be shown.
    Ghost,
}

/// Reads `content`; cannot fail, since whatever is strange in it is an unsupported piece.
pub(crate) fn decode(content: &Value) -> Decoded {
    let elements = match content {
        Value::Array(elements) => elements.as_slice(),
        alone => std::slice::from_ref(alone),
    };
    let pictures = Pictures::of(elements);
    let mut pieces = Vec::new();
    for element in elements {
        match element {
            Value::String(text) if is_ghost(text) => return Decoded::Ghost,
            Value::String(text) => push_text(&mut pieces, text),
            element => pieces.extend(tagged(element, &pictures)),
        }
    }
    finish(&mut pieces);
    if pieces.is_empty() {
        pieces.push(unsupported(PICTURE));
    }
    Decoded::Pieces(pieces)
}

fn unsupported(label: &str) -> Piece {
    Piece::Unsupported { label: label.to_owned() }
}

/// Rule 10.
fn is_ghost(text: &str) -> bool {
    text.contains("\u{0}\n\u{0}") && text.ends_with("\u{2}宋体\r")
}

/// An element `[tag, …]`; the font is style only (rule 1), `pic_id` is one half of the `image` beside it.
fn tagged(element: &Value, pictures: &Pictures<'_>) -> Option<Piece> {
    let tag = element.get(0).and_then(Value::as_str).unwrap_or_default();
    match tag {
        "font" | "pic_id" => None,
        "face" => {
            let id = element.get(1).and_then(integer).and_then(|id| u32::try_from(id).ok());
            Some(id.map_or_else(|| unsupported("[表情]"), |id| Piece::Face(Face(id))))
        }
        "offpic" | "cface" | "cface_idx" | "image" => {
            Some(pictures.read(element).unwrap_or_else(|| unsupported(PICTURE)))
        }
        _ => Some(unsupported("[未知内容]")),
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if text.starts_with("\u{3000}  \u{3000}") {
        pieces.push(unsupported("[视频邀请]"));
    } else if let Some(Piece::Text(before)) = pieces.last_mut() {
        before.push_str(text);
    } else if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// Rules 2 to 4, 6 and 8, once the texts are whole.
fn finish(pieces: &mut Vec<Piece>) {
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        let end = last.strip_suffix([' ', '\r']).unwrap_or(last);
        *last = without_trailer(end).trim_end_matches(['\r', '\n']).to_owned();
    }
    for piece in pieces.iter_mut() {
        if let Piece::Text(text) = piece {
            *text = clean(text);
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
}

/// Rule 8: what the web page of the time added to everything.
fn without_trailer(text: &str) -> &str {
    match text.rsplit_once("【提示：此用户正在使用Q+ Web：http://") {
        Some((words, trailer)) if trailer.ends_with('】') && !trailer.contains('\n') => {
            words.strip_suffix('\n').unwrap_or(words)
        }
        _ => text,
    }
}

/// Rules 3, 4 and 6; control characters that mean nothing to anybody go.
fn clean(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace("\n\r", "\n").replace('\r', "\n");
    let text: String = lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    entity::decode(&with_emoji(&text))
}

/// Rule 6: `:smirk:` as the phones wrote emoji until 2017. Names that are not in the table stay.
fn with_emoji(text: &str) -> String {
    if !text.contains(':') {
        return text.to_owned();
    }
    entity::replace(text, |rest| {
        let (name, _) = rest.strip_prefix(':')?.split_once(':')?;
        let emoji = EMOJI.get(name)?;
        Some((name.len() + 2, emoji.clone()))
    })
}

static EMOJI: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("emoji_names.csv").as_bytes());
    let rows =
        reader.deserialize().flatten().map(|(name, _, emoji, _): (String, String, String, String)| (name, emoji));
    // Some names are known without the emoji that they stood for: they stay as they are.
    rows.filter(|(_, emoji)| !emoji.is_empty()).collect()
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qq::webqq::vectors;

    fn pieces(content: &Value) -> Vec<Piece> {
        match decode(content) {
            Decoded::Pieces(pieces) => pieces,
            Decoded::Ghost => panic!("ghost"),
        }
    }

    /// As the dossier writes it: faces as `[微笑]`.
    fn plain(pieces: &[Piece]) -> String {
        let plain = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Mention { name, .. } => format!("@{name}"),
            Piece::Face(face) => face.to_string(),
            other => other.label().unwrap_or_default().to_owned(),
        };
        pieces.iter().map(plain).collect()
    }

    #[test]
    fn every_vector_reads_as_the_dossier_says() {
        for case in vectors::cases("content_receive") {
            let read = match decode(&case["wire"]) {
                Decoded::Pieces(pieces) => json!(plain(&pieces)),
                Decoded::Ghost => Value::Null,
            };
            assert_eq!(read, case["plain"], "{}", case["id"]);
        }
    }

    #[test]
    fn strange_elements_never_fail() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let cases = [
            (json!("alone"), vec![text("alone")]),
            (json!([""]), vec![unsupported(PICTURE)]),
            (json!(null), vec![unsupported("[未知内容]")]),
            (json!([["face", "14"]]), vec![Piece::Face(Face(14))]),
            (json!([["face"]]), vec![unsupported("[表情]")]),
            (json!([["face", -1]]), vec![unsupported("[表情]")]),
            (json!([["rfile", 1], 7, {}, []]), vec![unsupported("[未知内容]"); 4]),
            (json!([["image", "jpg", 0], " "]), vec![unsupported(PICTURE)]),
            (json!(["\u{3000}  \u{3000}video"]), vec![unsupported("[视频邀请]")]),
            (json!(["a", "b", ["face", 1], "c"]), vec![text("ab"), Piece::Face(Face(1)), text("c")]),
        ];
        for (content, expected) in cases {
            assert_eq!(pieces(&content), expected, "{content}");
        }
    }

    #[test]
    fn line_ends_blanks_and_emoji_names_are_normalised() {
        let cases = [
            ("a\r\nb\rc\n\rd", "a\nb\nc\nd"),
            ("x  ", "x "),
            ("tab\tbell\u{7}", "tab\tbell"),
            (":smirk: at 10:30:15", "😏 at 10:30:15"),
            ("&lt;:heart-of-nobody:&gt;", "<:heart-of-nobody:>"),
        ];
        for (wire, text) in cases {
            assert_eq!(plain(&pieces(&json!([["font", {}], wire]))), text);
        }
    }

    #[test]
    fn every_emoji_name_with_an_emoji_is_known() {
        let lines = include_str!("emoji_names.csv").lines().filter(|line| line.contains("U+")).count();
        assert_eq!(EMOJI.len(), lines);
    }

    #[test]
    fn no_content_makes_it_panic() {
        let element = proptest::prop_oneof![
            proptest::strategy::Strategy::prop_map(".{0,20}", |text: String| json!(text)),
            proptest::strategy::Strategy::prop_map("[a-z_]{0,8}", |tag: String| json!([tag, {"x": 1}])),
        ];
        proptest::proptest!(|(elements in proptest::collection::vec(element, 0..6))| {
            if let Decoded::Pieces(pieces) = decode(&json!(elements)) {
                assert!(!pieces.is_empty());
            }
        });
    }
}
