//! Names as people should see them: nicks, cards, marknames, group names.
//!
//! Source: protocol dossier 6.2 (entities, NBSP, raw control characters), 11 (cards cut within a character).

use super::entity;

/// Cleans a name: entities decoded, control characters and broken characters gone, no blanks around it.
pub(crate) fn decode(wire: &str) -> String {
    let text = entity::decode(wire).replace('\u{a0}', " ");
    let text: String = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}').collect();
    text.trim().to_owned()
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
        ];
        for (wire, name) in cases {
            assert_eq!(decode(wire), name, "{wire:?}");
        }
    }
}
