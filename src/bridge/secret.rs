//! Words that must not reach the disk, such as a password: while one is awaited, the next message of its person is emptied
//! before it is put into the inbox, and taken down in the room.
//!
//! Which rooms wait is on disk, so that a restart between question and answer does not make a password a message like
//! any other. The words themselves are in memory only: whoever restarts is asked again.
//!
//! A command that has a secret behind it, `login-matrix <access token>`, is emptied wherever it is said, unasked,
//! also behind a command that leads on to it: `sudo @you:example.org login-matrix <access token>`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::departure::{self, Speaker, Target, ToRoom};
use super::{Bridge, Error, notice, route};
use crate::base::Secret;
use crate::matrix::{Event, Incoming};
use crate::store::{self, Tx};

/// Where it is kept who is asked.
const META: &str = "awaited_secrets";
/// The command that has a secret behind it.
const COMMAND: &str = "login-matrix";
/// The commands that have another one behind them, by all their names.
pub const LEADING_ON: [&str; 9] = ["doin", "do-in", "runin", "run-in", "sudo", "doas", "do-as", "runas", "run-as"];
/// In the content of an event that was emptied.
const EMPTIED: &str = "org.matrix-webqq.emptied";

/// Who is asked for secrets, and what was said.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    inner: Mutex<Inner>,
    /// What a restart left was read: the homeserver pushes as soon as it can.
    loaded: OnceCell<()>,
    /// Held while a change of who is asked goes to disk, so that the last one is what stays there.
    keeping: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By room.
    awaited: BTreeMap<String, Awaited>,
    /// Words by the event that they came in.
    heard: HashMap<String, Secret>,
}

/// One whose next message is a secret.
#[derive(Debug)]
struct Awaited {
    sender: String,
    /// The event that made the bridge ask; none after a restart, which ends whatever had asked.
    cause: Option<String>,
}

impl Secrets {
    /// Empties `event` when it is what is waited for; `true` then. One that `is_cancel` is left alone and ends the wait:
    /// what is said after it is no secret, whenever it is carried out.
    pub(super) fn empty(&self, event: &mut Incoming, is_cancel: impl Fn(&str) -> bool) -> bool {
        if !self.awaits(event) {
            return false;
        }
        let Some((emptied, words)) = emptied(&event.body) else { return false };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if is_cancel(words.expose().trim()) {
            inner.awaited.remove(&event.room_id);
            return false;
        }
        event.body = emptied;
        inner.heard.insert(event.event_id.clone(), words);
        true
    }

    /// Whether `event` may be what is waited for.
    pub(super) fn awaits(&self, event: &Incoming) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.awaited.get(&event.room_id).is_some_and(|awaited| awaited.sender == event.sender)
    }

    /// Whether there is a secret in `event`: behind a command, or as an answer that is waited for.
    pub(super) fn is_in(&self, event: &Incoming, prefix: &str) -> bool {
        emptied_command(&event.body, prefix).is_some() || self.awaits(event)
    }

    /// Empties `event` when it is a command with a secret behind it; `true` then. Whether the secret is kept is up to
    /// `may_use`.
    pub(super) fn empty_command(&self, event: &mut Incoming, prefix: &str, may_use: impl Fn(&str) -> bool) -> bool {
        let Some((emptied, secret)) = emptied_command(&event.body, prefix) else { return false };
        event.body = emptied;
        if may_use(&event.sender) {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.heard.insert(event.event_id.clone(), secret);
        }
        true
    }

    /// What was said is safe in the inbox, emptied: nothing is waited for in `room` any more.
    pub(super) fn answered(&self, room: &str) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).awaited.remove(room);
    }
}

/// An event as text without its words, and the words; none when it is no message that somebody typed.
fn emptied(body: &str) -> Option<(String, Secret)> {
    let event: Value = serde_json::from_str(body).ok()?;
    let content = event.get("content")?;
    let is_text = event.get("type")? == "m.room.message" && content.get("msgtype")? == "m.text";
    let is_edit = content.pointer("/m.relates_to/rel_type").is_some_and(|kind| kind == "m.replace");
    let words = Secret::new(content.get("body")?.as_str()?);
    (is_text && !is_edit).then_some(())?;
    Some((with_words(event, "")?, words))
}

