//! What is wrong with a configuration: where, what was found there, and what to write instead.

use std::fmt;

use serde::de;

use super::hint;
use super::key::Key;

/// One thing that is wrong. It never holds a secret: those are shown as `***` or by their kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The option.
    pub key: Key,
    /// Where it was written.
    pub place: Place,
    /// What is there, to be read after "is": `not set`, `"https://example.org"`, `a list`.
    pub value: String,
    /// What to do about it.
    pub fix: String,
}

/// Where an option was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: its default counts.
    #[default]
    Nowhere,
    /// In this line of the file, counted from 1.
    Line(usize),
    /// In this environment variable.
    Variable(String),
}

impl Fault {
    /// `key` is `value` (words, shown as they are); `fix` says what to do.
    pub(super) fn new(key: Key, value: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key, place: Place::Nowhere, value: value.into(), fix: fix.into() }
    }

    /// The option `key` (dotted) has the text `value`, which is shown in quotes.
    pub(super) fn text(key: &str, value: &str, fix: impl Into<String>) -> Self {
        let shown = if value.is_empty() { "not set".to_owned() } else { format!("{value:?}") };
        Self::new(Key::of(key), shown, fix)
    }

    /// The option `key` (dotted) has no value, or one that only holds its place.
    pub(super) fn unset(key: &str, fix: impl Into<String>) -> Self {
        Self::new(Key::of(key), "not set", fix)
    }

    /// An option that does not exist; `known` are those that do at this place.
    fn unknown(word: &str, known: &[&str]) -> Self {
        Self::new(Key::default().child(word), "not an option", hint::for_unknown(word, known))
    }

    /// The same fault, seen from one level further out.
    pub(super) fn under(mut self, parent: &str) -> Self {
        self.key = self.key.under(parent);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        match &self.place {
            Place::Nowhere => {}
            Place::Line(line) => write!(f, " (line {line})")?,
            Place::Variable(name) => write!(f, " (from {name})")?,
        }
        write!(f, " is {}: {}", self.value, self.fix)
    }
}

impl std::error::Error for Fault {}

/// How serde tells what does not fit. The value itself is never repeated: it may be a secret.
impl de::Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::new(Key::default(), "not understood", why.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(Key::default(), kind(&found), hint::for_type(&found, &wanted.to_string()))
    }

    fn invalid_value(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(Key::default(), "out of range", hint::for_type(&found, &wanted.to_string()))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        let fix = format!("write one of {}{}", known.join(", "), hint::did_you_mean(word, known));
        Self::new(Key::default(), format!("{word:?}"), fix)
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        Self::unknown(word, known)
    }
}

/// What kind of thing was found, without its value.
fn kind(found: &de::Unexpected<'_>) -> &'static str {
    match found {
        de::Unexpected::Bool(_) => "true or false",
        de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) | de::Unexpected::Float(_) => "a number",
        de::Unexpected::Str(_) | de::Unexpected::Char(_) => "a text",
        de::Unexpected::Seq => "a list",
        de::Unexpected::Map => "a section",
        _ => "something else",
    }
}

/// Every fault of one file, each on a line of its own when shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Whether one of them is about `key` (dotted).
    #[must_use]
    pub fn mention(&self, key: &str) -> bool {
        let key = Key::of(key);
        self.0.iter().any(|fault| fault.key == key)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "  {fault}")?;
        }
        Ok(())
    }
}
