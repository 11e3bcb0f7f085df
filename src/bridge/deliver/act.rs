//! What ghosts do in rooms besides speaking: they come, they go, they get an office. All of it may be done twice.

use matrix_sdk::ruma::{EventId, OwnedRoomId, RoomId};

use crate::bridge::departure::Act;
use crate::bridge::{Bridge, Error, Verdict};
use crate::matrix::Intent;
use crate::qq::ContactId;

impl Bridge {
    /// Does `act` in `room` as the ghost of `contact`.
    pub(super) async fn act_in_room(
        &self,
        act: &Act,
        contact: &ContactId,
        room: &OwnedRoomId,
        host: &Intent,
    ) -> Result<(), Error> {
        let _turn = self.requests.acquire().await;
        match act {
            Act::Enter => {
                let ghost = self.ensure_ghost(contact).await?;
                self.ensure_joined(&ghost, room, host).await
            }
            Act::Leave(reason) => {
                let ghost = self.homeserver.intent(&self.homeserver.ghost_id(contact.as_str())?);
                match ghost.leave(room, reason.as_deref()).await {
                    // Whoever is not in the room cannot leave it.
                    Err(error) if !error.is_forbidden() => return Err(error.into()),
                    _ => {}
                }
                self.forget_member(room, ghost.user_id()).await
            }
            Act::Read(event) => self.mark_read(room, event).await,
            Act::Level(level) => {
                let ghost = self.homeserver.ghost_id(contact.as_str())?;
                self.set_level(room, &ghost, *level).await
            }
        }
    }

    /// Marks `event` as read by the bot. Where it may not, nothing is lost.
    pub(super) async fn mark_read(&self, room: &RoomId, event: &str) -> Result<(), Error> {
        let Ok(event) = <&EventId>::try_from(event) else { return Ok(()) };
        match self.homeserver.bot().mark_read(room, event).await.map_err(Error::from) {
            Err(error) if error.verdict() == Verdict::GiveUp => Ok(()),
            done => done,
        }
    }
}
