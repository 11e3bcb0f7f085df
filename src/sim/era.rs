//! The periods of WebQQ that the simulator can play, and what the service did differently in each.
//!
//! Source: protocol dossier 0.2, 3, 6.1, 7.5, 9.4. That the eras that the world file names by their years are these is the
//! simulator's own choice.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

/// When it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Era {
    /// Early 2012: passwords, the oldest digest.
    #[serde(rename = "2012")]
    Y2012,
    /// 2013: passwords, the digest with a salt.
    #[serde(rename = "2013")]
    Y2013,
    /// Late 2014: passwords, enciphered.
    #[serde(rename = "2014")]
    Y2014,
    /// 2016 to 2018: QR codes.
    #[serde(rename = "smartqq")]
    SmartQq,
}

/// How a password is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hiding {
    /// MD5 three times over.
    Unsalted,
    /// MD5 with the account.
    Salted,
    /// RSA within TEA.
    Enciphered,
}

impl Era {
    const NAMES: [(&str, Self); 4] =
        [("2012", Self::Y2012), ("2013", Self::Y2013), ("2014", Self::Y2014), ("smartqq", Self::SmartQq)];

    /// How passwords are hidden; none where nobody logs in by password.
    pub(crate) const fn hiding(self) -> Option<Hiding> {
        match self {
            Self::Y2012 => Some(Hiding::Unsalted),
            Self::Y2013 => Some(Hiding::Salted),
            Self::Y2014 => Some(Hiding::Enciphered),
            Self::SmartQq => None,
        }
    }

    /// How many arguments `ptui_checkVC` has.
    pub(crate) const fn check_arguments(self) -> usize {
        match self {
            Self::Y2012 => 2,
            Self::Y2013 => 4,
            Self::Y2014 | Self::SmartQq => 5,
        }
    }

    /// Where a login ends.
    pub(crate) const fn landing(self) -> &'static str {
        match self {
            Self::Y2012 => "http://web.qq.com/loginproxy.html?login2qq=1&webqq_type=10",
            Self::Y2013 => "http://web2.qq.com/loginproxy.html?login2qq=1&webqq_type=10",
            Self::Y2014 | Self::SmartQq => "http://w.qq.com/proxy.html?login2qq=1&webqq_type=10",
        }
    }

    /// Everything before `smartqq`: texts as clientid, longer messages, `retcode` after a send, no echo of own words.
    pub(crate) fn is_old(self) -> bool {
        self != Self::SmartQq
    }
}

impl<'de> Deserialize<'de> for Era {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Years are numbers in YAML unless they are quoted.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Word {
            Year(u32),
            Name(String),
        }
        let name = match Word::deserialize(deserializer)? {
            Word::Year(year) => year.to_string(),
            Word::Name(name) => name,
        };
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, era)| *era)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&name), &"2012, 2013, 2014 or smartqq"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_era_is_read_as_it_is_written_and_as_a_number() {
        for (name, era) in Era::NAMES {
            assert_eq!(serde_json::to_value(era).unwrap(), name);
            assert_eq!(serde_yaml::from_str::<Era>(name).unwrap(), era, "a year is a number in YAML");
            assert_eq!(serde_json::from_str::<Era>(&format!("{name:?}")).unwrap(), era);
        }
        assert!(serde_yaml::from_str::<Era>("2011").is_err());
    }
}
