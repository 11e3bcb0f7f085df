//! A QQ message as the events that it becomes: in Matrix a picture is a message of its own.

use crate::qq::Piece;

/// What becomes one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// Texts, faces and what stands for other things.
    Said(&'a [Piece]),
    /// Something that has to be fetched first.
    Media(&'a Piece),
}

/// The parts of `pieces`, in order. Blanks alone between two pictures say nothing.
#[must_use]
pub fn parts(pieces: &[Piece]) -> Vec<Part<'_>> {
    let runs = pieces.chunk_by(|one, next| !is_media(one) && !is_media(next));
    let mut parts: Vec<Part<'_>> = runs.map(part).collect();
    if parts.len() > 1 {
        parts.retain(|part| !matches!(part, Part::Said(said) if said.iter().all(is_blank)));
    }
    parts
}

fn part(run: &[Piece]) -> Part<'_> {
    match run {
        [piece] if is_media(piece) => Part::Media(piece),
        said => Part::Said(said),
    }
}

fn is_media(piece: &Piece) -> bool {
    matches!(piece, Piece::Picture(_) | Piece::File { .. })
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
        let text = |text: &str| Piece::Text(text.to_owned());
        let (a, b, blank, line) = (text("a"), text("b"), text(" "), text(" \n"));
        let (face, picture) = (Piece::Face(Face(14)), Piece::Picture(MediaRef::default()));
        let (shown, said) = (Part::Media(&picture), Part::Said);
        let one = std::slice::from_ref;
        let (a_face, face_b) = ([a.clone(), face.clone()], [face.clone(), b.clone()]);
        let cases = [
            (vec![a.clone(), face.clone()], vec![said(&a_face)]),
            (vec![picture.clone()], vec![shown]),
            (vec![a.clone(), picture.clone(), face, b], vec![said(one(&a)), shown, said(&face_b)]),
            (vec![picture.clone(), line, picture.clone()], vec![shown, shown]),
            (vec![blank.clone()], vec![said(one(&blank))]),
        ];
        for (pieces, expected) in cases {
            assert_eq!(parts(&pieces), expected);
        }
    }
}
