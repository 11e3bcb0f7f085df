//! Double puppets: what people say on their phone comes from their own Matrix user, where something lets us act for it.
//!
//! A puppet is in nobody's way. One that the homeserver refuses is turned off, its person is told once, and a ghost says
//! what it would have said. What a puppet says comes back to us from the homeserver as its person's own words: it bears a
//! mark and our key, and by those it is known and goes nowhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::{OwnedUserId, RoomId, UserId};
use serde_json::{Map, Value};
use tracing::{debug, info, warn};

use super::convert::to_matrix::KEY_FIELD;
use super::departure::{self, Target, ToRoom};
use super::portal::Portal;
use super::{Bridge, Error, notice, route};
use crate::base::{Backoff, Secret};
use crate::matrix::{self, Event, Intent, Key};
use crate::qq::AccountId;
use crate::store::{self, PuppetRow, PuppetState, Tx};

/// The content field by which bridges know what puppets said. Source: mautrix bridges write it.
pub(super) const SOURCE_FIELD: &str = "fi.mau.double_puppet_source";

/// The account data in which clients keep who is behind a direct chat.
const DIRECT: &str = "m.direct";

/// Held while somebody's list of direct chats is changed: that is read, changed and written.
#[derive(Debug, Default)]
pub(super) struct Puppets {
    lists: tokio::sync::Mutex<()>,
}

/// How somebody's puppet does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It works, by a token of their own (`true`) or that of the configuration.
    Works(bool),
    /// There is nothing that would let us act for them.
    None,
    /// They do not want it.
    Off,
    /// The homeserver refuses it; its words.
    Refused(String),
    /// The token is another person's.
    Another(OwnedUserId),
}

/// What marks an event as said by a puppet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Of which bridge.
    source: String,
    /// Under which key of its outbox.
    key: String,
}

/// What `body`, an event as it came, is marked with.
pub(super) fn mark_of(body: &str) -> Option<Mark> {
    if !body.contains(SOURCE_FIELD) {
        return None;
    }
    let event: Value = serde_json::from_str(body).ok()?;
    let text = |field| event.get("content")?.get(field)?.as_str().map(str::to_owned);
    Some(Mark { source: text(SOURCE_FIELD)?, key: text(KEY_FIELD).unwrap_or_default() })
}

/// `content` as what a puppet of the bridge `source` says.
pub(super) fn marked(content: &Value, source: &str) -> Value {
    let mut content = content.clone();
    if let Some(fields) = content.as_object_mut() {
        fields.insert(SOURCE_FIELD.to_owned(), source.into());
    }
    content
}

/// `list` with `room` among the direct chats with `whom`; `None` when it is there.
fn with_direct(list: &Value, whom: &UserId, room: &RoomId) -> Option<Value> {
    let mut people = list.as_object().cloned().unwrap_or_else(Map::new);
    let rooms = people.entry(whom.as_str()).or_insert_with(|| Value::Array(Vec::new()));
    if !rooms.is_array() {
        *rooms = Value::Array(Vec::new());
    }
    let rooms = rooms.as_array_mut().filter(|rooms| !rooms.iter().any(|known| known == room.as_str()))?;
    rooms.push(room.as_str().into());
    Some(Value::Object(people))
}

/// Whether `error` says that we may not act as somebody, rather than that something did not work. A refusal without a code
/// is a proxy's.
pub(super) fn is_no(error: &matrix::Error) -> bool {
    let is_no = |refusal: &matrix::Refusal| refusal.code.is_some() && matches!(refusal.status, 401 | 403);
    // A token that fits into no header is none.
    error.refusal().is_some_and(is_no) || matches!(error, matrix::Error::Unsendable { .. })
}

impl Bridge {
    /// The puppet of `user`, if there is one and it works as far as is known.
    pub(super) async fn puppet_of(&self, user: &UserId) -> Result<Option<Intent>, Error> {
        let row = self.puppet_row(user).await?;
        if row.as_ref().is_some_and(|row| row.state != PuppetState::On) {
            return Ok(None);
        }
        Ok(self.key_to(user, row.as_ref()).map(|key| self.homeserver.puppet(user, key)))
    }

