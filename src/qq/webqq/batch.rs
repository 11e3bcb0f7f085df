//! Takes the answer of a poll apart into events, whole or torn, without losing one.
//!
//! Source: protocol dossier 7.3 (shape), 7.7 (what makes two events the same).

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::mend::mend;
use super::number::integer;
use super::order::oldest_first;
use crate::qq::Envelope;

/// The answer of one poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// QQ's code, if it came.
    pub(crate) code: Option<i64>,
    /// The new `ptwebqq` of a 116.
    pub(crate) p: Option<String>,
    /// How many seconds a 121 asks to wait.
    pub(crate) t: Option<i64>,
    /// The events as JSON texts, in the order of the array.
    pub(crate) items: Vec<String>,
    /// What is left of an array that broke off.
    pub(crate) rest: Option<String>,
    /// Whether the answer ends before its end.
    pub(crate) torn: bool,
}

impl Batch {
    /// Reads a body; `None` when it is no answer of poll2 at all.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let text = mend(body);
        let torn = serde_json::from_str::<IgnoredAny>(&text).is_err_and(|why| why.is_eof());
        let mut batch = Self { torn, ..Self::default() };
        let mut rest = text.trim().strip_prefix('{')?;
        loop {
            rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
            if rest.is_empty() || rest.starts_with('}') {
                return Some(batch);
            }
            let Some((key, after)) = take::<String>(rest) else { return batch.broken(rest) };
            let Some(value) = after.trim_start().strip_prefix(':').map(str::trim_start) else {
                return batch.broken(rest);
            };
            rest = match value.strip_prefix('[').filter(|_| key == "result") {
                Some(array) => match batch.take_items(array) {
                    Some(after) => after,
                    None => return Some(batch),
                },
                None => match take::<Value>(value) {
                    Some((value, after)) => {
                        batch.field(&key, &value);
                        after
                    }
                    None => return batch.broken(value),
                },
            };
        }
    }

    /// Takes the events of the array that `text` is the inside of. What follows it; `None` when it broke off.
    fn take_items<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
            if let Some(after) = rest.strip_prefix(']') {
                return Some(after);
            }
            let Some((_, after)) = take::<IgnoredAny>(rest) else {
                self.rest = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
                return None;
            };
            self.items.push(rest.strip_suffix(after).unwrap_or(rest).to_owned());
            rest = after;
        }
    }

    fn field(&mut self, key: &str, value: &Value) {
        match key {
            "retcode" => self.code = integer(value),
            "p" => self.p = value.as_str().map(str::to_owned),
            "t" => self.t = integer(value),
            _ => {}
        }
    }

    /// Something outside the events broke. It is kept only if it may hold one.
    fn broken(mut self, rest: &str) -> Option<Self> {
        if rest.contains("poll_type") {
            self.rest = Some(rest.to_owned());
        }
        (self.code.is_some() || !self.items.is_empty() || self.rest.is_some()).then_some(self)
    }

    /// Whether anything has to be kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.rest.is_none()
    }

    /// Everything that came, oldest first; what is no event any more comes last.
    pub(crate) fn in_order(self) -> Vec<String> {
        oldest_first(self.items).into_iter().chain(self.rest).collect()
    }
}

/// The first JSON value of `text`, and what follows it.
fn take<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, &'a str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    let after = text.get(values.byte_offset()..)?;
    Some((value, after))
}

/// An event sealed with the numbers of `epoch`.
pub(crate) fn envelope(epoch: &str, body: String) -> Envelope {
    let (time, identity) = identity(&body).unwrap_or_else(|| (0, [&*body, &nonce(&body)].concat()));
    Envelope { dedup_key: [epoch, &digest(time, &identity)].join("."), epoch: epoch.to_owned(), body }
}

/// A short text that is the same for the same `identity` alone. What was said at about the same time (in seconds since 1970; 0 when
/// nothing tells) begins alike, so that whoever keeps such texts in order touches few places for many of them.
pub(crate) fn digest(time: i64, identity: &str) -> String {
    let time = u32::try_from(time).unwrap_or_default();
    let of_identity: String = hex::encode(Sha256::digest(identity)).chars().take(32).collect();
    format!("{time:08x}{of_identity}")
}

