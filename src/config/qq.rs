//! `network:`, the QQ side.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

/// `network:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Display name of ghosts: fields `.Name` (nick) and `.ID`.
    pub displayname_template: String,
    /// `network.webqq:`
    pub webqq: WebQq,
}

impl Default for Network {
    fn default() -> Self {
        Self { displayname_template: "{{or .Name .ID}} (QQ)".to_owned(), webqq: WebQq::default() }
    }
}

/// `network.webqq:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebQq {
    /// Every qq.com call goes here, with its original `Host` header; unset means the real host names.
    pub server: Option<Url>,
    /// Least time between two messages of one account, in milliseconds; 0 turns pacing off.
    pub send_interval_ms: u64,
    /// How many QR codes one `login` shows before it gives up.
    pub max_qr_codes: u32,
}

impl WebQq {
    /// [`WebQq::send_interval_ms`] as a duration.
    #[must_use]
    pub fn send_interval(&self) -> Duration {
        Duration::from_millis(self.send_interval_ms)
    }
}

impl Default for WebQq {
    fn default() -> Self {
        Self { server: None, send_interval_ms: 3000, max_qr_codes: 5 }
    }
}
