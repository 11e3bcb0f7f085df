//! The content of messages: from the wire to pieces and back.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod entity;
pub(crate) mod name;
mod picture;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decode::{Decoded, decode};
    use super::encode::encode;
    use crate::qq::{Face, Piece};

    /// What people write and what survives as it is; `<`, `>` and texts that look like entities become fullwidth.
    fn words() -> impl Strategy<Value = String> {
        "[a-z你好😀\\\\\"&;+% \n/{}\\[\\]]{0,12}[a-z你好😀\\\\\"'{}]"
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let piece = prop_oneof![words().prop_map(Piece::Text), (0_u32..300).prop_map(|id| Piece::Face(Face(id)))];
        prop::collection::vec(piece, 1..6).prop_map(|pieces| {
            // Two texts in a row are one text on the wire.
            let mut merged: Vec<Piece> = Vec::new();
            for piece in pieces {
                match (merged.last_mut(), piece) {
                    (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
                    (_, piece) => merged.push(piece),
                }
            }
            merged
        })
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_the_same(pieces in pieces()) {
            let content = serde_json::from_str(&encode(&pieces).unwrap()).unwrap();
            prop_assert_eq!(decode(&content), Decoded::Pieces(pieces));
        }

        #[test]
        fn what_was_heard_once_is_heard_the_same_again(text in ".{1,40}") {
            let hear = |pieces: &[Piece]| encode(pieces).map(|said| decode(&serde_json::from_str(&said).unwrap()));
            if let Some(Decoded::Pieces(pieces)) = hear(&[Piece::Text(text)]) {
                prop_assert!(!pieces.is_empty());
                prop_assert_eq!(hear(&pieces), Some(Decoded::Pieces(pieces)));
            }
        }
    }
}
