//! Whether a room notifies somebody: that is a push rule of their own, which their puppet sets.

use std::sync::Arc;

use matrix_sdk::ruma::{RoomId, UserId};

use super::puppet::is_no;
use super::{Bridge, Error};

/// What became of the wish to mute a room, or to end that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muted {
    /// It was done.
    Done,
    /// It was not muted by such a rule.
    WasNot,
    /// There is nothing that lets us act for them.
    NoPuppet,
}

impl Bridge {
    /// Lets `room` notify `user` of nothing but what they are mentioned in, or of everything again.
    pub async fn mute(self: &Arc<Self>, user: &UserId, room: &RoomId, is_muted: bool) -> Result<Muted, Error> {
        let Some(puppet) = self.puppet_of(user).await? else { return Ok(Muted::NoPuppet) };
        let done = if is_muted { puppet.mute(room).await.map(|()| true) } else { puppet.unmute(room).await };
        match done {
            Ok(true) => Ok(Muted::Done),
            Ok(false) => Ok(Muted::WasNot),
            Err(error) => {
                if is_no(&error) {
                    self.doubt_puppet(&puppet, &error).await?;
                }
                Err(error.into())
            }
        }
    }
}
