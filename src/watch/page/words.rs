//! What the page says, in the language of whoever looks at it.

use std::time::Duration;

use crate::bridge::Texts;
use crate::config::Language;
use crate::matrix::html::escape;

/// The texts of one language, as HTML.
#[derive(Debug)]
pub(super) struct Words {
    language: Language,
    texts: Texts,
}

impl Words {
    /// In `language`.
    pub(super) fn new(language: Language) -> Self {
        Self { language, texts: Texts::new(language) }
    }

    /// What the language is called in HTML.
    pub(super) fn tag(&self) -> &'static str {
        match self.language {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }

    /// The other one: its tag, and what it calls itself.
    pub(super) fn other(&self) -> (&'static str, &'static str) {
        match self.language {
            Language::En => ("zh", "中文"),
            Language::Zh => ("en", "English"),
        }
    }

    /// `path` in this language.
    pub(super) fn here(&self, path: &str) -> String {
        format!("{path}?lang={}", self.tag())
    }

    /// A text of the table.
    pub(super) fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        escape(&self.texts.say(key, values))
    }

    /// How long something is, in its two largest units.
    pub(super) fn time(&self, time: Duration) -> String {
        let seconds = time.as_secs();
        let unit = |key: &str, n: u64| self.say(key, &[("n", &n.to_string())]);
        match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
            (0, 0, 0) => unit("page.unit.seconds", seconds),
            (0, 0, minutes) => unit("page.unit.minutes", minutes),
            (0, hours, 0) => unit("page.unit.hours", hours),
            (0, hours, minutes) => [unit("page.unit.hours", hours), unit("page.unit.minutes", minutes)].join(" "),
            (days, 0, _) => unit("page.unit.days", days),
            (days, hours, _) => [unit("page.unit.days", days), unit("page.unit.hours", hours)].join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_at_most_two_units() {
        let words = Words::new(Language::En);
        for (seconds, said) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3_600, "1 h"), (5_400, "1 h 30 min"), (180_000, "2 d 2 h")]
        {
            assert_eq!(words.time(Duration::from_secs(seconds)), said);
        }
        assert_eq!(Words::new(Language::Zh).time(Duration::from_hours(25)), "1 天 1 小时");
    }
}
