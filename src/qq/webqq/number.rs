//! Session numbers: good for one login only, so none of them leaves this room.
//!
//! Source: protocol dossier 1 and 0.3 (unsigned, above `i32`; some replies give them as strings).

use std::fmt;

use serde::de::{Deserializer, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) u64);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(wire: D) -> Result<Self, D::Error> {
                let Integer(number) = Integer::deserialize(wire)?;
                u64::try_from(number)
                    .map(Self)
                    .map_err(|_| D::Error::invalid_value(Unexpected::Signed(number), &"a number of a session"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A person; of the own account alone it is the real QQ number.
    Uin
}
number! {
    /// A group, as messages name it.
    Gid
}
number! {
    /// A group, as `get_group_info_ext2` wants it.
    GroupCode
}
number! {
    /// A discussion.
    Did
}

/// A real number of a person or group, which lasts. Of all numbers here it alone may be kept for longer than a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Account(u64);

impl Account {
    /// The least that QQ gives out. General knowledge.
    const LEAST: u64 = 10_000;

    /// `number`, where QQ told it of what is called `pseudonym` in this login, unless it cannot be real: since 2017 QQ
    /// often says the pseudonym once more. Source: protocol dossier 6.5.
    pub(crate) fn told(number: u64, pseudonym: u64) -> Option<Self> {
        (number > Self::LEAST && number != pseudonym).then_some(Self(number))
    }
}

/// An integer that QQ writes as a number or as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(wire: D) -> Result<Self, D::Error> {
        wire.deserialize_any(IntegerVisitor).map(Self)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, bare or as a string")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
        text.trim().parse().map_err(|_| E::invalid_value(Unexpected::Other("a string"), &self))
    }
}

/// `value` as an integer, bare or as a string.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    Integer::deserialize(value).ok().map(|Integer(number)| number)
}

/// Reads an array row by row and leaves out the rows that cannot be understood: one odd friend must not hide the others.
pub(crate) fn rows<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(wire: D) -> Result<Vec<T>, D::Error> {
    let rows = Option::<Vec<Value>>::deserialize(wire)?.unwrap_or_default();
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
}

/// The rows of a whole result as [`rows`] reads them; none when it is not an array, such as the word `ok`.
pub(crate) fn lenient_rows<T: serde::de::DeserializeOwned>(result: Value) -> Vec<T> {
    match result {
        Value::Array(rows) => rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_may_be_bare_or_a_string_but_not_negative_or_a_word() {
        let cases = [
            (json!(4_294_967_295_u64), Some(4_294_967_295)),
            (json!("4294967295"), Some(4_294_967_295)),
            (json!(" 7 "), Some(7)),
            (json!(-1), None),
            (json!("x"), None),
            (json!(""), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!(u64::MAX), None),
        ];
        for (wire, number) in cases {
            assert_eq!(serde_json::from_value::<Uin>(wire.clone()).ok().map(|uin| uin.0), number, "{wire}");
        }
    }

    #[test]
    fn an_odd_row_does_not_hide_the_others() {
        #[derive(Deserialize)]
        struct List {
            #[serde(deserialize_with = "rows")]
            uins: Vec<Uin>,
        }
        let list: List = serde_json::from_value(json!({"uins": [1, null, "2", {}, 3]})).unwrap();
        assert_eq!(list.uins, [Uin(1), Uin(2), Uin(3)]);
    }
}
