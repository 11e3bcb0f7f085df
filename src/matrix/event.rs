//! A typed view over one event, tolerant of everything that the bridge does not need.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Map, Value};

/// An event that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: OwnedEventId,
    /// Its room.
    pub room: OwnedRoomId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// When the sender's homeserver got it, in milliseconds since 1970; 0 when it does not say.
    pub sent_at_ms: i64,
    /// What it is.
    pub kind: Kind,
}

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said or showed something.
    Message(Box<Message>),
    /// A reaction to a message.
    Reaction {
        /// The message.
        target: OwnedEventId,
        /// An emoji, mostly.
        key: String,
    },
    /// A message or reaction was taken back.
    Redaction {
        /// Which.
        target: OwnedEventId,
    },
    /// Somebody's place in the room changed.
    Member(Member),
    /// Something that we have no keys for.
    Encrypted,
    /// From now on the room is encrypted.
    EncryptionOn,
    /// The room was given up.
    Tombstone {
        /// For this one.
        replacement: Option<OwnedRoomId>,
    },
    /// Something that people said or began which is none of the above, such as a poll or a call, or which is broken.
    Foreign {
        /// Its type.
        kind: String,
    },
    /// Anything else, or one of the above without what makes it one (redacted, mostly).
    Other {
        /// Its type.
        kind: String,
    },
}

/// Something said or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `m.text`, `m.image` and so on; `m.sticker` for a sticker, which is an event type of its own.
    pub msgtype: String,
    /// Plain text, without the quote that older clients put before a reply. For media a caption or the file's name.
    pub body: String,
    /// Matrix HTML that says the same as `body`.
    pub html: Option<String>,
    /// The file, for media.
    pub media: Option<Media>,
    /// How it relates to another message.
    pub relation: Relation,
    /// Who is mentioned on purpose.
    pub mentions: Vec<OwnedUserId>,
}

/// How a message relates to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Not at all.
    None,
    /// It answers.
    Reply {
        /// This one.
        to: OwnedEventId,
    },
    /// It continues a thread.
    Thread {
        /// Its first message.
        root: OwnedEventId,
        /// The message within it that is answered on purpose.
        reply_to: Option<OwnedEventId>,
    },
    /// It replaces.
    Edit {
        /// This one.
        of: OwnedEventId,
        /// By this; its own relation is none.
        by: Box<Message>,
    },
}

/// A file at the homeserver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// Where; none when it is encrypted or missing.
    pub url: Option<OwnedMxcUri>,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// Its name.
    pub filename: String,
    /// Its type, as its sender says.
    pub mime: Option<String>,
    /// Bytes, as its sender says.
    pub size: Option<u64>,
    /// Width in pixels, as its sender says.
    pub width: Option<u64>,
    /// Height in pixels, as its sender says.
    pub height: Option<u64>,
}

/// A change of somebody's place in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose place.
    pub user: OwnedUserId,
    /// Their place now.
    pub now: Membership,
    /// Their place before, when the homeserver says. [`Membership::Join`] before and now is a new name or picture.
    pub before: Option<Membership>,
    /// Whether an invitation is to a direct chat.
    pub is_direct: bool,
    /// Their name in the room.
    pub display_name: Option<String>,
}

/// A place in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// In it.
    Join,
    /// Invited.
    Invite,
    /// Asking to be let in.
    Knock,
    /// Out of it.
    Leave,
    /// Kept out of it.
    Ban,
}

