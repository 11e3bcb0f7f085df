//! `matrix:`, how we behave in rooms.

use serde::Deserialize;

/// `matrix:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matrix {
    /// Whether portals may be joined from other servers.
    pub federate_rooms: bool,
    /// Whether the sender is told in the room when a message could not be delivered.
    pub message_error_notices: bool,
    /// Whether QQ people are shown as online, away and so on.
    pub presence: bool,
}

impl Default for Matrix {
    fn default() -> Self {
        Self { federate_rooms: true, message_error_notices: true, presence: true }
    }
}
