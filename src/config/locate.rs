//! Finds the line of an option by asking the YAML parser itself, so that every style of writing is understood.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// A place in a text, both counted from 1; `column` counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Where the name of the option stands whose way is `words`.
pub(super) fn locate(text: &str, words: &[String]) -> Option<Mark> {
    let found = Cell::new(false);
    let walk = Walk { words, found: &found };
    let error = walk.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    let place = error.location().filter(|_| found.get())?;
    Some(Mark { line: place.line(), column: place.column() })
}

/// Goes down `words` and stops with an error at the last one: the parser adds the place to every error.
#[derive(Clone, Copy)]
struct Walk<'a> {
    words: &'a [String],
    found: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((wanted, rest)) = self.words.split_first() else { return Ok(()) };
        let name = Name { wanted, stop: rest.is_empty().then_some(self.found) };
        while let Some(is_wanted) = entries.next_key_seed(name)? {
            if is_wanted {
                return entries.next_value_seed(Walk { words: rest, found: self.found });
            }
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// One key of a section: is it the one that is wanted?
#[derive(Clone, Copy)]
struct Name<'a> {
    wanted: &'a str,
    stop: Option<&'a Cell<bool>>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        match self.stop {
            Some(found) if name == self.wanted => {
                found.set(true);
                Err(E::custom("here"))
            }
            _ => Ok(name == self.wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_in_every_style_of_writing() {
        let text = "# first\na:\n  b: 1\n  'c d': {e: 2,\n    \"f\": 3}\nlist:\n  - b\n";
        for (words, place) in [
            (&["a"][..], Some((2, 1))),
            (&["a", "b"], Some((3, 3))),
            (&["a", "c d", "e"], Some((4, 11))),
            (&["a", "c d", "f"], Some((5, 5))),
            (&["a", "x"], None),
            (&["list", "b"], None),
            (&["b"], None),
        ] {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(locate(text, &words).map(|mark| (mark.line, mark.column)), place, "{words:?}");
        }
    }
}
