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
pub(super) const BOT: i64 = 100;

/// State that the bridge writes.
const WRITTEN: &[&str] = &[
    LEVELS,
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.space.parent",
    "m.bridge",
    "uk.half-shot.bridge",
    "com.beeper.room_features",
    "io.element.functional_members",
];
/// State that would shut it out.
const GUARDED: &[&str] = &["m.room.encryption", "m.room.history_visibility", "m.room.server_acl", "m.room.tombstone"];

/// What differs from the homeserver's own levels in the room of a group or discussion. Who has which level is not among
/// it: whether the bot has to be named depends on the version of the room.
pub(super) fn of_group() -> Value {
    // A list of one's own replaces the homeserver's whole list.
    let events: BTreeMap<&str, i64> = WRITTEN.iter().chain(GUARDED).map(|kind| (*kind, BOT)).collect();
    json!({ "events": events, "state_default": ADMINISTRATOR, "events_default": 0, "users_default": 0 })
}

/// The same in a space: nobody has anything to say in it.
pub(super) fn of_space() -> Value {
    json!({ "state_default": BOT, "events_default": BOT, "invite": ADMINISTRATOR, "users_default": 0 })
}

/// Who may do what in a room that somebody else made. Source: Matrix specification 1.18, `m.room.power_levels`, and room
/// version 12, in which nobody is above those who made the room.
pub(super) struct Powers {
    /// None where nobody has said.
    levels: Option<Value>,
    creators: Vec<String>,
    /// What the creators have, unless something else is said of them.
    of_creators: i64,
}

impl Powers {
    /// From the `m.room.create` of a room, as an event or its content alone, and the content of its power levels.
    pub(super) fn new(create: &Value, levels: Option<Value>) -> Self {
        let content = create.get("content").unwrap_or(create);
        let version =
            content.get("room_version").and_then(Value::as_str).and_then(|version| version.parse::<u32>().ok());
        let is_endless = version.is_some_and(|version| version >= 12);
        let more = content.get("additional_creators").and_then(Value::as_array).filter(|_| is_endless);
        let creators = create.get("sender").into_iter().chain(more.into_iter().flatten());
        let creators = creators.filter_map(Value::as_str).map(str::to_owned).collect();
        let of_creators = match &levels {
            _ if is_endless => i64::MAX,
            None => 100,
            Some(_) => 0,
        };
        Self { levels, creators, of_creators }
    }

    /// The level of `user`.
    pub(super) fn of(&self, user: &str) -> i64 {
        if self.of_creators > 0 && self.creators.iter().any(|creator| creator == user) {
            return self.of_creators;
        }
        self.number(&["users", user]).unwrap_or_else(|| self.of_anybody())
    }

    /// The level of whoever has none of their own.
    pub(super) fn of_anybody(&self) -> i64 {
        self.number(&["users_default"]).unwrap_or(0)
    }

    /// What inviting takes.
    pub(super) fn to_invite(&self) -> i64 {
        self.number(&["invite"]).unwrap_or(0)
    }

    /// What speaking takes.
    pub(super) fn to_speak(&self) -> i64 {
        self.number(&["events", "m.room.message"]).or(self.number(&["events_default"])).unwrap_or(0)
    }

    /// What setting state of this `kind` takes.
    pub(super) fn to_set(&self, kind: &str) -> i64 {
        let usual = if self.levels.is_some() { 50 } else { 0 };
        self.number(&["events", kind]).or(self.number(&["state_default"])).unwrap_or(usual)
    }

    /// What keeping all that the bridge writes in step takes.
    pub(super) fn to_keep(&self) -> i64 {
        WRITTEN.iter().map(|kind| self.to_set(kind)).max().unwrap_or_default()
    }

    fn number(&self, path: &[&str]) -> Option<i64> {
        path.iter().try_fold(self.levels.as_ref()?, |value, field| value.get(field))?.as_i64()
    }
}

impl Bridge {
    /// Who may do what in `room`, in which the bot is.
    pub(super) async fn powers(&self, room: &RoomId) -> Result<Powers, Error> {
        let bot = self.homeserver.bot();
        let create = bot.state_event(room, "m.room.create", "").await?.unwrap_or_default();
        Ok(Powers::new(&create, bot.state(room, LEVELS, "").await?))
    }

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
pub(super) fn with_level(mut levels: Value, user: &UserId, level: i64) -> Option<Value> {
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
    fn who_may_invite_is_read_from_the_power_levels() {
        for (levels, may) in [
            (json!({}), true),
            (json!({ "invite": 50 }), false),
            (json!({ "invite": 50, "users_default": 50 }), true),
            (json!({ "invite": 50, "users": { "@bot:hs": 50 } }), true),
            (json!({ "invite": 0, "users_default": 10, "users": { "@bot:hs": -1 } }), false),
        ] {
            let powers = Powers::new(&json!({}), Some(levels.clone()));
            assert_eq!(powers.of("@bot:hs") >= powers.to_invite(), may, "{levels}");
        }
    }

    #[test]
    fn whoever_made_a_room_has_what_its_version_gives_them() {
        let made = |version: &str| {
            let content = json!({ "room_version": version, "additional_creators": ["@b:x"] });
            json!({ "sender": "@a:x", "content": content })
        };
        let said = || Some(json!({ "users": { "@a:x": 40 } }));
        for (create, levels, of_a, of_b) in [
            (made("12"), said(), i64::MAX, i64::MAX),
            (made("11"), said(), 40, 0),
            (made("11"), None, 100, 0),
            (json!({ "room_version": "12" }), said(), 40, 0),
        ] {
            let powers = Powers::new(&create, levels);
            assert_eq!((powers.of("@a:x"), powers.of("@b:x")), (of_a, of_b), "{create}");
        }
    }

    #[test]
    fn what_speaking_and_setting_state_takes_may_be_said_of_one_kind_of_events() {
        let powers = |levels: Value| Powers::new(&json!({}), Some(levels));
        assert_eq!((powers(json!({})).to_speak(), powers(json!({})).to_set("k")), (0, 50));
        assert_eq!(Powers::new(&json!({}), None).to_set("k"), 0);
        let said =
            powers(json!({ "events_default": 10, "state_default": 20, "events": { "m.room.message": 5, "k": 1 } }));
        assert_eq!((said.to_speak(), said.to_set("k"), said.to_set("other")), (5, 1, 20));
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
