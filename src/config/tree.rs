//! The file as a tree that serde can read; what does not fit comes back as a [`Fault`] that never quotes a value.

use std::collections::{BTreeMap, btree_map};

use serde::de::value::SeqDeserializer;
use serde::de::{self, Error as _, IntoDeserializer as _, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_yaml::Value;

use super::fault::Fault;
use super::key::Key;

/// A section, or what one option is set to.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// A section. What is null in the file is left out: it means "the default".
    Section(BTreeMap<String, Tree>),
    /// A value as YAML understood it.
    Value(Value),
    /// Text without a kind, from the environment or a secret's file: it is whatever the option wants it to be.
    Text(String),
}

impl Tree {
    /// The tree of `value`; entries with keys that are no words are reported in `faults` and left out.
    pub(super) fn of(value: Value, faults: &mut Vec<Fault>) -> Self {
        Self::below(&Key::default(), value, faults)
    }

    fn below(key: &Key, value: Value, faults: &mut Vec<Fault>) -> Self {
        let Value::Mapping(mapping) = value else { return Self::Value(value) };
        let mut section = BTreeMap::new();
        for (word, value) in mapping {
            match word {
                _ if value.is_null() => {}
                Value::String(word) => {
                    let child = Self::below(&key.child(&word), value, faults);
                    section.insert(word, child);
                }
                _ => faults.push(Fault::new(key.clone(), "unclear", "it has an entry whose name is no text: quote it")),
            }
        }
        Self::Section(section)
    }

    /// A tree in which only `key` is set.
    pub(super) fn single(key: &Key, leaf: Self) -> Self {
        key.words().iter().rev().fold(leaf, |tree, word| Self::Section(BTreeMap::from([(word.clone(), tree)])))
    }

    /// Whether `key` is set.
    pub(super) fn get(&self, key: &Key) -> Option<&Self> {
        key.words().iter().try_fold(self, |tree, word| match tree {
            Self::Section(section) => section.get(word),
            _ => None,
        })
    }

    /// Sets `key` to `leaf`; sections on the way are made where there are none.
    pub(super) fn set(&mut self, key: &Key, leaf: Self) {
        let mut here = self;
        for word in key.words() {
            if !matches!(here, Self::Section(_)) {
                *here = Self::Section(BTreeMap::new());
            }
            let Self::Section(section) = here else { return };
            here = section.entry(word.clone()).or_insert_with(|| Self::Section(BTreeMap::new()));
        }
        *here = leaf;
    }

    /// Takes `key` out.
    pub(super) fn remove(&mut self, key: &Key) {
        let Some((last, way)) = key.words().split_last() else { return };
        let mut here = self;
        for word in way {
            let Self::Section(section) = here else { return };
            let Some(next) = section.get_mut(word) else { return };
            here = next;
        }
        if let Self::Section(section) = here {
            section.remove(last);
        }
    }

    /// Every option that is set, in order.
    pub(super) fn leaves(&self) -> Vec<(Key, &Self)> {
        let mut leaves = Vec::new();
        self.collect(Key::default(), &mut leaves);
        leaves
    }

    fn collect<'a>(&'a self, key: Key, leaves: &mut Vec<(Key, &'a Self)>) {
        match self {
            Self::Section(section) if !section.is_empty() => {
                for (word, child) in section {
                    child.collect(key.child(word), leaves);
                }
            }
            _ => leaves.push((key, self)),
        }
    }

    /// What this is, in serde's words.
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Section(_) | Self::Value(Value::Mapping(_)) => Unexpected::Map,
            Self::Text(text) | Self::Value(Value::String(text)) => Unexpected::Str(text),
            Self::Value(Value::Null) => Unexpected::Unit,
            Self::Value(Value::Bool(yes)) => Unexpected::Bool(*yes),
            Self::Value(Value::Number(number)) => Unexpected::Float(number.as_f64().unwrap_or_default()),
            Self::Value(Value::Sequence(_)) => Unexpected::Seq,
            Self::Value(Value::Tagged(_)) => Unexpected::Other("a tagged value"),
        }
    }
}

/// Reads a text without a kind as the kind that was asked for.
macro_rules! read_as {
    ($($method:ident => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match &self {
                Self::Text(text) => match text.trim().parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(Fault::invalid_type(self.unexpected(), &visitor)),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Tree {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Section(section) => visitor.visit_map(Entries { rest: section.into_iter(), next: None }),
            Self::Text(text) | Self::Value(Value::String(text)) => visitor.visit_string(text),
            Self::Value(Value::Bool(yes)) => visitor.visit_bool(yes),
            Self::Value(Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Self::Value(_) => Err(Fault::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Text(text) | Self::Value(Value::String(text)) => visitor.visit_enum(text.into_deserializer()),
            _ => Err(Fault::invalid_type(self.unexpected(), &"a string")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries: Vec<Self> = match self {
            Self::Value(Value::Sequence(entries)) => entries.into_iter().map(Self::Value).collect(),
            // An environment variable has one line for all of them.
            Self::Text(text) => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                entries.map(|entry| Self::Text(entry.to_owned())).collect()
            }
            _ => return Err(Fault::invalid_type(self.unexpected(), &visitor)),
        };
        visitor.visit_seq(SeqDeserializer::new(entries.into_iter()))
    }

    read_as! {
        deserialize_bool => visit_bool,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map
        struct identifier ignored_any
    }
}

impl de::IntoDeserializer<'_, Fault> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The entries of a section, one after the other.
struct Entries {
    rest: btree_map::IntoIter<String, Tree>,
    next: Option<(String, Tree)>,
}

impl<'de> de::MapAccess<'de> for Entries {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.next = self.rest.next();
        match &self.next {
            Some((word, _)) => seed.deserialize(word.clone().into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (word, tree) = self.next.take().ok_or_else(|| Fault::custom("a value without a name"))?;
        seed.deserialize(tree).map_err(|fault| fault.under(&word))
    }
}