/// An event as text without the secret behind its command, and the secret; none when it is no such command. An edit of one is
/// one as well.
fn emptied_command(body: &str, prefix: &str) -> Option<(String, Secret)> {
    if !body.to_ascii_lowercase().contains(COMMAND) {
        return None;
    }
    let event: Value = serde_json::from_str(body).ok()?;
    let content = event.get("content")?;
    let words = content.pointer("/m.new_content/body").or_else(|| content.get("body"))?.as_str()?;
    let (call, secret) = parted(words, prefix)?;
    let secret = Secret::new(secret);
    Some((with_words(event, &call)?, secret))
}

/// The command that `words` are, without the prefix, and the secret behind it. Behind a command that leads on to another one
/// it may stand anywhere: what is put together wrongly is refused later, and is to lie nowhere until then.
fn parted(words: &str, prefix: &str) -> Option<(String, String)> {
    let prefix = prefix.to_lowercase();
    let mut words = words.split_whitespace();
    let mut call: Vec<&str> = Vec::new();
    loop {
        let word = words.next()?;
        let name = word.to_lowercase();
        let name = name.strip_prefix(&prefix).unwrap_or(&name);
        if name == COMMAND {
            call.push(COMMAND);
            break;
        }
        if !name.is_empty() {
            let leads_on = !call.is_empty() || LEADING_ON.contains(&name);
            leads_on.then(|| call.push(word))?;
        }
    }
    let secret = words.collect::<Vec<_>>().join(" ");
    (!secret.is_empty()).then(|| (call.join(" "), secret))
}

/// `event`, emptied, as text; all that it says is `words`.
fn with_words(mut event: Value, words: &str) -> Option<String> {
    let content = json!({ "msgtype": "m.text", "body": words, EMPTIED: true });
    event.as_object_mut()?.insert("content".to_owned(), content);
    Some(event.to_string())
}

/// Whether `body`, that of an inbox row, was emptied.
pub(super) fn is_emptied(body: &str) -> bool {
    body.contains(EMPTIED)
        && serde_json::from_str::<Value>(body)
            .is_ok_and(|event| event.get("content").and_then(|content| content.get(EMPTIED)) == Some(&true.into()))
}

fn stop_waiting(awaited: &mut BTreeMap<String, Awaited>, (room, sender): (&str, &str), cause: Option<&str>) {
    let is_other = |wait: &Awaited| wait.sender != sender || cause.is_some() && wait.cause.as_deref() != cause;
    awaited.retain(|asked, wait| asked != room || is_other(wait));
}

impl Bridge {
    /// Waits for the next message of `sender` in `room`: it is a secret. `cause`, an event, made the bridge ask.
    pub async fn await_secret(&self, room: &str, sender: &str, cause: &str) -> Result<(), Error> {
        self.change_awaited(|awaited| {
            awaited.insert(room.to_owned(), Awaited { sender: sender.to_owned(), cause: Some(cause.to_owned()) });
        })
        .await
    }

    /// Waits no longer for `sender` in `room`; with a `cause`, only for what that made the bridge ask: somebody who cancels and
    /// begins anew is waited for again before the end of the old wait gets here.
    pub async fn stop_awaiting(&self, room: &str, sender: &str, cause: Option<&str>) -> Result<(), Error> {
        self.change_awaited(|awaited| stop_waiting(awaited, (room, sender), cause)).await
    }

    /// The words of `event`, once; `None` when they were said to another process.
    #[must_use]
    pub fn take_secret(&self, event: &str) -> Option<Secret> {
        self.secrets.inner.lock().unwrap_or_else(PoisonError::into_inner).heard.remove(event)
    }

