//! `network.webqq.era:`, of which time the WebQQ is.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// A period of WebQQ, by its last year or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// WebQQ 3.0.
    Y2012,
    /// Q+ Web.
    Y2013,
    /// The same with enciphered passwords.
    Y2014,
    /// w.qq.com, with QR codes instead of passwords, until the end.
    SmartQq,
}

impl Era {
    /// Every period, the oldest first.
    pub const ALL: [Self; 4] = [Self::Y2012, Self::Y2013, Self::Y2014, Self::SmartQq];
    const NAMES: [&str; 4] = ["2012", "2013", "2014", "smartqq"];
}

impl<'de> Deserialize<'de> for Era {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EraVisitor)
    }
}

/// Years are numbers in YAML unless they are quoted.
struct EraVisitor;

impl Visitor<'_> for EraVisitor {
    type Value = Era;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("2012, 2013, 2014 or smartqq")
    }

    fn visit_u64<E: de::Error>(self, year: u64) -> Result<Era, E> {
        self.visit_str(&year.to_string())
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Era, E> {
        let known = Era::ALL.into_iter().zip(Era::NAMES).find(|(_, known)| *known == name);
        known.map(|(era, _)| era).ok_or_else(|| E::unknown_variant(name, &Era::NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_era_is_a_year_or_smartqq() {
        let era = |yaml: &str| serde_yaml::from_str::<Era>(yaml);
        assert_eq!(era("2012").unwrap(), Era::Y2012);
        assert_eq!(era("'2014'").unwrap(), Era::Y2014);
        assert_eq!(era("smartqq").unwrap(), Era::SmartQq);
        assert!(era("2011").is_err() && era("true").is_err());
    }
}
