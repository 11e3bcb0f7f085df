//! How the service behaves, as far as that changed over the years or varied between accounts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::era::Era;

/// The `options:` of a world file; `config/world.example.yaml` says what each is for.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a configuration file")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// When it is: which logins, numbers and messages there are.
    pub era: Era,
    /// Whether a password login needs a captcha.
    pub captcha: bool,
    /// Whether `pt4_auth` gives a new session to whom logged in before.
    pub resume: bool,
    /// How long a poll without news is held.
    pub poll_hold_ms: u64,
    /// How it ends then.
    pub poll_idle: Idle,
    /// What the older of two polls of one session is told.
    pub superseded_retcode: i64,
    /// What calls with an unknown psessionid are told.
    pub unknown_session_retcode: i64,
    /// Most events in one poll reply.
    pub events_per_poll: usize,
    /// Order within one poll reply.
    pub newest_first: bool,
    /// Whether the order within one poll reply is left to chance instead.
    pub shuffled: bool,
    /// Whether own messages in groups and discussions come back.
    pub echo: bool,
    /// Whether `<` and `>` arrive as entities.
    pub escape_text: bool,
    /// Whether a blank follows every message.
    pub trailing_blank: bool,
    /// Whether poll2 insists on `get_online_buddies2`.
    pub buddies_first: bool,
    /// Whether calls without Referer, User-Agent or cookies are refused.
    pub check_headers: bool,
    /// Whether real numbers can be looked up in the last era, too.
    pub real_numbers: bool,
    /// How long a QR code can be scanned.
    pub qr_lifetime_ms: u64,
    /// How long a session lives after login2; 0 is for ever.
    pub session_life_ms: u64,
    /// The pace of sending: what is faster is answered well and reaches nobody; 0 is no limit.
    pub pace_ms: u64,
    /// How many messages may be sent at once before the pace counts.
    pub burst: u32,
    /// Most characters of a message; longer ones reach nobody. 0 is no limit.
    pub text_limit: usize,
    /// Whether messages that look like an SQL injection reach nobody.
    pub filter_attacks: bool,
    /// How many messages are kept while nobody polls.
    pub queue_limit: usize,
    /// Whether the events of the last reply come again when its connection ended before the next poll.
    pub repeat_after_hangup: bool,
}

/// What ends a poll without news. Source: protocol dossier 7.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idle {
    /// `{"retcode":102,"errmsg":""}`, until 2016.
    #[serde(rename = "retcode_102")]
    Retcode102,
    /// The HTTP server in front gives up, from 2016.
    #[serde(rename = "http_504")]
    Http504,
    /// `{"retcode":0,"result":"ok"}`.
    Empty,
    /// `{"errmsg":"error!!!","retcode":0}`, 2018.
    Error,
}

impl Rules {
    /// Real numbers could be looked up until April 2017.
    pub(crate) fn tells_real_numbers(&self) -> bool {
        self.real_numbers || self.era.is_old()
    }

    pub(crate) const fn poll_hold(&self) -> Duration {
        Duration::from_millis(self.poll_hold_ms)
    }

    pub(crate) fn session_life_ms(&self) -> Option<i64> {
        i64::try_from(self.session_life_ms).ok().filter(|life| *life > 0)
    }

    /// The pace, and how far ahead of it a burst may be, in milliseconds.
    pub(crate) fn pace(&self) -> Option<(i64, i64)> {
        let pace = i64::try_from(self.pace_ms).ok().filter(|pace| *pace > 0)?;
        Some((pace, pace.saturating_mul(i64::from(self.burst.saturating_sub(1)))))
    }

    pub(crate) const fn qr_lifetime(&self) -> Duration {
        Duration::from_millis(self.qr_lifetime_ms)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            era: Era::SmartQq,
            captcha: true,
            resume: false,
            poll_hold_ms: 55_000,
            poll_idle: Idle::Retcode102,
            superseded_retcode: 102,
            unknown_session_retcode: 103,
            events_per_poll: 50,
            newest_first: true,
            shuffled: false,
            echo: true,
            escape_text: true,
            trailing_blank: false,
            buddies_first: true,
            check_headers: true,
            real_numbers: false,
            qr_lifetime_ms: 120_000,
            session_life_ms: 0,
            pace_ms: 0,
            burst: 3,
            text_limit: 0,
            filter_attacks: false,
            queue_limit: 100_000,
            repeat_after_hangup: false,
        }
    }
}
