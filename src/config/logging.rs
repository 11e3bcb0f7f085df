//! `logging:`, what the process says.

use serde::Deserialize;

use super::fault::Fault;

/// `logging:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug` or `trace`; also with exceptions, such as `info,hyper=debug`.
    pub min_level: String,
    /// Whether lines are JSON objects instead of text for people.
    pub json: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self { min_level: "info".to_owned(), json: false }
    }
}

impl Logging {
    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if !is_level(&self.min_level) {
            let fix = "write error, warn, info, debug or trace";
            faults.push(Fault::text("logging.min_level", &self.min_level, fix));
        }
    }
}

/// Whether `text` is one level and perhaps exceptions for parts of the program.
fn is_level(text: &str) -> bool {
    const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    let (plain, exceptions): (Vec<&str>, Vec<&str>) = text.split(',').partition(|part| !part.contains('='));
    let is_path = |path: &str| !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    let is_exception = |part: &str| {
        part.split_once('=').is_some_and(|(path, level)| is_path(path) && (level == "off" || LEVELS.contains(&level)))
    };
    matches!(plain.as_slice(), [level] if LEVELS.contains(level)) && exceptions.into_iter().all(is_exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_that_the_logger_knows() {
        for good in ["info", "trace", "info,hyper=debug", "warn,matrix_webqq::qq=trace,sqlx=off"] {
            assert!(is_level(good), "{good}");
        }
        for bad in ["", "verbose", "INFO ", "info,", "hyper=debug", "info,debug", "info,hyper=loud", "info,=debug"] {
            assert!(!is_level(bad), "{bad}");
        }
    }
}
