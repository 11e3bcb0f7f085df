//! What the service accepts and nobody hears: messages above the pace, too long ones, and those that look like an attack.
//!
//! Source: protocol dossier 8.3 (length, rate, filter), 9.4 (silent drop).

use serde_json::Value;

use super::rules::Rules;

/// Why a message was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    AbovePace,
    TooLong,
    Filtered,
}

/// How far the messages so far have used the pace up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    until_ms: i64,
}

impl Pace {
    /// Whether a message at `now_ms` is lost; it counts for the pace if not.
    pub(crate) fn take(&mut self, content: &[Value], rules: &Rules, now_ms: i64) -> Option<Loss> {
        let texts = || content.iter().filter_map(Value::as_str);
        if rules.text_limit > 0 && texts().map(|text| text.chars().count()).sum::<usize>() > rules.text_limit {
            return Some(Loss::TooLong);
        }
        if rules.filter_attacks && texts().any(looks_like_an_attack) {
            return Some(Loss::Filtered);
        }
        let (pace, ahead) = rules.pace()?;
        let until = self.until_ms.max(now_ms);
        if until.saturating_sub(now_ms) > ahead {
            return Some(Loss::AbovePace);
        }
        self.until_ms = until.saturating_add(pace);
        None
    }
}

/// `and '` and `and 1`, as in an SQL injection. That a digit other than 1 counts, and case does not, is a guess.
fn looks_like_an_attack(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.match_indices("and ").any(|(at, found)| {
        let next = text.get(at + found.len()..).and_then(|rest| rest.chars().next());
        next.is_some_and(|next| next == '\'' || next.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(pace: &mut Pace, text: &str, rules: &Rules, now_ms: i64) -> Option<Loss> {
        pace.take(&[json!(text), json!(["face", 14]), json!(["font", {}])], rules, now_ms)
    }

    #[test]
    fn a_burst_may_be_ahead_of_the_pace_and_time_gives_it_back() {
        let rules = Rules { pace_ms: 3000, burst: 2, ..Rules::default() };
        let mut pace = Pace::default();
        let lost: Vec<_> = [0, 1, 2, 2999, 3001, 3002, 9002, 9003, 9004]
            .into_iter()
            .filter(|at_ms| take(&mut pace, "x", &rules, 1_000_000 + at_ms).is_some())
            .collect();
        assert_eq!(lost, [2, 2999, 3002, 9004]);
        let one = Rules { burst: 0, ..rules };
        let mut pace = Pace::default();
        assert_eq!([take(&mut pace, "x", &one, 5), take(&mut pace, "x", &one, 5)], [None, Some(Loss::AbovePace)]);
    }

    #[test]
    fn long_and_suspicious_messages_are_lost_by_rule() {
        let rules = Rules { text_limit: 5, filter_attacks: true, ..Rules::default() };
        for (text, loss) in [
            ("一二三四五", None),
            ("一二三四五六", Some(Loss::TooLong)),
            ("AND '", Some(Loss::Filtered)),
            ("and 1", Some(Loss::Filtered)),
            ("and a", None),
            ("and_1", None),
            ("and ", None),
        ] {
            assert_eq!(take(&mut Pace::default(), text, &rules, 0), loss, "{text}");
            assert_eq!(take(&mut Pace::default(), text, &Rules::default(), 0), None, "{text}, by default");
        }
    }
}
