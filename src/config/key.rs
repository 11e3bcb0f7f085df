//! The name of an option: the words on the way to it, outermost first.

use std::fmt;

/// Such as `homeserver.domain` or `bridge.permissions."@alice:example.org"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<String>);

impl Key {
    /// Splits `dotted` at its dots.
    #[must_use]
    pub fn of(dotted: &str) -> Self {
        Self(dotted.split('.').map(str::to_owned).collect())
    }

    /// The option `word` below this one; `word` may hold dots.
    #[must_use]
    pub fn child(&self, word: &str) -> Self {
        Self(self.0.iter().cloned().chain([word.to_owned()]).collect())
    }

    /// This option below `parent`.
    #[must_use]
    pub(super) fn under(mut self, parent: &str) -> Self {
        self.0.insert(0, parent.to_owned());
        self
    }

    /// The words, outermost first.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the file");
        }
        for (place, word) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            if word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                f.write_str(word)?;
            } else {
                write!(f, "{word:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_not_plain_are_shown_in_quotes() {
        assert_eq!(Key::of("homeserver.domain").to_string(), "homeserver.domain");
        let alice = Key::of("bridge.permissions").child("@alice:example.org");
        assert_eq!(alice.to_string(), r#"bridge.permissions."@alice:example.org""#);
        assert_eq!(Key::default().to_string(), "the file");
    }

    #[test]
    fn a_key_is_within_itself_and_its_parents_only() {
        let key = Key::of("appservice.bot.username");
        assert!(key.is_within(&Key::of("appservice.bot")) && key.is_within(&key));
        assert!(!key.is_within(&Key::of("appservice.id")) && !Key::of("appservice").is_within(&key));
    }
}
