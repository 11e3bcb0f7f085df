//! HTML entities: QQ's servers escape texts and names for the web page.
//!
//! Source: protocol dossier 8.2 rule 4 (the set; some arrive with the `&` as the literal text `\u0026`).

/// The entities that were seen, without `&` and `;`.
const ENTITIES: [(&str, &str); 8] = [
    ("lt", "<"),
    ("gt", ">"),
    ("amp", "&"),
    ("quot", "\""),
    ("#39", "'"),
    ("apos", "'"),
    ("#92", "\\"),
    ("nbsp", "\u{a0}"),
];

/// The two forms of `&`.
const STARTS: [&str; 2] = ["&", "\\u0026"];

/// The entity at the start of `text`: how long it is, and what it stands for.
fn at_start(text: &str) -> Option<(usize, &'static str)> {
    let (start, rest) = STARTS.iter().find_map(|start| Some((start, text.strip_prefix(start)?)))?;
    ENTITIES.iter().find_map(|(name, stands_for)| {
        rest.strip_prefix(name)?.strip_prefix(';')?;
        Some((start.len() + name.len() + 1, *stands_for))
    })
}

/// Decodes every entity, once.
pub(crate) fn decode(text: &str) -> String {
    replace(text, |rest| at_start(rest).map(|(length, stands_for)| (length, stands_for.to_owned())))
}

/// Breaks what a receiver would take for an entity: its `&` (or backslash) becomes fullwidth, which nobody decodes.
pub(crate) fn defuse(text: &str) -> String {
    replace(text, |rest| {
        at_start(rest)?;
        Some(if rest.starts_with('&') { (1, "＆".to_owned()) } else { (1, "＼".to_owned()) })
    })
}

/// Walks through `text`; wherever `find` knows something, its length in bytes is replaced.
pub(super) fn replace(text: &str, find: impl Fn(&str) -> Option<(usize, String)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if let Some((length, instead)) = find(rest) {
            out.push_str(&instead);
            length
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_decoded_once_and_nothing_else_is() {
        let cases = [
            ("a &lt;b&gt;", "a <b>"),
            ("&amp;lt;", "&lt;"),
            ("\\u0026lt;", "<"),
            ("&quot;&#39;&apos;&#92;", "\"''\\"),
            ("&nbsp;", "\u{a0}"),
            ("AT&T; R&D &unknown; &", "AT&T; R&D &unknown; &"),
        ];
        for (wire, text) in cases {
            assert_eq!(decode(wire), text);
        }
    }

    #[test]
    fn what_was_defused_stays_as_it_is_read() {
        for text in ["&lt;", "x &amp;amp; y", "\\u0026lt;", "AT&T", "&&lt;;"] {
            let defused = defuse(text);
            assert_eq!(decode(&defused), defused, "{text}");
        }
        assert_eq!(defuse("AT&T"), "AT&T");
    }
}
