//! A QQ message as the events that it becomes: in Matrix a picture is a message of its own.

use crate::qq::Piece;

/// What becomes one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Texts, faces and what stands for other things.
    Said(Vec<Piece>),
    /// Something that has to be fetched first.
    Media(Piece),
}

/// The parts of `pieces`, in order. Blanks alone between two pictures say nothing.
#[must_use]
pub fn parts(pieces: &[Piece]) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in pieces {
        match (parts.last_mut(), piece) {
            (_, Piece::Picture(_) | Piece::File { .. }) => parts.push(Part::Media(piece.clone())),
            (Some(Part::Said(said)), piece) => said.push(piece.clone()),
            (_, piece) => parts.push(Part::Said(vec![piece.clone()])),
        }
    }
    if parts.len() > 1 {
        parts.retain(|part| !matches!(part, Part::Said(said) if said.iter().all(is_blank)));
    }
    parts
}

fn is_blank(piece: &Piece) -> bool {
    matches!(piece, Piece::Text(text) if text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::{Face, MediaRef};

    #[test]
    fn a_picture_stands_alone_where_it_stood() {
        let (text, face) = (|text: &str| Piece::Text(text.to_owned()), Piece::Face(Face(14)));
        let picture = || Piece::Picture(MediaRef::default());
        let said = |pieces: &[Piece]| Part::Said(pieces.to_vec());
        let cases = [
            (vec![text("a"), face.clone()], vec![said(&[text("a"), face.clone()])]),
            (vec![picture()], vec![Part::Media(picture())]),
            (
                vec![text("a"), picture(), face.clone(), text("b")],
                vec![said(&[text("a")]), Part::Media(picture()), said(&[face, text("b")])],
            ),
            (vec![picture(), text(" \n"), picture()], vec![Part::Media(picture()), Part::Media(picture())]),
            (vec![text(" ")], vec![said(&[text(" ")])]),
        ];
        for (pieces, expected) in cases {
            assert_eq!(parts(&pieces), expected);
        }
    }
}
