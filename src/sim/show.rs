//! What the person who plays QQ can do with pictures and files: send them, and look at those that the client sent.

use bytes::Bytes;
use rand::Rng as _;
use serde_json::{Value, json};

use super::album;
use super::chat::ChatKey;
use super::handle::{Handle, Refused, who_speaks};
use super::picture;
use super::stage::Stage;

impl Handle {
    /// Sends the world's picture `name` to `chat` as `speaker`; see [`Handle::say`]. Gives the `msg_id`.
    pub fn send_picture(&self, chat: &str, speaker: &str, name: &str) -> Result<u16, Refused> {
        let found = self.shared.look(|stage| stage.world.pictures.iter().find(|picture| picture.name == name).cloned());
        let found = found.ok_or_else(|| Refused::UnknownPicture(name.to_owned()))?;
        let colour = picture::colour(&found.colour).unwrap_or_default();
        self.send_picture_bytes(chat, speaker, picture::draw(found.width, found.height, colour))
    }

    /// The same with a picture of one's own. Nobody looks whether it is one.
    pub fn send_picture_bytes(&self, chat: &str, speaker: &str, bytes: impl Into<Bytes>) -> Result<u16, Refused> {
        let (chat, bytes): (ChatKey, Bytes) = (chat.parse()?, bytes.into());
        let now_ms = self.shared.clock.now_ms();
        self.shared.change(|stage| {
            let speaker = who_speaks(stage, &chat, speaker)?;
            let element = stage.album.keep_picture(&mut stage.rng, &chat, bytes);
            Ok(stage.say(chat, speaker, vec![element], now_ms))
        })
    }

    /// Leaves a file on a server for the account, from the friend `friend`.
    pub fn leave_file(&self, friend: &str, name: &str, bytes: impl Into<Bytes>) -> Result<(), Refused> {
        let bytes = bytes.into();
        self.offer(friend, |stage, time| {
            let (key, size) = (format!("/offline/{}", stage.rng.random::<u32>()), bytes.len());
            let rkey = stage.album.keep_file(&mut stage.rng, key.clone(), name.to_owned(), bytes);
            let item = json!({"poll_type": "push_offfile", "value": {
                "msg_id": stage.rng.random::<u16>(), "rkey": rkey, "ip": "101.226.77.168", "port": 80, "size": size,
                "from_uin": format!("$uin:{friend}"), "name": name, "expire_time": time + 604_800, "time": time,
            }});
            (json!(["offfile", key, name]), item)
        })
    }

    /// Offers a file that the friend's own client has.
    pub fn offer_file(&self, friend: &str, name: &str, bytes: impl Into<Bytes>) -> Result<(), Refused> {
        let bytes = bytes.into();
        self.offer(friend, |stage, time| {
            let session_id = stage.rng.random_range(1..32_768_u32);
            let key = album::direct_key(&session_id.to_string());
            stage.album.keep_file(&mut stage.rng, key.clone(), name.to_owned(), bytes);
            let item = json!({"poll_type": "file_message", "value": {
                "msg_id": stage.rng.random::<u16>(), "mode": "recv", "from_uin": format!("$uin:{friend}"), "to_uin": "$own",
                "msg_id2": stage.rng.random::<u32>(), "msg_type": 9, "reply_ip": 176_621_916, "type": 101, "name": name,
                "time": time, "session_id": session_id, "inet_ip": 2_051_695_055,
            }});
            (json!(["offfile", key, name]), item)
        })
    }

    fn offer(&self, friend: &str, offer: impl FnOnce(&mut Stage, i64) -> (Value, Value)) -> Result<(), Refused> {
        let chat = ChatKey::Friend(friend.to_owned());
        let now_ms = self.shared.clock.now_ms();
        self.shared.change(|stage| {
            let speaker = who_speaks(stage, &chat, friend)?;
            let (element, item) = offer(stage, now_ms.div_euclid(1000));
            stage.offer(&chat, &speaker, element, item, now_ms);
            Ok(())
        })
    }

    /// Keeps `bytes` where messages that name `key` find them, for messages written by hand.
    pub fn keep(&self, key: &str, bytes: impl Into<Bytes>) {
        self.shared.change(|stage| stage.album.keep(&mut stage.rng, key.to_owned(), bytes.into()));
    }

    /// What is kept under `key`, and its type.
    #[must_use]
    pub fn kept(&self, key: &str) -> Option<(&'static str, Bytes)> {
        self.shared.look(|stage| stage.album.by_key(key).map(|kept| (kept.content_type(), kept.bytes.clone())))
    }
}