/// What of an event tells which it is and when it happened; the rest is passed over.
#[derive(Deserialize)]
pub(crate) struct Marked {
    #[serde(default)]
    poll_type: Value,
    #[serde(deserialize_with = "Marks::of_object")]
    pub(crate) value: Marks,
}

/// Integers, each bare or as a string.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Marks {
    pub(crate) from_uin: Value,
    pub(crate) send_uin: Value,
    pub(crate) did: Value,
    pub(crate) msg_id: Value,
    msg_id2: Value,
    pub(crate) time: Value,
}

impl Marks {
    /// serde would take an array, too, for the fields in their order; what may be in that is not known.
    fn of_object<'de, D: Deserializer<'de>>(wire: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Marks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Marks, A::Error> {
                Marks::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        wire.deserialize_map(Object)
    }
}

/// What a push handed out twice has in common with itself, beginning with when it was said; `None` when only all of it tells.
pub(crate) fn identity(body: &str) -> Option<(i64, String)> {
    let Marked { poll_type, value } = serde_json::from_str(body).ok()?;
    let Marks { from_uin, send_uin, did, msg_id, msg_id2, time } = &value;
    integer(msg_id)?;
    let fields = [from_uin, send_uin, did, msg_id, msg_id2, time];
    let fields = fields.map(|field| integer(field).map(|number| number.to_string()).unwrap_or_default());
    let text = [poll_type.as_str()?, &fields.join("|")].join("|");
    Some((integer(time).unwrap_or_default(), text))
}

/// Makes pushes differ that look the same each time they truly happen again, such as somebody who comes online. To take
/// in one of them twice does no harm; to take the second for the first would.
fn nonce(body: &str) -> String {
    let poll_type =
        serde_json::from_str::<Value>(body).ok().and_then(|item| Some(item.get("poll_type")?.as_str()?.to_owned()));
    match poll_type.as_deref() {
        Some("buddies_status_change" | "buddylist_change") => rand::random::<u64>().to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(msg_id: u32, time: Option<i64>, text: &str) -> Value {
        let mut item = json!({"poll_type": "message", "value": {"from_uin": 7, "msg_id": msg_id, "content": [text]}});
        if let Some(time) = time {
            item["value"]["time"] = json!(time);
        }
        item
    }

    fn items(batch: &Batch) -> Vec<Value> {
        batch.items.iter().map(|item| serde_json::from_str(item).unwrap()).collect()
    }

    #[test]
    fn a_whole_answer_gives_its_code_and_its_events() {
        let events = [message(1, Some(5), "]}\""), json!(7), json!("x")];
        for body in [
            json!({"retcode": 0, "result": events}).to_string() + "\n",
            format!("{{ \"result\" : [ {} , 7,\"x\"] , \"retcode\" : \"0\" }}", events[0]),
        ] {
            let batch = Batch::read(body.as_bytes()).unwrap();
            assert_eq!((batch.code, items(&batch), &batch.rest), (Some(0), events.to_vec(), &None), "{body}");
            assert!(!batch.torn, "{body}");
        }
    }

    #[test]
    fn answers_without_events_are_read_as_well() {
        let read = |body: &str| Batch::read(body.as_bytes()).map(|batch| (batch.code, batch.p, batch.t));
        assert_eq!(read("{\"retcode\":102,\"errmsg\":\"\"}\n"), Some((Some(102), None, None)));
        assert_eq!(read("{\"retcode\":116,\"p\":\"new\"}"), Some((Some(116), Some("new".to_owned()), None)));
        assert_eq!(read("{\"retcode\":121,\"t\":\"0\"}"), Some((Some(121), None, Some(0))));
        assert_eq!(read("{\"retcode\":0,\"result\":\"ok\"}"), Some((Some(0), None, None)));
        assert_eq!(read("{}"), Some((None, None, None)));
        for nothing in ["", "<html>502</html>", "[1]", "{\"retc", "{7:1}", "null"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn however_an_answer_is_torn_every_event_is_kept_whole_or_as_a_rest() {
        let events = [message(1, Some(5), "eins"), message(2, Some(5), "zwei 你好"), message(3, None, "drei")];
        let body = json!({"result": events, "retcode": 0}).to_string();
        for cut in 0..body.len() {
            let batch = Batch::read(&body.as_bytes()[..cut]).unwrap_or_default();
            assert!(batch.torn || batch.is_empty(), "{cut}");
            for (event, word) in events.iter().zip(["eins", "zwei", "drei"]) {
                let whole = items(&batch).contains(event);
                let arrived = String::from_utf8_lossy(&body.as_bytes()[..cut]).contains(word);
                let rest = batch.rest.as_ref().is_some_and(|rest| rest.contains(word));
                assert!(!arrived || whole || rest, "{word} at {cut}");
                assert!(!(whole && rest), "{word} at {cut}");
            }
        }
    }

    #[test]
    fn a_code_beside_a_broken_array_does_not_hide_its_events() {
        let body = br#"{"retcode":0,"result":[{"poll_type":"a"},{"poll_type":}],"x":1}"#;
        let batch = Batch::read(body).unwrap();
        assert_eq!((batch.code, batch.items.len(), batch.torn), (Some(0), 1, false));
        assert!(batch.rest.unwrap().starts_with("{\"poll_type\":}"));
        let lost = Batch::read(br#"{"result":{"poll_type":"message"#).unwrap();
        assert!(lost.rest.is_some());
    }

    #[test]
    fn what_was_said_in_one_second_has_keys_that_lie_together() {
        let key = |msg_id, time| envelope("e", message(msg_id, Some(time), "a").to_string()).dedup_key;
        let mut keys = [key(1, 7), key(2, 6), key(3, 5), key(4, 6), key(5, -1), key(6, i64::MAX)];
        keys.sort();
        let starts: Vec<&str> = keys.iter().map(|key| &key[..10]).collect();
        assert_eq!(starts, ["e.00000000", "e.00000000", "e.00000005", "e.00000006", "e.00000006", "e.00000007"]);
    }

    #[test]
    fn a_push_handed_out_twice_has_one_key_and_two_pushes_have_two() {
        let key = |item: &Value, epoch: &str| envelope(epoch, item.to_string()).dedup_key;
        let one = message(1, Some(5), "a");
        assert_eq!(key(&one, "e"), key(&one, "e"));
        let mut respelt = one.clone();
        respelt["value"]["msg_id"] = json!("1");
        assert_eq!(key(&one, "e"), key(&respelt, "e"));
        let others =
            [message(2, Some(5), "a"), message(1, Some(6), "a"), message(1, None, "a"), json!({"poll_type": "x"})];
        for other in &others {
            assert_ne!(key(&one, "e"), key(other, "e"), "{other}");
        }
        assert_ne!(key(&one, "e"), key(&one, "f"));
        for (field, value) in [("send_uin", 1), ("did", 1), ("msg_id2", 1), ("from_uin", 8)] {
            let mut other = one.clone();
            other["value"][field] = json!(value);
            assert_ne!(key(&one, "e"), key(&other, "e"), "{field}");
        }
        assert!(!key(&one, "e").contains('7'.to_string().repeat(5).as_str()));
        assert_ne!(key(&json!("a"), "e"), key(&json!("b"), "e"));
        let unknown = |last: &str| json!({"poll_type": "x", "value": [1, 2, 3, 4, 5, last]});
        assert_ne!(key(&unknown("a"), "e"), key(&unknown("b"), "e"));
    }

    #[test]
    fn somebody_who_comes_online_twice_is_told_of_twice() {
        let online = r#"{"poll_type":"buddies_status_change","value":{"uin":1,"status":"online","client_type":1}}"#;
        let key = || envelope("e", online.to_owned()).dedup_key;
        assert_ne!(key(), key());
        let request = r#"{"poll_type":"system_message","value":{"seq":1,"type":"verify_required"}}"#;
        assert_eq!(envelope("e", request.to_owned()), envelope("e", request.to_owned()));
    }
}
