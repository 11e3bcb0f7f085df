//! What the bot says by itself: answers to messages that go nowhere, and news for the owner of a login. It leaves through
//! the outbox like everything else, so a restart neither loses nor doubles it.

use std::sync::Arc;

use matrix_sdk::ruma::OwnedRoomId;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use serde_json::{Value, json};

use super::convert::to_matrix::KEY_FIELD;
use super::departure::{self, Speaker, Target, ToRoom};
use super::{Bridge, Error, route};
use crate::matrix::{NewRoom, html};
use crate::store::{self, Tx};

/// An `m.notice` that says `text`, marked with `key`. Of markdown it knows what the table of texts and quoted words need;
/// everything else in it is shown as it is.
#[must_use]
pub fn plain(text: &str, key: &str) -> Value {
    let mut content = json!({ "msgtype": "m.notice", "body": text, KEY_FIELD: key });
    format(&mut content, text);
    content
}

/// Lets `content`, whose body is `text`, show its `code` and its lines that begin with `> ` as what they are.
fn format(content: &mut Value, text: &str) {
    let lines = text.lines().map(|line| match line.strip_prefix("> ") {
        Some(quoted) => format!("<blockquote>{}</blockquote>", html::escape(quoted)),
        None => format!("<p>{}</p>", with_code(line)),
    });
    let shown: String = lines.collect();
    if let Some(fields) = content.as_object_mut().filter(|_| shown.contains("<code>") || shown.contains("<blockquote>"))
    {
        fields.insert("format".to_owned(), json!("org.matrix.custom.html"));
        fields.insert("formatted_body".to_owned(), json!(shown));
    }
}

/// `line` as HTML, with what stands between two backticks as code.
fn with_code(line: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some((before, (code, after))) =
        rest.split_once('`').and_then(|(before, from)| Some((before, from.split_once('`')?)))
    {
        out.extend([&html::escape(before), "<code>", &html::escape(code), "</code>"]);
        rest = after;
    }
    out.push_str(&html::escape(rest));
    out
}

/// An `m.notice` of `markdown`, not marked yet.
#[must_use]
pub fn markdown(markdown: &str) -> Value {
    // A message always has a JSON form.
    serde_json::to_value(RoomMessageEventContent::notice_markdown(markdown)).unwrap_or_default()
}

/// Puts our key into `content`.
pub fn mark(content: &mut Value, key: &str) {
    if let Some(fields) = content.as_object_mut() {
        fields.insert(KEY_FIELD.to_owned(), Value::String(key.to_owned()));
    }
}

/// The same as a reply to `event`, which `sender` wrote; it mentions them.
#[must_use]
pub fn reply(text: &str, event: &str, sender: &str, key: &str) -> Value {
    let mut content = json!({
        "msgtype": "m.notice",
        "body": text,
        "m.relates_to": { "m.in_reply_to": { "event_id": event } },
        "m.mentions": { "user_ids": [sender] },
        KEY_FIELD: key,
    });
    format(&mut content, text);
    content
}

/// Puts `content` into the outbox for `room`; gives the lane to wake once it is on disk. Nothing happens when `key` was
/// used before.
pub(super) async fn put(tx: &mut Tx, room: &str, content: Value, key: &str) -> Result<String, store::Error> {
    put_at(tx, route::lane_to_room(room), Target::Room(room.to_owned()), content, key).await
}

/// The same for the control room of `owner`, whichever that is when it is said.
pub(super) async fn put_in_control(tx: &mut Tx, owner: &str, text: &str, key: &str) -> Result<String, store::Error> {
    put_at(tx, route::lane_to_control(owner), Target::Control(owner.to_owned()), plain(text, key), key).await
}

/// The same for the room of a portal.
pub(super) async fn put_in_portal(tx: &mut Tx, portal: i64, text: &str, key: &str) -> Result<String, store::Error> {
    put_at(tx, route::lane_to_portal_room(portal), Target::Portal(portal), plain(text, key), key).await
}

async fn put_at(tx: &mut Tx, lane: String, target: Target, content: Value, key: &str) -> Result<String, store::Error> {
    departure::put(tx, lane, "", &ToRoom::new(target, Speaker::Bot, content), key).await
}

impl Bridge {
    /// Says `text` to `owner` in their control room, once for each `key`.
    pub async fn tell_owner(self: &Arc<Self>, owner: &str, text: &str, key: &str) -> Result<(), Error> {
        let room = self.ensure_control_room(owner).await?;
        self.tell(room.as_str(), plain(text, key), key).await
    }

    /// The same with all that markdown can show, such as links.
    pub(super) async fn tell_owner_in_markdown(
        self: &Arc<Self>,
        owner: &str,
        text: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut content = markdown(text);
        mark(&mut content, key);
        let room = self.ensure_control_room(owner).await?;
        self.tell(room.as_str(), content, key).await
    }

    /// Says `content` in `room` as the bot, once for each `key`.
    pub async fn tell(self: &Arc<Self>, room: &str, content: Value, key: &str) -> Result<(), Error> {
        let (room, key) = (room.to_owned(), key.to_owned());
        let lane = self.store.write(move |tx| Box::pin(async move { put(tx, &room, content, &key).await })).await?;
        self.wake(&lane);
        Ok(())
    }

    /// The control room of `user`, made if there is none.
    pub async fn ensure_control_room(&self, user: &str) -> Result<OwnedRoomId, Error> {
        if let Some(room) = self.control_room(user).await? {
            return Ok(room);
        }
        let room = self
            .homeserver
            .bot()
            .create_room(NewRoom {
                invite: user.try_into().into_iter().collect(),
                is_direct: true,
                trusted: true,
                ..NewRoom::default()
            })
            .await?;
        self.set_control_room(user, room.as_str()).await?;
        Ok(room)
    }

    /// The control room of `user`, if there is one.
    pub async fn control_room(&self, user: &str) -> Result<Option<OwnedRoomId>, Error> {
        let mxid = user.to_owned();
        let known = self.store.read(move |tx| Box::pin(async move { tx.user(&mxid).await })).await?;
        Ok(known.and_then(|row| row.control_room).and_then(|room| room.try_into().ok()))
    }

    /// Makes `room` the control room of `user`.
    pub async fn set_control_room(&self, user: &str, room: &str) -> Result<(), Error> {
        let (mxid, room) = (user.to_owned(), room.to_owned());
        self.store.write(move |tx| Box::pin(async move { tx.set_control_room(&mxid, &room).await })).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_quoted_words_are_shown_as_such_and_nothing_that_people_write_is_markup() {
        let cases = [
            ("Write `accept 1`, or `deny 1`.", Some("<p>Write <code>accept 1</code>, or <code>deny 1</code>.</p>")),
            ("A asks:\n> <b>*hi*</b> `x`", Some("<p>A asks:</p><blockquote>&lt;b&gt;*hi*&lt;/b&gt; `x`</blockquote>")),
            ("a ` b", None),
            ("<b>[x](y)</b> &amp; > z", None),
            ("`<i>` and `", Some("<p><code>&lt;i&gt;</code> and `</p>")),
        ];
        for (text, html) in cases {
            for content in [plain(text, "key"), reply(text, "$event", "@alice:hs.test", "key")] {
                assert_eq!(content["body"], text);
                assert_eq!(content["formatted_body"].as_str(), html);
                assert_eq!(content["format"].is_string(), html.is_some());
            }
        }
    }
}
