//! The content of messages: from the wire to pieces and back.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod entity;
pub(crate) mod font;
pub(crate) mod mention;
pub(crate) mod name;
mod picture;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decode::{Decoded, decode};
    use super::encode::encode;
    use super::font;
    use crate::qq::{Colour, ContactId, Face, Piece, Style};

    /// What people write and what survives as it is; `<`, `>` and texts that look like entities become fullwidth.
    fn words() -> impl Strategy<Value = String> {
        "[a-z你好😀\\\\\"&;+% \n/{}\\[\\]@]{0,12}[a-z你好😀\\\\\"'{}]"
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let name = "[a-z小明]{1,8}".prop_map(|name| Piece::Mention { who: ContactId::new("1.2"), name });
        let piece = prop_oneof![
            words().prop_map(Piece::Text),
            words().prop_map(|text| Piece::Text(format!(" {text}"))),
            (0_u32..300).prop_map(|id| Piece::Face(Face(id))),
            name,
        ];
        prop::collection::vec(piece, 1..6)
    }

    fn style() -> impl Strategy<Value = Style> {
        let bits = (any::<bool>(), any::<bool>(), any::<bool>());
        let colour = prop::option::of((1_u8.., any::<u8>(), any::<u8>()).prop_map(|(r, g, b)| Colour(r, g, b)));
        let font = (prop::option::of("[A-Za-z楷体 ]{1,20}"), prop::option::of(11_u32..=200));
        (bits, colour, font).prop_map(|((bold, italic, underline), colour, (font, size_pt))| Style {
            bold,
            italic,
            underline,
            colour,
            font,
            size_pt,
        })
    }

    /// Names are words on the wire, with a blank after them, and texts in a row are one.
    fn as_words(pieces: &[Piece]) -> Vec<Piece> {
        let mut merged: Vec<Piece> = Vec::new();
        let mut is_name = false;
        for piece in pieces {
            let words = match piece {
                Piece::Text(text) if is_name && !text.starts_with([' ', '\n']) => format!(" {text}"),
                Piece::Text(text) => text.clone(),
                Piece::Mention { name, .. } => format!("{}@{name}", if is_name { " " } else { "" }),
                other => {
                    merged.push(other.clone());
                    is_name = false;
                    continue;
                }
            };
            is_name = matches!(piece, Piece::Mention { .. });
            match merged.last_mut() {
                Some(Piece::Text(text)) => text.push_str(&words),
                _ => merged.push(Piece::Text(words)),
            }
        }
        merged
    }

    /// Twins that look alike, as one; what is not shown, left out.
    fn meaning(text: &str) -> String {
        let twin = |c: char| match c {
            '＜' => '<',
            '＞' => '>',
            '＆' => '&',
            '＼' => '\\',
            '_' => ' ',
            other => other,
        };
        text.chars().map(twin).filter(|c| !c.is_control() && !c.is_whitespace()).collect()
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_the_same(pieces in pieces(), style in style()) {
            let content = serde_json::from_str(&encode(&pieces, &style).unwrap()).unwrap();
            prop_assert_eq!(decode(&content), Decoded::Pieces(as_words(&pieces)));
            prop_assert_eq!(font::read(&content), style);
        }

        #[test]
        fn what_was_heard_once_is_heard_the_same_again(text in ".{1,40}") {
            let hear = |pieces: &[Piece]| {
                encode(pieces, &Style::default()).map(|said| decode(&serde_json::from_str(&said).unwrap()))
            };
            if let Some(Decoded::Pieces(pieces)) = hear(&[Piece::Text(text)]) {
                prop_assert!(!pieces.is_empty());
                prop_assert_eq!(hear(&pieces), Some(Decoded::Pieces(pieces)));
            }
        }

        #[test]
        fn no_text_loses_its_meaning(text in r"(.|<|>|&lt;|and '| and 1|&amp;|\\u0026gt;){1,40}") {
            let content = encode(&[Piece::Text(text.clone())], &Style::default());
            let heard = content.map(|said| decode(&serde_json::from_str(&said).unwrap()));
            let heard = match heard {
                Some(Decoded::Pieces(pieces)) => match pieces.as_slice() {
                    [Piece::Text(heard)] => heard.clone(),
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                },
                _ => String::new(),
            };
            prop_assert!(!heard.contains(['<', '>']));
            prop_assert_eq!(meaning(&heard), meaning(&text));
        }
    }
}
