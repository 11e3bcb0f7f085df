//! Finds the faces of QQ in a text: names in brackets as QQ users write them, and emoji that are one of them exactly.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::qq::{Face, Piece};

/// The longest name that is looked up, in bytes.
const LONGEST_NAME: usize = 60;

/// `text` with its faces apart: `[微笑]`, `[Smile]`, 🙂. Other brackets and emoji stay as they are.
#[must_use]
pub fn with_faces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut plain, mut rest) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        if at < rest {
            continue;
        }
        let Some((face, length)) = face_at(text.get(at..).unwrap_or_default(), grapheme) else { continue };
        push(&mut pieces, text.get(plain..at).unwrap_or_default());
        pieces.push(Piece::Face(face));
        rest = at + length;
        plain = rest;
    }
    push(&mut pieces, text.get(plain..).unwrap_or_default());
    pieces
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// The face at the start of `text`, whose first character is `grapheme`, and how long it is.
fn face_at(text: &str, grapheme: &str) -> Option<(Face, usize)> {
    if grapheme != "[" {
        return (!grapheme.is_ascii()).then(|| Face::by_emoji(grapheme)).flatten().map(|face| (face, grapheme.len()));
    }
    let window = text.get(1..text.floor_char_boundary(LONGEST_NAME))?;
    let (name, _) = window.split_once(']')?;
    Some((Face::by_name(name)?, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn names_and_emoji_become_faces_and_nothing_else_does() {
        let smile = || Piece::Face(Face(14));
        let cases = [
            ("[微笑]", vec![smile()]),
            ("hi[smile][Smile]🙂!", vec![text("hi"), smile(), smile(), smile(), text("!")]),
            ("[[微笑]]", vec![text("["), smile(), text("]")]),
            ("[不存在] a[0] [] [", vec![text("[不存在] a[0] [] [")]),
            ("open [微笑", vec![text("open [微笑")]),
            // Shared by several faces; made of several emoji; not there at all.
            ("😎 👩‍❤️‍👩 🫨", vec![text("😎 👩‍❤️‍👩 🫨")]),
            ("", vec![]),
        ];
        for (said, expected) in cases {
            assert_eq!(with_faces(said), expected, "{said}");
        }
    }
}
