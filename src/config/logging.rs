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
    /// `logging.file:`
    pub file: LogFile,
}

/// `logging.file:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogFile {
    /// Where it is; empty means that there is none.
    pub path: String,
    /// How large it may grow, in megabytes of 2^20 bytes.
    pub max_mb: u32,
    /// How many older ones are kept.
    pub keep: u32,
    /// Whether its lines are JSON objects.
    pub json: bool,
}

impl LogFile {
    /// [`LogFile::max_mb`] in bytes.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        u64::from(self.max_mb) << 20
    }
}

impl Default for LogFile {
    fn default() -> Self {
        Self { path: String::new(), max_mb: 50, keep: 5, json: true }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self { min_level: "info".to_owned(), json: false, file: LogFile::default() }
    }
}

impl Logging {
    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if !is_level(&self.min_level) {
            let fix = "write error, warn, info, debug or trace";
            faults.push(Fault::text("logging.min_level", &self.min_level, fix));
        }
        if self.file.max_mb == 0 {
            faults.push(Fault::text("logging.file.max_mb", "0", "write 1 or more"));
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
