//! `clientid`: who a client says it is; the same number for everybody since 2015, a text of its own choice before.
//!
//! Source: protocol dossier 1.

use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the page of 2015 to 2018 had built in.
const BUILT_IN: u64 = 53_999_199;

/// A clientid. In JSON a number stays a number and a text a text: QQ told them apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
pub(crate) struct Clientid {
    text: String,
    is_number: bool,
}

impl Clientid {
    /// A new one, as the page of 2011 to 2014 made it: a number below 100, and the last six digits of the time.
    pub(crate) fn chosen(now_ms: i64) -> Self {
        let text = format!("{}{}", rand::rng().random_range(0..100), now_ms.rem_euclid(1_000_000));
        Self { text, is_number: false }
    }

    /// For query strings.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Default for Clientid {
    fn default() -> Self {
        Self { text: BUILT_IN.to_string(), is_number: true }
    }
}

impl From<Value> for Clientid {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self { text, is_number: false },
            Value::Number(number) => Self { text: number.to_string(), is_number: true },
            _ => Self::default(),
        }
    }
}

impl From<Clientid> for Value {
    fn from(clientid: Clientid) -> Self {
        match clientid.text.parse::<u64>() {
            Ok(number) if clientid.is_number => number.into(),
            _ => clientid.text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_stays_a_number_and_a_text_a_text() {
        for value in [json!(53_999_199), json!("21854174")] {
            let clientid: Clientid = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&clientid).unwrap(), value);
            assert_eq!(clientid.as_str(), value.to_string().trim_matches('"'));
        }
        let chosen = Clientid::chosen(1_484_000_005_123);
        assert!(chosen.as_str().ends_with("5123") && serde_json::to_value(&chosen).unwrap().is_string());
        assert_eq!(serde_json::to_value(Clientid::default()).unwrap(), json!(53_999_199));
    }
}
