//! Messages as poll items: names become the numbers of one login.
//!
//! Source: protocol dossier 7.5, 7.6 (new schema), 9.4 (echoes).

use serde_json::{Map, Value, json};

use crate::sim::chat::ChatKey;
use crate::sim::content;
use crate::sim::numbers::{Numbers, Whom};
use crate::sim::people::People;
use crate::sim::push;
use crate::sim::talk::{Event, Said, Speaker};
use crate::sim::world::World;

/// The items of one poll reply; what this login has no numbers for is left out.
pub(super) fn items(events: &[Event], numbers: &Numbers, world: &World, people: &People) -> Vec<Value> {
    let own = world.account.number;
    if let [Event::Raw(items)] = events {
        return items.iter().map(|item| push::resolve(item, numbers, own)).collect();
    }
    let mut items: Vec<Value> = events
        .iter()
        .filter_map(|event| match event {
            Event::Said(said) => message(said, numbers, world, people),
            Event::Raw(_) => None,
        })
        .collect();
    if world.options.newest_first {
        items.reverse();
    }
    items
}

/// The item that ends a session.
pub(super) fn kick(own: u32, reason: &str) -> Value {
    json!({"poll_type": "kick_message", "value": {
        "msg_id": 53125, "from_uin": 10000, "to_uin": own, "msg_id2": 53126, "msg_type": 48, "reply_ip": 0,
        "show_reason": 1, "reason": reason,
    }})
}

fn message(said: &Said, numbers: &Numbers, world: &World, people: &People) -> Option<Value> {
    let (own, rules) = (world.account.number, &world.options);
    let sender = match &said.speaker {
        Speaker::Me => numbers.of(&Whom::Echo)?,
        Speaker::Person(name) => numbers.person(name)?,
    };
    let (poll_type, route) = match &said.chat {
        ChatKey::Friend(name) => ("message", friend_route(&said.speaker, numbers.person(name)?, own)),
        ChatKey::Group(name) => {
            let gid = numbers.of(&Whom::Group(name.clone()))?;
            ("group_message", json!({"from_uin": gid, "group_code": gid, "send_uin": sender, "to_uin": own}))
        }
        ChatKey::Discussion(name) => {
            let did = numbers.of(&Whom::Discussion(name.clone()))?;
            ("discu_message", json!({"from_uin": did, "did": did, "send_uin": sender, "to_uin": own}))
        }
        // Whether such words from another device came back is not known.
        ChatKey::Temporary { .. } if said.speaker == Speaker::Me => return None,
        ChatKey::Temporary { name, via } => ("sess_message", session_route(numbers, name, via, world, people)?),
    };
    let mut value = json!({
        "content": content::for_client(&said.content, rules), "msg_id": said.msg_id, "msg_type": 0, "time": said.time,
    });
    if let (Some(value), Value::Object(route)) = (value.as_object_mut(), route) {
        value.extend(route);
        if rules.era.is_old() {
            value.extend(old_fields(said, numbers, world));
        }
    }
    Some(json!({"poll_type": poll_type, "value": value}))
}

/// What messages had besides, and had otherwise, before December 2015. Source: protocol dossier 7.5, 1.1 (`info_seq` of a
/// group is its real number).
fn old_fields(said: &Said, numbers: &Numbers, world: &World) -> Map<String, Value> {
    let (msg_type, more) = match &said.chat {
        ChatKey::Friend(_) => (9, json!({})),
        ChatKey::Group(name) => {
            let code = numbers.of(&Whom::Code(name.clone()));
            (43, json!({"group_code": code, "seq": said.msg_id, "info_seq": world.group_number(name)}))
        }
        ChatKey::Discussion(_) => (42, json!({"from_uin": 10000, "seq": said.msg_id, "info_seq": 1})),
        ChatKey::Temporary { .. } => (140, json!({})),
    };
    let msg_id2 = u32::from(said.msg_id).wrapping_mul(0x9e37) & 0xf_ffff;
    let mut fields = Map::from_iter([
        ("msg_type".to_owned(), msg_type.into()),
        ("msg_id2".to_owned(), msg_id2.into()),
        ("reply_ip".to_owned(), 176_882_136.into()),
    ]);
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields
}

/// Source: protocol dossier 7.5; that `ruin` is no real number after April 2017 is a guess from 6.5.
fn session_route(numbers: &Numbers, name: &str, via: &ChatKey, world: &World, people: &People) -> Option<Value> {
    let (id, service_type) = match via {
        ChatKey::Group(name) => (numbers.of(&Whom::Group(name.clone()))?, 0),
        ChatKey::Discussion(name) => (numbers.of(&Whom::Discussion(name.clone()))?, 1),
        ChatKey::Friend(_) | ChatKey::Temporary { .. } => return None,
    };
    let uin = numbers.person(name)?;
    let real = people.get(name).filter(|_| world.options.tells_real_numbers()).map_or(uin, |person| person.number);
    Some(json!({"from_uin": uin, "to_uin": world.account.number, "id": id, "ruin": real, "service_type": service_type,
        "flags": {"text": 1, "pic": 1, "file": 1, "audio": 1, "video": 1}}))
}

/// What the account says to a friend from another device has `from_uin` 0. Source: protocol dossier 7.5 (`message`).
fn friend_route(speaker: &Speaker, friend: u32, own: u32) -> Value {
    match speaker {
        Speaker::Me => json!({"from_uin": 0, "to_uin": friend}),
        Speaker::Person(_) => json!({"from_uin": friend, "to_uin": own}),
    }
}
