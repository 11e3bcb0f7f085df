//! Makes readable JSON of what QQ sends: cards cut in the middle of a character, raw control characters, half pairs.
//!
//! Source: protocol dossier 6.2 (raw control characters in names), 11 (cards end in a broken character).

use std::borrow::Cow;
use std::fmt::Write as _;

/// What cannot be told any more.
const LOST: &str = "\\ufffd";

/// `body` as text that a strict JSON reader accepts wherever it is JSON at all. Sound JSON stays as it is, byte by byte.
pub(crate) fn mend(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let broken = text.contains(|c: char| c < ' ' && !matches!(c, '\n' | '\r' | '\t'))
        || has_raw_break(&text)
        || has_surrogate(&text);
    if broken { Cow::Owned(mended(&text)) } else { text }
}

fn has_surrogate(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Whether a line break or tab stands inside a string.
fn has_raw_break(text: &str) -> bool {
    let mut reader = Strings::default();
    text.chars().any(|c| reader.is_inside(c) && c < ' ')
}

fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut reader = Strings::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if reader.inside && !reader.escaped && rest.starts_with("\\u") {
            let (taken, sound) = unicode_escape(rest);
            out.push_str(sound);
            rest = rest.get(taken..).unwrap_or_default();
            continue;
        }
        if reader.is_inside(c) && c < ' ' {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// How many bytes the escape at the start of `text` takes, and what to write for it.
fn unicode_escape(text: &str) -> (usize, &str) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, text.get(..12).unwrap_or(LOST)),
        (Some(0xd800..=0xdfff), _) => (6, LOST),
        _ => (2, text.get(..2).unwrap_or(LOST)),
    }
}

/// Tells what is inside a string, one character at a time.
#[derive(Default)]
struct Strings {
    inside: bool,
    escaped: bool,
}

impl Strings {
    /// Whether `c` belongs to a string (its quotes do not).
    fn is_inside(&mut self, c: char) -> bool {
        if !self.inside {
            self.inside = c == '"';
            return false;
        }
        if self.escaped {
            self.escaped = false;
        } else if c == '\\' {
            self.escaped = true;
        } else if c == '"' {
            self.inside = false;
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn sound_json_stays_as_it_is() {
        for text in ["{\"a\": \"b\\n\\\\\\\"\"}\n", "[1,\n 2]", "\"\\u4f60\\uD83D\\uDE00\"", "{\"a\":\"你好😀\"}", ""]
        {
            assert_eq!(mend(text.as_bytes()), text);
        }
    }

    #[test]
    fn broken_json_becomes_readable() {
        let cases: [(&[u8], &str); 7] = [
            (b"\"a\x01b\"", "a\u{1}b"),
            (b"\"a\nb\tc\"", "a\nb\tc"),
            (b"\"ab\xe4\xbd\"", "ab\u{fffd}"),
            (b"\"x\\ud83d\"", "x\u{fffd}"),
            (b"\"\\ude00y\"", "\u{fffd}y"),
            (b"\"\\ud83d\\ud83d\\ude00\"", "\u{fffd}😀"),
            (b"\"\\\\ud83d\"", "\\ud83d"),
        ];
        for (body, text) in cases {
            let read: Value = serde_json::from_str(&mend(body)).unwrap();
            assert_eq!(read, text, "{body:?}");
        }
    }

    #[test]
    fn it_never_fails_and_mending_twice_changes_nothing() {
        proptest::proptest!(|(bytes: Vec<u8>)| {
            let once = mend(&bytes).into_owned();
            assert_eq!(mend(once.as_bytes()), once);
        });
    }
}
