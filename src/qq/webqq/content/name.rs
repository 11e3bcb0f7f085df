//! Names as people should see them: nicks, cards, marknames, group names.
//!
//! Source: protocol dossier 6.2 (entities, NBSP, raw control characters), 11 (cards cut within a character).

use super::entity;

/// Longer names are cut: QQ has none that comes near it, and lists repeat a name with everybody whom it concerns.
const MOST_CHARS: usize = 200;

/// Cleans a name: entities decoded, control characters and broken characters gone, no blanks around it.
pub(crate) fn decode(wire: &str) -> String {
    let text = entity::decode(wire).replace('\u{a0}', " ");
    let text: String = text.chars().filter(|c| is_shown(*c)).take(MOST_CHARS).collect();
    text.trim().to_owned()
}

/// Whether `c` may stand in a name: not if it is broken, or does something to the text around it.
fn is_shown(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffd}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        let cases = [
            ("小明", "小明"),
            ("A&amp;B", "A&B"),
            ("&nbsp;x&nbsp;y ", "x y"),
            ("a\u{1}b\nc", "abc"),
            ("被截断的名\u{fffd}", "被截断的名"),
            (" ", ""),
            ("&lt;script&gt; &amp;amp; &quot;&#39;", "<script> &amp; \"'"),
            ("gpj.\u{202e}照片", "gpj.照片"),
        ];
        for (wire, name) in cases {
            assert_eq!(decode(wire), name, "{wire:?}");
        }
        assert_eq!(decode(&"长".repeat(5_000)).chars().count(), MOST_CHARS);
    }
    /// Source: protocol dossier 11: cards are cut after 21 bytes, wherever that is.
    #[test]
    fn a_card_cut_within_a_character_keeps_what_is_whole() {
        let card = "群里的名片太长了放不下";
        for cut in 1..=card.len() {
            let mut body = b"\"".to_vec();
            body.extend(&card.as_bytes()[..cut]);
            body.push(b'"');
            let wire: String = serde_json::from_str(&crate::qq::webqq::mend::mend(&body)).unwrap();
            let whole: String = card.chars().take(cut / 3).collect();
            assert_eq!(decode(&wire), whole, "after {cut} bytes");
        }
    }
}
