//! Who may do what in the rooms of groups and discussions: what the bridge keeps in step with QQ is the bridge's to change,
//! owners and administrators on QQ have an office, and nobody else has.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{RoomId, UserId};
use serde_json::{Value, json};

use super::{Bridge, Error};
use crate::matrix::Intent;

/// The state that holds who may do what.
pub(super) const LEVELS: &str = "m.room.power_levels";

/// The power level of administrators.
pub(super) const ADMINISTRATOR: i64 = 50;
/// The power level of owners: less than the bot's, which has to take it back one day.
pub(super) const OWNER: i64 = 75;
/// What only the bot may do, and whoever its administrator gave as much to.
const BOT: i64 = 100;

/// State that the bridge writes, or that would shut it out. A list of one's own replaces the homeserver's whole list.
const KEPT: &[&str] = &[
    LEVELS,
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.encryption",
    "m.room.history_visibility",
    "m.room.server_acl",
    "m.room.tombstone",
    "m.space.parent",
    "m.bridge",
    "uk.half-shot.bridge",
    "com.beeper.room_features",
    "io.element.functional_members",
];

/// What differs from the homeserver's own levels in the room of a group or discussion. Who has which level is not among
/// it: whether the bot has to be named depends on the version of the room.
pub(super) fn of_group() -> Value {
    let events: BTreeMap<&str, i64> = KEPT.iter().map(|kind| (*kind, BOT)).collect();
    json!({ "events": events, "state_default": ADMINISTRATOR, "events_default": 0, "users_default": 0 })
}

/// The same in a space: nobody has anything to say in it.
pub(super) fn of_space() -> Value {
    json!({ "state_default": BOT, "events_default": BOT, "invite": ADMINISTRATOR, "users_default": 0 })
}

impl Bridge {
    /// Gives `user` the power level `level` in `room`.
    pub async fn set_level(&self, room: &RoomId, user: &UserId, level: i64) -> Result<(), Error> {
        self.change_levels(&self.homeserver.bot(), room, |levels| with_level(levels, user, level)).await
    }

    /// Changes who has which level in `room` by `change`, which gives `None` when nothing has to be changed.
    pub(super) async fn change_levels(
        &self,
        who: &Intent,
        room: &RoomId,
        change: impl FnOnce(Value) -> Option<Value>,
    ) -> Result<(), Error> {
        // Two who change it at once would undo each other's change.
        let _one_at_a_time = self.levelling.lock().await;
        let now = who.state(room, LEVELS, "").await?.unwrap_or_default();
        if let Some(levels) = change(now) {
            who.set_state(room, LEVELS, "", &levels).await?;
        }
        Ok(())
    }
}

/// `levels` in which `user` has `level`; `None` when it is so already.
fn with_level(mut levels: Value, user: &UserId, level: i64) -> Option<Value> {
    let content = levels.as_object_mut()?;
    let usual = content.get("users_default").and_then(Value::as_i64).unwrap_or(0);
    let users = content.entry("users").or_insert_with(|| json!({})).as_object_mut()?;
    let before = users.get(user.as_str()).and_then(Value::as_i64).unwrap_or(usual);
    if before == level {
        return None;
    }
    users.insert(user.to_string(), level.into());
    Some(levels)
}

/// `levels` in which `officers` have their offices, and nobody else for whom `is_ours` says so has one; `None` when it is
/// so already.
pub(super) fn with_officers(
    levels: &Value,
    officers: &BTreeMap<String, i64>,
    is_ours: impl Fn(&str) -> bool,
) -> Option<Value> {
    let mut changed = levels.clone();
    let users = changed.as_object_mut()?.entry("users").or_insert_with(|| json!({})).as_object_mut()?;
    for (user, level) in users.iter_mut() {
        let has_office = [ADMINISTRATOR, OWNER].map(Some).contains(&level.as_i64());
        if has_office && is_ours(user) && !officers.contains_key(user) {
            *level = 0.into();
        }
    }
    users.extend(officers.iter().map(|(user, level)| (user.clone(), Value::from(*level))));
    (changed != *levels).then_some(changed)
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;

    use super::*;

    #[test]
    fn a_level_is_changed_for_one_person_and_only_when_it_is_another() {
        let (levels, b) = (json!({ "ban": 50, "users": { "@a:x": 100 }, "users_default": 0 }), user_id!("@b:x"));
        let changed = with_level(levels.clone(), b, 50);
        assert_eq!(changed, Some(json!({ "ban": 50, "users": { "@a:x": 100, "@b:x": 50 }, "users_default": 0 })));
        assert_eq!(with_level(changed.unwrap(), b, 50), None);
        assert_eq!(with_level(levels, b, 0), None, "nobody has no level at all");
        assert_eq!(with_level(json!({}), b, 50), Some(json!({ "users": { "@b:x": 50 } })));
    }

    #[test]
    fn officers_get_their_offices_and_former_ones_lose_them() {
        let levels = json!({ "users": { "@me:x": 100, "@qq_1:x": 75, "@qq_2:x": 50, "@qq_3:x": 30, "@she:x": 50 } });
        let officers = BTreeMap::from([("@qq_2:x".to_owned(), OWNER), ("@qq_4:x".to_owned(), ADMINISTRATOR)]);
        let is_ours = |user: &str| user.starts_with("@qq_");
        let changed = with_officers(&levels, &officers, is_ours).unwrap();
        let expected = json!({ "@me:x": 100, "@qq_1:x": 0, "@qq_2:x": 75, "@qq_3:x": 30, "@qq_4:x": 50, "@she:x": 50 });
        assert_eq!(changed["users"], expected);
        assert_eq!(with_officers(&changed, &officers, is_ours), None);
    }
}
