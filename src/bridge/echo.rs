//! Recognises the account's own words when QQ hands them back.
//!
//! QQ gives own group messages back under a pseudonym and without any key of ours (protocol dossier 9.4), so all there
//! is to compare is what was said, in which chat, and about when.

use sha2::{Digest as _, Sha256};

use crate::qq::Piece;

/// How far QQ's clock may be from ours when an echo is matched, in milliseconds. Too long, and the same words typed on
/// the phone a little later are taken for an echo that never came.
pub const WINDOW_MS: i64 = 2 * 60 * 1000;

/// The same for a message that left, in the shape in which QQ hands it back (`Network::as_heard`), and for its echo;
/// different for different words. Blanks do not count: QQ adds and strips them.
#[must_use]
pub fn fingerprint(pieces: &[Piece]) -> String {
    let mut said = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => said.push_str(text),
            Piece::Mention { name, .. } => said.extend(["@", name]),
            Piece::Face(face) => said.push_str(&face.to_string()),
            other => said.push_str(other.label().unwrap_or_default()),
        }
    }
    let words: String = said.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}').collect();
    hex::encode(Sha256::digest(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::{ContactId, Face};

    fn text(text: &str) -> Vec<Piece> {
        vec![Piece::Text(text.into())]
    }

    #[test]
    fn blanks_and_the_way_a_face_is_cut_off_do_not_matter() {
        let sent = fingerprint(&[Piece::Text("a ".into()), Piece::Face(Face(14)), Piece::Text("你好\nend".into())]);
        let echo = [Piece::Text("a".into()), Piece::Face(Face(14)), Piece::Text(" 你好\r\nend ".into())];
        assert_eq!(sent, fingerprint(&echo));
    }

    #[test]
    fn a_name_that_was_recognised_is_the_words_that_it_was() {
        let name = Piece::Mention { who: ContactId::new("1.2"), name: "小明".into() };
        assert_eq!(
            fingerprint(&text("hi @小明 你好")),
            fingerprint(&[text("hi ").remove(0), name, text(" 你好").remove(0)])
        );
    }

    #[test]
    fn other_words_are_not() {
        assert_ne!(fingerprint(&text("yes")), fingerprint(&text("no")));
        assert_ne!(fingerprint(&text("[微笑]")), fingerprint(&text("微笑")));
    }
}
