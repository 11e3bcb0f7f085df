//! Recognises the account's own words when QQ hands them back.
//!
//! QQ gives own group messages back under a pseudonym and without any key of ours (protocol dossier 9.4), so all there
//! is to compare is what was said, in which chat, and about when.

use sha2::{Digest as _, Sha256};

use super::convert::to_matrix::bracketed;
use crate::qq::{Face, Piece};

/// How far QQ's clock may be from ours when an echo is matched, in milliseconds. Too long, and the same words typed on
/// the phone a little later are taken for an echo that never came.
pub const WINDOW_MS: i64 = 2 * 60 * 1000;

/// The same for a message that left and for its echo; different for different words.
///
/// Blanks do not count (QQ adds and strips them), neither do full-width angle brackets (QQ escapes the others), and a
/// face is the same whether it is written `[微笑]` or sent as a face.
#[must_use]
pub fn fingerprint(pieces: &[Piece]) -> String {
    let mut said = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => said.push_str(&canonical_faces(text)),
            Piece::Face(face) => said.push_str(&bracketed(*face)),
            Piece::Unsupported { label } => said.push_str(label),
        }
    }
    let words: String = said.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}').map(narrow).collect();
    hex(&Sha256::digest(words))
}

/// `bytes` in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `text` with every `[name]` of a face in its one Chinese spelling.
fn canonical_faces(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = from.find(']').and_then(|end| {
            let face = Face::by_name(from.get(1..end)?)?;
            Some((face, from.get(end + 1..)?))
        });
        rest = if let Some((face, after)) = known {
            out.push_str(&bracketed(face));
            after
        } else {
            out.push('[');
            from.get(1..).unwrap_or_default()
        };
    }
    out.push_str(rest);
    out
}

fn narrow(c: char) -> char {
    match c {
        '＜' => '<',
        '＞' => '>',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<Piece> {
        vec![Piece::Text(text.into())]
    }

    #[test]
    fn an_echo_is_known_through_all_that_qq_does_to_it() {
        let sent = fingerprint(&text("a <b> [Smile] 你好\nend"));
        let echo = [Piece::Text("a ＜b＞ ".into()), Piece::Face(Face(14)), Piece::Text(" 你好\r\nend ".into())];
        assert_eq!(sent, fingerprint(&echo));
    }

    #[test]
    fn other_words_are_not() {
        assert_ne!(fingerprint(&text("yes")), fingerprint(&text("no")));
        assert_ne!(fingerprint(&text("[微笑]")), fingerprint(&text("微笑")));
        assert_ne!(fingerprint(&text("[[a]")), fingerprint(&text("[a]")));
    }
}
