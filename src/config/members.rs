//! `bridge.members:`, which members of a group enter its room.

use serde::Deserialize;

/// `bridge.members:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Members {
    /// When they enter.
    pub sync: MemberSync,
    /// How many enter without having said a word.
    pub limit: usize,
}

impl Default for Members {
    fn default() -> Self {
        Self { sync: MemberSync::Lazy, limit: 20 }
    }
}

/// When members enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberSync {
    /// With their first word.
    Lazy,
    /// As soon as there is a room.
    All,
}
