//! People of the pretend homeserver. What they are not allowed to do fails the test.

use serde_json::{Value, json};

use super::PretendHomeserver;
use super::rooms::Wish;

/// Somebody at their client.
#[derive(Clone)]
pub(crate) struct Human {
    homeserver: PretendHomeserver,
    id: String,
}

impl Human {
    pub(super) fn new(homeserver: PretendHomeserver, name: &str) -> Self {
        let id = homeserver.change(|world| {
            let id = world.user_id(name);
            world.users.entry(id.clone()).or_default().display_name.get_or_insert_with(|| name.to_owned());
            id
        });
        Self { homeserver, id }
    }

    /// Their user id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Says `text`, and gives the event id.
    pub(crate) fn say(&self, room: &str, text: &str) -> String {
        self.send(room, "m.room.message", json!({ "msgtype": "m.text", "body": text }))
    }

    /// Uploads a file, and gives its address.
    pub(crate) fn upload(&self, mime: &str, bytes: &[u8]) -> String {
        self.homeserver.change(|world| {
            let number = world.next();
            let uri = format!("mxc://{}/media{number}", world.setup.domain);
            world.media.insert(uri.clone(), (mime.to_owned(), bytes.to_vec()));
            uri
        })
    }

    /// Shows a file that was uploaded, and gives the event id.
    pub(crate) fn show(&self, room: &str, msgtype: &str, name: &str, url: &str, size: usize) -> String {
        let content = json!({ "msgtype": msgtype, "body": name, "url": url, "info": { "size": size } });
        self.send(room, "m.room.message", content)
    }

    /// Sends any event, and gives its id.
    pub(crate) fn send(&self, room: &str, kind: &str, content: Value) -> String {
        self.homeserver.change(|world| world.send(room, &self.id, Wish::message(kind, content))).unwrap()
    }

    /// Sets any state, and gives the event id.
    pub(crate) fn set_state(&self, room: &str, kind: &str, key: &str, content: Value) -> String {
        self.homeserver.change(|world| world.send(room, &self.id, Wish::state(kind, key, content))).unwrap()
    }

    /// Whether they may set this state; it is set if so.
    pub(crate) fn may_set_state(&self, room: &str, kind: &str, key: &str, content: Value) -> bool {
        self.homeserver.change(|world| world.send(room, &self.id, Wish::state(kind, key, content))).is_ok()
    }

    /// Takes an event back.
    pub(crate) fn redact(&self, room: &str, event: &str) -> String {
        self.homeserver.change(|world| world.redact(room, &self.id, event, &json!("changed my mind"))).unwrap()
    }

    /// Opens a direct chat with `whom`, who is invited to it.
    pub(crate) fn create_dm(&self, whom: &str) -> String {
        self.create_room(&json!({ "invite": [whom], "is_direct": true }))
    }

    /// Makes a room; `order` is a `createRoom` body.
    pub(crate) fn create_room(&self, order: &Value) -> String {
        self.homeserver.change(|world| world.create_room(&self.id, order))
    }

    /// Enters a room that they are invited to.
    pub(crate) fn join(&self, room: &str) {
        self.homeserver.change(|world| world.join(room, &self.id)).unwrap();
    }

    /// Leaves a room.
    pub(crate) fn leave(&self, room: &str) {
        self.homeserver.change(|world| world.leave(room, &self.id, json!({}))).unwrap();
    }

    /// Invites somebody.
    pub(crate) fn invite(&self, room: &str, whom: &str) {
        self.homeserver.change(|world| world.invite(room, &self.id, whom)).unwrap();
    }

    /// Types, which the bridge hears as well.
    pub(crate) fn types(&self, room: &str) {
        let typing = json!({ "type": "m.typing", "room_id": room, "content": { "user_ids": [self.id] } });
        self.homeserver.change(|world| world.ephemeral.push(typing));
    }
}
