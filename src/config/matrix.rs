//! `matrix:`, how we behave in rooms.

use serde::Deserialize;

/// `matrix:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the file")]
pub struct Matrix {
    /// Whether portals may be joined from other servers.
    pub federate_rooms: bool,
    /// Whether the sender is told in the room when a message could not be delivered.
    pub message_error_notices: bool,
    /// Whether clients are told how each message towards QQ does.
    pub message_status_events: bool,
    /// Whether the bot marks as read what QQ took.
    pub delivery_receipts: bool,
    /// Whether QQ people are shown as online, away and so on.
    pub presence: bool,
}

impl Default for Matrix {
    fn default() -> Self {
        Self {
            federate_rooms: true,
            message_error_notices: true,
            message_status_events: false,
            delivery_receipts: false,
            presence: true,
        }
    }
}
