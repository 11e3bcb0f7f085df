//! Rooms that the bridge made without its hearing of it: found again by a mark in what they were created with.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use tracing::warn;

use super::{Bridge, Error};
use crate::matrix::Intent;

impl Bridge {
    /// The room that `creator` may have made before with `mark` in the field `field` of its creation content, if it is not
    /// one of those that `is_known`.
    pub(super) async fn find_marked(
        &self,
        creator: &Intent,
        (field, mark): (&str, &str),
        is_known: impl Fn(&RoomId) -> bool,
    ) -> Result<Option<OwnedRoomId>, Error> {
        for room in creator.joined_rooms().await? {
            if is_known(&room) {
                continue;
            }
            let made_for = creator.state(&room, "m.room.create", "").await?;
            if made_for.and_then(|content| Some(content.get(field)?.as_str()? == mark)).unwrap_or_default() {
                warn!(%room, mark, "found the room that an interrupted attempt had made");
                return Ok(Some(room));
            }
        }
        Ok(None)
    }
}