/// An event without an id, a room or a sender: nothing can be done with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event's {0} is missing or cannot be read")]
pub struct Unreadable(&'static str);

impl Event {
    /// Opens an event as it came in a transaction.
    pub fn parse(json: &str) -> Result<Self, Unreadable> {
        let event: Map<String, Value> = serde_json::from_str(json).map_err(|_| Unreadable("JSON"))?;
        let event = Fields(&event);
        Ok(Self {
            id: event.id("event_id").ok_or(Unreadable("event_id"))?,
            room: event.text("room_id").and_then(|id| RoomId::parse(id).ok()).ok_or(Unreadable("room_id"))?,
            sender: event.user("sender").ok_or(Unreadable("sender"))?,
            sent_at_ms: event.get("origin_server_ts").and_then(Value::as_i64).unwrap_or(0),
            kind: kind(event),
        })
    }
}

fn kind(event: Fields<'_>) -> Kind {
    let name = event.text("type").unwrap_or_default();
    let content = event.fields("content");
    let known = match (name, event.text("state_key")) {
        ("m.room.message", None) => content.and_then(message).map(Box::new).map(Kind::Message),
        ("m.sticker", None) => content.and_then(sticker).map(Box::new).map(Kind::Message),
        ("m.reaction", None) => content.and_then(reaction),
        ("m.room.redaction", None) => redaction(event),
        ("m.room.encrypted", None) => Some(Kind::Encrypted),
        ("m.room.encryption", Some(_)) => Some(Kind::EncryptionOn),
        ("m.room.member", Some(user)) => member(event, user).map(Kind::Member),
        ("m.room.tombstone", Some(_)) => content.map(|content| Kind::Tombstone {
            replacement: content.text("replacement_room").and_then(|room| RoomId::parse(room).ok()),
        }),
        _ => None,
    };
    let is_foreign = || event.get("state_key").is_none() && content.is_some_and(|content| is_said(name, content));
    known.unwrap_or_else(|| {
        let kind = name.to_owned();
        if is_foreign() { Kind::Foreign { kind } } else { Kind::Other { kind } }
    })
}

/// How calls begin: they have no words for clients that do not know them.
const CALLS: &[&str] = &[
    "m.call.invite",
    "m.call.notify",
    "m.rtc.notification",
    "org.matrix.msc4075.call.notify",
    "org.matrix.msc4075.rtc.notification",
];

/// Where events of any type have words for clients that do not know them (MSC1767), and messages their own.
const WORDS: &[&str] = &["body", "m.text", "org.matrix.msc1767.text", "org.matrix.msc1767.message", "msgtype"];

/// Whether people mean something by an event, rather than their clients. What was redacted means nothing any more.
fn is_said(kind: &str, content: Fields<'_>) -> bool {
    let is_call = CALLS.contains(&kind) && !content.0.is_empty();
    is_call || WORDS.iter().any(|words| content.get(words).is_some())
}

fn message(content: Fields<'_>) -> Option<Message> {
    let mut message = plain_message(content)?;
    let Some(relates) = content.fields("m.relates_to") else { return Some(message) };
    let reply = || relates.fields("m.in_reply_to").and_then(|to| to.id("event_id"));
    match (relates.text("rel_type"), relates.id("event_id")) {
        (Some("m.replace"), Some(of)) => {
            if let Some(by) = content.fields("m.new_content").and_then(plain_message) {
                message.relation = Relation::Edit { of, by: Box::new(by) };
            }
        }
        (Some("m.thread"), Some(root)) => {
            let is_fallback = relates.flag("is_falling_back");
            message.relation = Relation::Thread { root, reply_to: if is_fallback { None } else { reply() } };
        }
        _ => {
            if let Some(to) = reply() {
                message.relation = Relation::Reply { to };
            }
        }
    }
    if !matches!(message.relation, Relation::None) {
        message.body = without_quote(&message.body).to_owned();
    }
    Some(message)
}

fn plain_message(content: Fields<'_>) -> Option<Message> {
    let msgtype = content.text("msgtype")?;
    let body = content.text("body")?.to_owned();
    let is_html = content.text("format") == Some("org.matrix.custom.html");
    let html = content.text("formatted_body").filter(|html| is_html && !html.is_empty());
    let has_file = content.get("url").is_some() || content.get("file").is_some();
    Some(Message {
        msgtype: msgtype.to_owned(),
        media: has_file.then(|| media(content, &body)),
        body,
        html: html.map(str::to_owned),
        relation: Relation::None,
        mentions: mentions(content),
    })
}

fn sticker(content: Fields<'_>) -> Option<Message> {
    let body = content.text("body")?.to_owned();
    Some(Message {
        msgtype: "m.sticker".to_owned(),
        media: Some(media(content, &body)),
        body,
        html: None,
        relation: Relation::None,
        mentions: Vec::new(),
    })
}

fn media(content: Fields<'_>, body: &str) -> Media {
    let info = content.fields("info");
    let number = |key| info?.get(key)?.as_u64();
    Media {
        url: content.text("url").map(OwnedMxcUri::from).filter(|url| url.is_valid()),
        is_encrypted: content.get("file").is_some(),
        filename: content.text("filename").unwrap_or(body).to_owned(),
        mime: info.and_then(|info| info.text("mimetype")).map(str::to_owned),
        size: number("size"),
        width: number("w"),
        height: number("h"),
    }
}

fn mentions(content: Fields<'_>) -> Vec<OwnedUserId> {
    let users = content.fields("m.mentions").and_then(|mentions| mentions.get("user_ids")).and_then(Value::as_array);
    users.into_iter().flatten().filter_map(Value::as_str).filter_map(|user| UserId::parse(user).ok()).collect()
}

fn reaction(content: Fields<'_>) -> Option<Kind> {
    let relates = content.fields("m.relates_to")?;
    Some(Kind::Reaction { target: relates.id("event_id")?, key: relates.text("key")?.to_owned() })
}

/// Room version 11 moved `redacts` into the content.
fn redaction(event: Fields<'_>) -> Option<Kind> {
    let target = event.fields("content").and_then(|content| content.id("redacts")).or_else(|| event.id("redacts"))?;
    Some(Kind::Redaction { target })
}

fn member(event: Fields<'_>, user: &str) -> Option<Member> {
    let content = event.fields("content")?;
    let before = event.fields("unsigned").and_then(|unsigned| unsigned.fields("prev_content"));
    Some(Member {
        user: UserId::parse(user).ok()?,
        now: membership(content)?,
        before: before.and_then(membership),
        is_direct: content.flag("is_direct"),
        display_name: content.text("displayname").map(str::to_owned),
    })
}

fn membership(content: Fields<'_>) -> Option<Membership> {
    match content.text("membership")? {
        "join" => Some(Membership::Join),
        "invite" => Some(Membership::Invite),
        "knock" => Some(Membership::Knock),
        "leave" => Some(Membership::Leave),
        "ban" => Some(Membership::Ban),
        _ => None,
    }
}

/// Drops the quoted message, which clients before Matrix 1.13 put before an answer: `> <@user:server> …`.
fn without_quote(body: &str) -> &str {
    if !body.starts_with("> <@") && !body.starts_with("> * <@") {
        return body;
    }
    let mut rest = body;
    while rest.starts_with("> ") || rest.starts_with(">\n") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// A JSON object whose fields may be anything.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    fn text(self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    fn flag(self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn fields(self, key: &str) -> Option<Fields<'a>> {
        self.get(key)?.as_object().map(Fields)
    }

    fn id(self, key: &str) -> Option<OwnedEventId> {
        EventId::parse(self.text(key)?).ok()
    }

    fn user(self, key: &str) -> Option<OwnedUserId> {
        UserId::parse(self.text(key)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_event_id, owned_user_id};
    use serde_json::json;

    use super::*;
    use crate::matrix::Transaction;

    /// Every event that a real Synapse sent, in a file under `tests/fixtures/synapse`.
    fn recorded(file: &str) -> Vec<Event> {
        let path = format!("{}/tests/fixtures/synapse/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let transaction = Transaction::parse("1", &std::fs::read(path).unwrap()).unwrap();
        transaction.events.iter().map(|event| Event::parse(&event.body).unwrap()).collect()
    }

    fn only(file: &str) -> Kind {
        let events = recorded(file);
        assert_eq!(events.len(), 1, "{file}");
        events[0].kind.clone()
    }

    fn message_in(file: &str) -> Message {
        match only(file) {
            Kind::Message(message) => *message,
            other => panic!("{file}: {other:?}"),
        }
    }

    fn member_in(file: &str) -> Member {
        match only(file) {
            Kind::Member(member) => member,
            other => panic!("{file}: {other:?}"),
        }
    }

    fn opened(kind: &str, state_key: Option<&str>, content: &Value) -> Kind {
        let mut event = json!({
            "type": kind, "event_id": "$1", "room_id": "!r:hs", "sender": "@a:hs", "content": content,
        });
        if let Some(key) = state_key {
            event["state_key"] = key.into();
        }
        Event::parse(&event.to_string()).unwrap().kind
    }

    #[test]
    fn every_recorded_transaction_can_be_taken_apart_and_every_event_opened() {
        let folder = format!("{}/tests/fixtures/synapse", env!("CARGO_MANIFEST_DIR"));
        let mut opened = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let transaction = Transaction::parse("1", &std::fs::read(&path).unwrap()).unwrap();
            for event in transaction.events {
                let seen = Event::parse(&event.body).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
                assert_eq!((seen.id.as_str(), seen.room.as_str()), (&*event.event_id, &*event.room_id));
                assert_eq!(seen.sender.as_str(), event.sender);
                assert!(seen.sent_at_ms > 1_700_000_000_000);
                opened += 1;
            }
        }
        assert_eq!(opened, 24);
    }

    #[test]
    fn recorded_messages_are_understood() {
        let text = message_in("message-text");
        assert_eq!((text.msgtype.as_str(), text.body.as_str()), ("m.text", "hello *bridge*"));
        assert_eq!(text.html.as_deref(), Some("hello <em>bridge</em>"));
        let first = owned_event_id!("$ktclmGeHCgD_JZgsIne5q9bHk2UBTG28WKuPXtfe8Z4");
        let reply = message_in("message-reply");
        assert_eq!((reply.body.as_str(), reply.relation), ("a reply", Relation::Reply { to: first.clone() }));
        let thread = message_in("message-thread").relation;
        assert_eq!(thread, Relation::Thread { root: first.clone(), reply_to: None });
        match message_in("message-edit").relation {
            Relation::Edit { of, by } => assert_eq!((of, by.body.as_str()), (first.clone(), "hello bridges")),
            other => panic!("{other:?}"),
        }
        assert_eq!(only("reaction"), Kind::Reaction { target: first, key: "👍".to_owned() });
        let reaction = owned_event_id!("$b4aJ4I57FDhh5E1XAudvnXgpsfgCfD4qwaE1hOVd4Dw");
        assert_eq!(only("redaction"), Kind::Redaction { target: reaction });
        assert_eq!(only("message-encrypted"), Kind::Encrypted);
        let picture = message_in("message-image").media.unwrap();
        assert_eq!(picture.url.unwrap(), "mxc://hs.test/eDkRwxYreGmZWzxGgiXCqWIj");
        assert_eq!((picture.width, picture.height, picture.size), (Some(240), Some(140), Some(929)));
        assert_eq!((picture.mime.as_deref(), picture.filename.as_str()), (Some("image/png"), "sun.png"));
    }

    #[test]
    fn recorded_memberships_are_understood() {
        let join = member_in("member-join");
        assert_eq!((join.user, join.now), (owned_user_id!("@alice:hs.test"), Membership::Join));
        assert_eq!(join.before, Some(Membership::Invite));
        let invite = member_in("member-invite-ghost");
        assert_eq!((invite.user, invite.now), (owned_user_id!("@smoke_f:hs.test"), Membership::Invite));
        let kick = member_in("member-kick");
        assert_eq!((kick.now, kick.before), (Membership::Leave, Some(Membership::Join)));
        let rename = member_in("member-rename");
        assert_eq!((rename.now, rename.before), (Membership::Join, Some(Membership::Join)));
        assert_eq!(rename.display_name.as_deref(), Some("Alice L."));
    }

    #[test]
    fn an_event_without_what_makes_it_one_is_another_event() {
        let cases = [
            ("m.room.message", None, json!({})),
            ("m.room.message", Some(""), json!({"msgtype": "m.text", "body": "x"})),
            ("m.room.member", None, json!({"membership": "join"})),
            ("m.room.member", Some("@a:hs"), json!({"membership": "odd"})),
            ("m.room.member", Some("nobody"), json!({"membership": "join"})),
            ("m.reaction", None, json!({"m.relates_to": {"rel_type": "m.annotation"}})),
            ("m.room.redaction", None, json!({})),
        ];
        for (kind, key, content) in cases {
            assert_eq!(opened(kind, key, &content), Kind::Other { kind: kind.to_owned() }, "{content}");
        }
    }

    #[test]
    fn what_people_say_or_begin_is_told_from_what_clients_tell_each_other() {
        let said = [
            ("m.room.message", json!({"msgtype": "m.text", "body": 5})),
            ("m.sticker", json!({"body": 5})),
            ("m.poll.start", json!({"m.text": [{"body": "Lunch?"}], "m.poll": {}})),
            ("org.matrix.msc3381.poll.start", json!({"org.matrix.msc1767.text": "Lunch?"})),
            ("m.call.invite", json!({"call_id": "1", "offer": {}})),
            ("org.matrix.msc4075.rtc.notification", json!({"notification_type": "ring"})),
            ("org.example.dice", json!({"body": "You rolled a 6"})),
        ];
        for (kind, content) in said {
            assert_eq!(opened(kind, None, &content), Kind::Foreign { kind: kind.to_owned() }, "{content}");
            assert_eq!(opened(kind, None, &json!({})), Kind::Other { kind: kind.to_owned() }, "redacted");
        }
        let told = [
            ("m.call.candidates", json!({"call_id": "1"})),
            ("org.matrix.msc3381.poll.response", json!({"m.relates_to": {}})),
            ("com.beeper.message_send_status", json!({"status": "SUCCESS"})),
            ("m.key.verification.start", json!({"method": "m.sas.v1"})),
        ];
        for (kind, content) in told {
            assert_eq!(opened(kind, None, &content), Kind::Other { kind: kind.to_owned() }, "{content}");
        }
        let state = opened("org.example.topic", Some(""), &json!({"body": "x"}));
        assert!(matches!(state, Kind::Other { .. }), "state is nothing said");
    }

    #[test]
    fn an_event_without_a_head_is_unreadable() {
        let cases = [
            ("[]", "JSON"),
            ("{}", "event_id"),
            (r#"{"event_id":"$1"}"#, "room_id"),
            (r#"{"event_id":"$1","room_id":"!r:hs","sender":"alice"}"#, "sender"),
        ];
        for (json, missing) in cases {
            assert_eq!(Event::parse(json), Err(Unreadable(missing)), "{json}");
        }
    }

    #[test]
    fn only_a_quoted_message_is_dropped_from_an_answer() {
        let cases = [
            ("> <@a:hs> old\n> older\n\nnew", "new"),
            ("> * <@a:hs> waves\n\nnew\n> mine", "new\n> mine"),
            ("> my own quote\n\nnew", "> my own quote\n\nnew"),
            ("> <@a:hs> nothing else", ""),
            ("new", "new"),
        ];
        for (body, answer) in cases {
            assert_eq!(without_quote(body), answer, "{body}");
        }
    }

    #[test]
    fn a_sticker_and_an_encrypted_file_are_messages() {
        let sticker = opened("m.sticker", None, &json!({"body": "cat", "url": "mxc://hs/1", "info": {"w": 5}}));
        let Kind::Message(sticker) = sticker else { panic!("{sticker:?}") };
        let media = sticker.media.unwrap();
        assert_eq!((sticker.msgtype.as_str(), media.width, media.is_encrypted), ("m.sticker", Some(5), false));
        let file = json!({"msgtype": "m.file", "body": "a.txt", "file": {"url": "mxc://hs/2"}});
        let Kind::Message(file) = opened("m.room.message", None, &file) else { panic!("no message") };
        let media = file.media.unwrap();
        assert!(media.is_encrypted && media.url.is_none());
    }
}
