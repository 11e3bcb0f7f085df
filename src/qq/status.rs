//! How an account shows itself to others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What friends see of the account. There is no `offline`: whoever wants that logs out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// 在线.
    #[default]
    Online,
    /// 离开.
    Away,
    /// 忙碌.
    Busy,
    /// 隐身: others see the account as offline.
    Hidden,
    /// Q我吧.
    CallMe,
    /// 请勿打扰.
    Silent,
}

impl Status {
    /// Every status, in the order of QQ's own menu.
    pub const ALL: [Self; 6] = [Self::Online, Self::Away, Self::Busy, Self::Hidden, Self::CallMe, Self::Silent];

    /// The word for it. Source: protocol dossier 2.4.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Hidden => "hidden",
            Self::CallMe => "callme",
            Self::Silent => "silent",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no [`Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no status of QQ")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_as_it_is_read_and_kept() {
        for status in Status::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!("offline".parse::<Status>(), Err(UnknownStatus));
    }
}
