//! `logging:`, what the process says.

use serde::Deserialize;

/// `logging:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub min_level: String,
    /// Whether lines are JSON objects instead of text for people.
    pub json: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self { min_level: "info".to_owned(), json: false }
    }
}
