//! What people read, in either language, from the one table in `texts.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use tracing::error;

use crate::config::Language;

/// Every text in both languages, by key. `{name}` stands for a value.
static TABLE: LazyLock<BTreeMap<String, Phrase>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("texts.yaml")).unwrap_or_else(|why| {
        error!(%why, "texts.yaml cannot be read");
        BTreeMap::new()
    })
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrase {
    en: String,
    zh: String,
}

/// The texts in one language.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    language: Language,
}

impl Texts {
    /// In `language`.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self { language }
    }

    /// The text of `key` with `values` in the place of their names. A key that is not in the table says itself.
    #[must_use]
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        let Some(phrase) = TABLE.get(key) else {
            error!(key, "a text is missing from the table");
            return key.to_owned();
        };
        let template = match self.language {
            Language::En => &phrase.en,
            Language::Zh => &phrase.zh,
        };
        fill(template.trim_end(), values)
    }
}

/// `text` with everything escaped that markdown would understand.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// `template` with each `{name}` replaced. Values are not looked into: a brace in a nick stays a brace.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        let slot = from.split_once('}').and_then(|(name, after)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, after))
        });
        rest = if let Some((value, after)) = slot {
            out.push_str(value);
            after
        } else {
            out.push('{');
            from
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn slots(template: &str) -> BTreeSet<&str> {
        template.split('{').skip(1).filter_map(|from| from.split_once('}').map(|(name, _)| name)).collect()
    }

    #[test]
    fn every_text_exists_in_both_languages_with_the_same_values() {
        assert!(!TABLE.is_empty());
        for (key, phrase) in TABLE.iter() {
            assert!(!phrase.en.is_empty() && !phrase.zh.is_empty(), "{key}");
            assert_eq!(slots(&phrase.en), slots(&phrase.zh), "{key}");
            assert!(phrase.zh.chars().any(|c| c >= '\u{3000}') || phrase.zh.starts_with('{'), "{key}: not Chinese");
        }
    }

    #[test]
    fn names_cannot_smuggle_markup() {
        assert_eq!(escape("<b>[x](y)"), "\\<b\\>\\[x\\]\\(y\\)");
    }

    #[test]
    fn values_are_filled_in_and_never_looked_into() {
        assert_eq!(fill("a {x} {y} {z}", &[("x", "{y}"), ("y", "2")]), "a {y} 2 {z}");
    }
}
