//! What ghosts do in rooms besides speaking: they come, they go, they get an office. All of it may be done twice.

use matrix_sdk::ruma::{EventId, OwnedRoomId, RoomId};
use serde_json::{Value, json};

use crate::bridge::departure::Act;
use crate::bridge::{Bridge, Error, Verdict};
use crate::matrix::Intent;
use crate::qq::ContactId;

/// The state that holds who may do what.
const LEVELS: &str = "m.room.power_levels";

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
                let bot = self.homeserver.bot();
                let now = bot.state(room, LEVELS, "").await?.unwrap_or_default();
                if let Some(levels) = with_level(now, ghost.as_str(), *level) {
                    bot.set_state(room, LEVELS, "", &levels).await?;
                }
                Ok(())
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

/// `levels` in which `user` has `level`; `None` when it is so already.
fn with_level(mut levels: Value, user: &str, level: i64) -> Option<Value> {
    let content = levels.as_object_mut()?;
    let usual = content.get("users_default").and_then(Value::as_i64).unwrap_or(0);
    let users = content.entry("users").or_insert_with(|| json!({})).as_object_mut()?;
    let before = users.get(user).and_then(Value::as_i64).unwrap_or(usual);
    if before == level {
        return None;
    }
    users.insert(user.to_owned(), level.into());
    Some(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_changed_for_one_person_and_only_when_it_is_another() {
        let levels = json!({ "ban": 50, "users": { "@a:x": 100 }, "users_default": 0 });
        let changed = with_level(levels.clone(), "@b:x", 50);
        assert_eq!(changed, Some(json!({ "ban": 50, "users": { "@a:x": 100, "@b:x": 50 }, "users_default": 0 })));
        assert_eq!(with_level(changed.unwrap(), "@b:x", 50), None);
        assert_eq!(with_level(levels, "@b:x", 0), None, "nobody has no level at all");
        assert_eq!(with_level(json!({}), "@b:x", 50), Some(json!({ "users": { "@b:x": 50 } })));
    }
}