    /// Takes up, once, who was asked before a restart.
    pub(super) async fn load_awaited(&self) -> Result<(), Error> {
        let load = async {
            let kept = self.store.read(|tx| Box::pin(async move { tx.meta(META).await })).await?;
            let senders: BTreeMap<String, String> =
                kept.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            let awaited = senders.into_iter().map(|(room, sender)| (room, Awaited { sender, cause: None })).collect();
            self.secrets.inner.lock().unwrap_or_else(PoisonError::into_inner).awaited = awaited;
            Ok(())
        };
        self.secrets.loaded.get_or_try_init(|| load).await.copied()
    }

    async fn change_awaited(&self, change: impl FnOnce(&mut BTreeMap<String, Awaited>)) -> Result<(), Error> {
        self.load_awaited().await?;
        let _turn = self.secrets.keeping.lock().await;
        let kept = {
            let mut inner = self.secrets.inner.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut inner.awaited);
            let senders: BTreeMap<_, _> = inner.awaited.iter().map(|(room, wait)| (room, &wait.sender)).collect();
            // Texts always have a JSON form.
            serde_json::to_string(&senders).unwrap_or_default()
        };
        self.store.write(move |tx| Box::pin(async move { tx.set_meta(META, &kept).await })).await?;
        Ok(())
    }

    /// Puts the taking down of `event` into the outbox; gives the lane to wake.
    pub(super) async fn take_down_secret(&self, tx: &mut Tx, event: &Event) -> Result<String, store::Error> {
        let (room, key) = (event.room.to_string(), route::key(&["secret", event.id.as_str()]));
        let content = notice::plain(&self.texts_for(event.sender.as_str()).say("login.password.take_down", &[]), &key);
        let lane = route::lane_to_room(&room);
        let target = Target::Takedown { room, event: event.id.to_string() };
        departure::put(tx, lane, "", &ToRoom::new(target, Speaker::Bot, content), &key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Incoming {
        let content = json!({ "msgtype": "m.text", "body": body, "formatted_body": body });
        let event = json!({ "type": "m.room.message", "event_id": "$1", "content": content });
        let (event_id, room_id, sender) = ("$1".to_owned(), "!r".to_owned(), "@alice:hs".to_owned());
        Incoming { event_id, room_id, sender, body: event.to_string() }
    }

    fn awaiting() -> Secrets {
        let secrets = Secrets::default();
        let awaited = Awaited { sender: "@alice:hs".to_owned(), cause: None };
        secrets.inner.lock().unwrap().awaited.insert("!r".to_owned(), awaited);
        secrets
    }

    #[test]
    fn the_next_message_of_whoever_is_asked_is_emptied_and_no_other() {
        let secrets = awaiting();
        for (room, sender) in [("!other", "@alice:hs"), ("!r", "@bob:hs")] {
            let mut event = Incoming { room_id: room.to_owned(), sender: sender.to_owned(), ..said("hunter2") };
            assert!(!secrets.awaits(&event) && !secrets.empty(&mut event, |_| false) && event.body.contains("hunter2"));
        }
        let mut event = said("hunter2");
        assert!(secrets.empty(&mut event, |_| false));
        assert!(!event.body.contains("hunter2") && is_emptied(&event.body));
        let words = secrets.inner.lock().unwrap().heard.remove("$1");
        assert_eq!(words, Some(Secret::new("hunter2")));
        secrets.answered("!r");
        assert!(!secrets.empty(&mut said("hello"), |_| false));

        let secrets = awaiting();
        let mut event = said("cancel");
        assert!(!secrets.empty(&mut event, |words| words == "cancel") && event.body.contains("cancel"));
        assert!(!secrets.empty(&mut said("login password 10001"), |_| false), "it is no password");
    }

    #[test]
    fn what_is_over_ends_no_wait_that_came_after_it_and_none_of_others() {
        let waiting = |cause: Option<&str>| {
            let (sender, cause) = ("@alice:hs".to_owned(), cause.map(str::to_owned));
            BTreeMap::from([("!r".to_owned(), Awaited { sender, cause })])
        };
        let (alice, bob) = ("@alice:hs", "@bob:hs");
        for (place, asked_by, over, waits) in [
            (("!r", alice), Some("$2"), Some("$1"), true),
            (("!r", alice), None, Some("$1"), true),
            (("!other", alice), Some("$1"), Some("$1"), true),
            (("!r", bob), Some("$1"), None, true),
            (("!r", alice), Some("$1"), Some("$1"), false),
            (("!r", alice), Some("$1"), None, false),
            (("!r", alice), None, None, false),
        ] {
            let mut awaited = waiting(asked_by);
            stop_waiting(&mut awaited, place, over);
            assert_eq!(awaited.contains_key("!r"), waits, "{place:?} {asked_by:?} {over:?}");
        }
    }

    #[test]
    fn a_token_behind_its_command_is_emptied_wherever_it_is_said() {
        for words in ["login-matrix syt_hunter2", "!qq login-matrix  syt_hunter2 ", "Login-Matrix\nsyt_hunter2"] {
            for may_use in [true, false] {
                let (secrets, mut event) = (Secrets::default(), said(words));
                secrets.empty_command(&mut event, "!qq", |_| may_use);
                assert!(is_emptied(&event.body) && !event.body.contains("hunter2"), "{words}");
                let kept = secrets.inner.lock().unwrap().heard.remove("$1");
                assert_eq!(kept, may_use.then(|| Secret::new("syt_hunter2")), "{words}");
            }
        }
        let edit =
            json!({ "msgtype": "m.text", "body": "* login", "m.new_content": { "body": "login-matrix syt_hunter2" } });
        let body = json!({ "type": "m.room.message", "content": edit }).to_string();
        assert!(!emptied_command(&body, "!qq").unwrap().0.contains("hunter2"));
        for words in ["login-matrix", "say login-matrix x", "!qq login"] {
            assert!(emptied_command(&said(words).body, "!qq").is_none(), "{words}");
        }
    }

    #[test]
    fn a_token_behind_commands_that_lead_on_is_emptied_however_they_are_written() {
        for (words, call) in [
            ("sudo @bob:hs login-matrix syt_hunter2", "sudo @bob:hs login-matrix"),
            ("doin !room:hs login-matrix syt_hunter2", "doin !room:hs login-matrix"),
            ("!qq sudo @bob:hs doin !room:hs login-matrix syt_hunter2", "sudo @bob:hs doin !room:hs login-matrix"),
            ("!QQ  Run-As\t@bob:hs\n LOGIN-Matrix\u{3000}syt_hunter2 ", "Run-As @bob:hs login-matrix"),
            ("sudo @bob:hs !qq login-matrix syt_hunter2", "sudo @bob:hs login-matrix"),
            // Nobody's command, but a token all the same.
            ("sudo login-matrix syt_hunter2", "sudo login-matrix"),
            ("doin !room:hs sudo sudo sudo x login-matrix syt_hunter2", "doin !room:hs sudo sudo sudo x login-matrix"),
            ("!QQ login-matrix syt_hunter2", "login-matrix"),
            ("!qq !qq login-matrix syt_hunter2", "login-matrix"),
        ] {
            let (event, secret) = emptied_command(&said(words).body, "!qq").unwrap_or_default();
            assert!(is_emptied(&event) && !event.contains("hunter2"), "{words}");
            assert_eq!(serde_json::from_str::<Value>(&event).unwrap()["content"]["body"], call, "{words}");
            assert_eq!(secret, Secret::new("syt_hunter2"), "{words}");
        }
        for words in ["sudo @bob:hs login-matrix", "sudo @bob:hs say login matrix x", "who ran sudo login-matrix x"] {
            assert!(emptied_command(&said(words).body, "!qq").is_none(), "{words}");
        }
    }

    #[test]
    fn pictures_notices_and_edits_are_no_passwords() {
        for content in [
            json!({ "msgtype": "m.image", "body": "a.png" }),
            json!({ "msgtype": "m.notice", "body": "x" }),
            json!({ "msgtype": "m.text", "body": "x", "m.relates_to": { "rel_type": "m.replace" } }),
            json!({}),
        ] {
            let body = json!({ "type": "m.room.message", "content": content }).to_string();
            assert!(emptied(&body).is_none() && !is_emptied(&body), "{body}");
        }
        assert!(!is_emptied(&said(EMPTIED).body), "saying so does not make it so");
    }
}