    async fn puppet_row(&self, user: &UserId) -> Result<Option<PuppetRow>, Error> {
        let mxid = user.to_string();
        Ok(self.store.read(move |tx| Box::pin(async move { tx.puppet(&mxid).await })).await?)
    }

    /// What lets us act as `user`, of whom `row` is kept: their own token, else that of the configuration.
    fn key_to(&self, user: &UserId, row: Option<&PuppetRow>) -> Option<Key> {
        if user.server_name() != self.homeserver.namespace().domain() {
            return None;
        }
        if let Some(token) = row.and_then(|row| row.token.as_ref()) {
            // What another key has sealed is refused by the homeserver like any wrong token.
            let token = self.seal.open(user.as_str(), token).unwrap_or_default();
            return Some(Key::Personal(token));
        }
        self.config.double_puppet.as_token(user.server_name().as_str()).map(Key::Service)
    }

    /// The puppet of the owner of `account`.
    pub(super) async fn puppet_of_account(&self, account: &AccountId) -> Result<Option<Intent>, Error> {
        match self.owner_of(account).await? {
            Some(owner) => self.puppet_of(&owner).await,
            None => Ok(None),
        }
    }

    /// Says `to_room` in `room` as the owner of `account`. `None`: there is no puppet, or none that may, and a ghost has to.
    pub(super) async fn say_as_owner(
        self: &Arc<Self>,
        account: &AccountId,
        (to_room, key): (&ToRoom, &str),
        room: &RoomId,
    ) -> Result<Option<matrix_sdk::ruma::OwnedEventId>, Error> {
        let Some(puppet) = self.puppet_of_account(account).await? else { return Ok(None) };
        let content = marked(&to_room.content, &self.config.appservice.id);
        let say = || puppet.send(room, "m.room.message", &content, key, to_room.ts_ms);
        let said = match say().await {
            // They may be asked in and not have come. Whoever has left is not brought back.
            Err(error) if error.is_forbidden() && puppet.join(room).await.is_ok() => say().await,
            said => said,
        };
        match said {
            Ok(event) => Ok(Some(event)),
            Err(error) if is_no(&error) => {
                self.doubt_puppet(&puppet, &error).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The homeserver refused `puppet` something: turns it off unless it was this one thing only.
    pub(super) async fn doubt_puppet(self: &Arc<Self>, puppet: &Intent, refused: &matrix::Error) -> Result<(), Error> {
        match puppet.whoami().await {
            Ok(_) => {
                debug!(user = %puppet.user_id(), error = %refused, "a puppet may not speak here; a ghost does");
                Ok(())
            }
            Err(error) if is_no(&error) => self.refuse_puppet(puppet.user_id(), &error).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Turns the puppet of `user` off and tells them, both or neither; once.
    async fn refuse_puppet(self: &Arc<Self>, user: &UserId, why: &matrix::Error) -> Result<(), Error> {
        let (mxid, now) = (user.to_string(), self.clock.now_ms().to_string());
        let text = self.texts_for(user.as_str()).say("puppet.refused", &[("why", &why.to_string())]);
        let told = self.store.write(move |tx| {
            Box::pin(async move {
                if !tx.refuse_puppet(&mxid).await? {
                    return Ok(None);
                }
                notice::put_in_control(tx, &mxid, &text, &route::key(&["puppet", &mxid, &now])).await.map(Some)
            })
        });
        if let Some(lane) = told.await? {
            warn!(%user, %why, "a double puppet is refused, and off");
            self.wake(&lane);
        }
        Ok(())
    }

    /// Asks the homeserver whether the puppet of `user` works, and turns it off or on by that.
    pub async fn check_puppet(self: &Arc<Self>, user: &UserId) -> Result<Standing, Error> {
        let row = self.puppet_row(user).await?;
        if row.as_ref().is_some_and(|row| row.state == PuppetState::Off) {
            return Ok(Standing::Off);
        }
        let Some(key) = self.key_to(user, row.as_ref()) else { return Ok(Standing::None) };
        let is_personal = matches!(key, Key::Personal(_));
        let puppet = self.homeserver.puppet(user, key);
        match puppet.whoami().await {
            Ok(_) => {
                if let Some(row) = row.filter(|row| row.state == PuppetState::Refused) {
                    self.put_puppet(user, PuppetState::On, row.token).await?;
                }
                self.settle_puppet(&puppet).await;
                Ok(Standing::Works(is_personal))
            }
            Err(error) if is_no(&error) => {
                self.refuse_puppet(user, &error).await?;
                Ok(Standing::Refused(error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Lets `user` speak through what the configuration has for them, if anything.
    pub async fn restore_puppet(self: &Arc<Self>, user: &UserId) -> Result<Standing, Error> {
        if self.key_to(user, None).is_none() {
            return Ok(Standing::None);
        }
        self.put_puppet(user, PuppetState::On, None).await?;
        self.check_puppet(user).await
    }

    /// Lets `user` speak through `token`, if that is theirs.
    pub async fn adopt_puppet(self: &Arc<Self>, user: &UserId, token: &Secret) -> Result<Standing, Error> {
        let puppet = self.homeserver.puppet(user, Key::Personal(token.clone()));
        match puppet.whoami().await {
            Ok(whose) if whose == user => {
                let sealed = self.seal.seal(user.as_str(), token);
                self.put_puppet(user, PuppetState::On, Some(sealed)).await?;
                info!(%user, "a double puppet is on");
                self.settle_puppet(&puppet).await;
                Ok(Standing::Works(true))
            }
            Ok(whose) => Ok(Standing::Another(whose)),
            Err(error) if is_no(&error) => Ok(Standing::Refused(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets what lets us act as `user`, who does not want it. `false` when there was nothing.
    pub async fn end_puppet(&self, user: &UserId) -> Result<bool, Error> {
        let row = self.puppet_row(user).await?;
        let was_on = row.as_ref().is_none_or(|row| row.state != PuppetState::Off);
        if !was_on || self.key_to(user, row.as_ref()).is_none() {
            return Ok(false);
        }
        self.put_puppet(user, PuppetState::Off, None).await?;
        Ok(true)
    }

    async fn put_puppet(&self, user: &UserId, state: PuppetState, token: Option<Secret>) -> Result<(), Error> {
        let mxid = user.to_string();
        let put =
            self.store.write(move |tx| Box::pin(async move { tx.put_puppet(&mxid, state, token.as_ref()).await }));
        Ok(put.await?)
    }

    /// Checks every puppet once after a start, however long the homeserver takes to answer.
    pub(super) async fn check_puppets(self: Arc<Self>) {
        let owners = self.store.read(|tx| {
            Box::pin(async move {
                let owners = tx.logins().await?.into_iter().map(|login| login.owner);
                let kept = tx.puppets().await?.into_iter().map(|row| row.mxid);
                Ok(owners.chain(kept).collect::<BTreeSet<String>>())
            })
        });
        let owners = match owners.await {
            Ok(owners) => owners,
            Err(error) => return warn!(%error, "double puppets could not be checked"),
        };
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(5));
        for owner in owners.iter().filter_map(|owner| <&UserId>::try_from(owner.as_str()).ok()) {
            let mut failures = 0;
            while let Err(error) = self.check_puppet(owner).await {
                failures += 1;
                warn!(user = %owner, %error, failures, "a double puppet could not be checked; trying again");
                if self.shutdown.unless_asked(tokio::time::sleep(backoff.delay(failures))).await.is_none() {
                    return;
                }
            }
        }
    }

    /// Lets `puppet` enter every room that its person is asked into, and marks their direct chats. What does not work is left
    /// to the person.
    async fn settle_puppet(&self, puppet: &Intent) {
        let owner = puppet.user_id().to_string();
        let settled = async {
            let logins = self.store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
            let joined: BTreeSet<_> = puppet.joined_rooms().await?.into_iter().collect();
            for portal in logins.iter().flat_map(|login| self.portals.of(&AccountId::new(&login.account))) {
                let Some(room) = &portal.room else { continue };
                if joined.contains(room) || puppet.join(room).await.is_ok() {
                    self.mark_direct(puppet, &portal, room).await?;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = settled.await {
            warn!(user = %puppet.user_id(), %error, "a double puppet could not enter its rooms");
        }
    }

    /// Lets the owner of `portal` into its new room without a click, if they have a puppet.
    pub(super) async fn let_owner_in(&self, portal: &Portal, room: &RoomId) {
        let entered = async {
            let Some(puppet) = self.puppet_of_account(&portal.account).await? else { return Ok(()) };
            puppet.join(room).await?;
            self.mark_direct(&puppet, portal, room).await
        };
        if let Err(error) = entered.await {
            debug!(portal = portal.id, %error, "the owner has to accept the invitation");
        }
    }

    /// Enters `room` into the list of direct chats of the person behind `puppet`, if it is one.
    async fn mark_direct(&self, puppet: &Intent, portal: &Portal, room: &RoomId) -> Result<(), Error> {
        let Some(peer) = portal.peer.as_ref().filter(|_| portal.is_direct()) else { return Ok(()) };
        if !self.config.double_puppet.sync_direct_chat_list {
            return Ok(());
        }
        let ghost = self.homeserver.ghost_id(peer.as_str())?;
        let _alone = self.puppets.lists.lock().await;
        let list = puppet.account_data(DIRECT).await?.unwrap_or_default();
        if let Some(list) = with_direct(&list, &ghost, room) {
            puppet.set_account_data(DIRECT, &list).await?;
        }
        Ok(())
    }

    /// Whether `event`, which bears `mark`, is what a puppet of ours said. A copy of that, which a person sent, is not.
    pub(super) async fn is_of_puppet(&self, tx: &mut Tx, event: &Event, mark: &Mark) -> Result<bool, store::Error> {
        if mark.source != self.config.appservice.id {
            return Ok(false);
        }
        if tx.message_by_event(event.id.as_str()).await?.is_some() {
            return Ok(true);
        }
        // Between its leaving and our writing that down.
        let Some(row) = tx.departure_by_key(&mark.key).await? else { return Ok(false) };
        let is_there = match departure::read::<ToRoom>(&row).map(|to_room| to_room.target) {
            Ok(Target::Portal(id)) => {
                self.portals.by_id(id).is_some_and(|portal| portal.room.as_deref() == Some(&event.room))
            }
            _ => false,
        };
        Ok(is_there && self.may_have_left(&row))
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{room_id, user_id};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_direct_chat_is_entered_once_and_nobody_elses_is_touched() {
        let (ghost, room) = (user_id!("@qq_1:hs"), room_id!("!r:hs"));
        let list = json!({ "@bob:hs": ["!b:hs"], "@qq_1:hs": ["!old:hs"] });
        let entered = with_direct(&list, ghost, room).unwrap();
        assert_eq!(entered, json!({ "@bob:hs": ["!b:hs"], "@qq_1:hs": ["!old:hs", "!r:hs"] }));
        assert_eq!(with_direct(&entered, ghost, room), None);
        for broken in [json!(null), json!([]), json!({ "@qq_1:hs": 7 })] {
            assert_eq!(with_direct(&broken, ghost, room), Some(json!({ "@qq_1:hs": ["!r:hs"] })));
        }
    }

    #[test]
    fn what_a_puppet_says_is_known_by_its_mark() {
        let said = marked(&json!({ "msgtype": "m.text", "body": "hi", KEY_FIELD: "qq.1" }), "qq");
        let mark = mark_of(&json!({ "content": said }).to_string());
        assert_eq!(mark, Some(Mark { source: "qq".to_owned(), key: "qq.1".to_owned() }));
        for other in [json!({ "body": SOURCE_FIELD }), json!({ SOURCE_FIELD: 7 })] {
            assert_eq!(mark_of(&json!({ "content": other }).to_string()), None);
        }
    }
}
