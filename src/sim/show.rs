//! What the person who plays QQ can do with pictures: send them, and look at those that the client sent.

use bytes::Bytes;

use super::chat::ChatKey;
use super::handle::{Handle, Refused, who_speaks};
use super::picture;

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
