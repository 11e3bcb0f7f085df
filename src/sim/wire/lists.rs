//! The lists: friends, groups, discussions, recent chats.
//!
//! Source: protocol dossier 6.2, 6.3, 6.5, 6.6.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, text_of};
use super::reply::{Outcome, Refusal, result};
use crate::sim::chat::ChatKey;
use crate::sim::era::Era;
use crate::sim::list_hash;
use crate::sim::numbers::{Numbers, Whom};
use crate::sim::people::People;
use crate::sim::session::Session;
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;
use crate::sim::world::World;

/// The category that everybody has and that no reply lists.
const OWN_CATEGORY: &str = "我的好友";

/// `POST s.web2.qq.com/api/get_user_friends2`: friends, their nicks, marknames and categories, each in its own order.
pub(super) async fn get_user_friends2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    shared.look(|stage| {
        let (session, channel) = admit::to_lists(stage, &ask, &text_of(&r, "vfwebqq"))?;
        check_hash(stage, session, &r, List::Friends)?;
        Ok(result(&friends(&stage.world, &stage.people, &channel.numbers)))
    })
}

fn friends(world: &World, people: &People, numbers: &Numbers) -> Value {
    let categories = categories(world);
    let category = |name: &Option<String>| {
        let at = categories.iter().position(|category| Some(*category) == name.as_deref());
        at.map_or(0, |at| at + 1)
    };
    let known: Vec<_> =
        world.friends.iter().filter_map(|friend| Some((friend, numbers.person(&friend.name)?))).collect();
    let marked = known.iter().filter_map(|(friend, uin)| Some((friend.markname.as_deref()?, uin)));
    let listed: Vec<Value> = known
        .iter()
        .map(|(friend, uin)| json!({"flag": category(&friend.category) * 4, "uin": uin, "categories": category(&friend.category)}))
        .collect();
    let named: Vec<Value> = known
        .iter()
        .rev()
        .map(|(friend, uin)| json!({"face": 0, "flag": 25_707_010, "nick": entities(people.nick(&friend.name)), "uin": uin}))
        .collect();
    json!({
        "friends": listed,
        "marknames": marked.map(|(name, uin)| json!({"uin": uin, "markname": entities(name), "type": 0})).collect::<Vec<_>>(),
        "categories": categories.iter().enumerate().map(|(at, name)| json!({"index": at + 1, "sort": at + 1, "name": entities(name)})).collect::<Vec<_>>(),
        "vipinfo": known.iter().map(|(_, uin)| json!({"vip_level": 0, "u": uin, "is_vip": 0})).collect::<Vec<_>>(),
        "info": named,
    })
}

fn categories(world: &World) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in world.friends.iter().filter_map(|friend| friend.category.as_deref()) {
        if name != OWN_CATEGORY && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `POST s.web2.qq.com/api/get_group_name_list_mask2`: groups with their two numbers; some clients send it as a GET.
pub(super) async fn get_group_name_list_mask2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    shared.look(|stage| {
        let (session, channel) = admit::to_lists(stage, &ask, &text_of(&r, "vfwebqq"))?;
        check_hash(stage, session, &r, List::Groups)?;
        Ok(result(&groups(&stage.world, &channel.numbers)))
    })
}

fn groups(world: &World, numbers: &Numbers) -> Value {
    let (mut names, mut marks, mut mutings) = (Vec::new(), Vec::new(), vec![json!({"gid": 1000, "mask": 0})]);
    for group in &world.groups {
        let gid = numbers.of(&Whom::Group(group.name.clone()));
        let code = numbers.of(&Whom::Code(group.name.clone()));
        names.push(json!({"flag": 1_090_519_041, "name": entities(group.title()), "gid": gid, "code": code}));
        if group.mask != 0 {
            mutings.push(json!({"gid": gid, "mask": group.mask}));
        }
        if let Some(markname) = &group.markname {
            marks.push(json!({"uin": gid, "markname": entities(markname)}));
        }
    }
    json!({"gmasklist": mutings, "gnamelist": names, "gmarklist": marks})
}

/// `GET s.web2.qq.com/api/get_discus_list`.
pub(super) async fn get_discus_list(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        let did = |name: &str| channel.numbers.of(&Whom::Discussion(name.to_owned()));
        let discussions = stage.world.discussions.iter().map(|discussion| &discussion.name);
        let names: Vec<Value> = discussions.map(|name| json!({"did": did(name), "name": entities(name)})).collect();
        Ok(result(&json!({"dnamelist": names})))
    })
}

/// `POST d1.web2.qq.com/channel/get_recent_list2`: where something was said lately, newest first.
pub(super) async fn get_recent_list2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    shared.look(|stage| {
        let (_, channel) = admit::to_channel_lists(stage, &ask, &r)?;
        let mut chats: Vec<&str> = Vec::new();
        for line in stage.log.after(0).rev() {
            if !chats.contains(&line.chat.as_str()) {
                chats.push(&line.chat);
            }
        }
        let keys = chats.into_iter().filter_map(|chat| chat.parse().ok());
        Ok(result(&keys.filter_map(|chat| recent(chat, &channel.numbers)).collect()))
    })
}

fn recent(chat: ChatKey, numbers: &Numbers) -> Option<Value> {
    let (whom, kind) = match chat {
        ChatKey::Friend(name) => (Whom::Person(name), 0),
        ChatKey::Group(name) => (Whom::Group(name), 1),
        ChatKey::Discussion(name) => (Whom::Discussion(name), 2),
        ChatKey::Temporary { .. } => return None,
    };
    Some(json!({"uin": numbers.of(&whom)?, "type": kind}))
}

/// Which list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Friends,
    Groups,
}

/// Source: protocol dossier 6.1; 100000 is the answer of the last years, 50 the one before.
fn check_hash(stage: &Stage, session: &Session, r: &Value, list: List) -> Result<(), Refusal> {
    let (era, number) = (stage.world.options.era, stage.world.account.number);
    let expected = match (era, list) {
        (Era::Y2012, _) | (Era::Y2013, List::Groups) => return Ok(()),
        (Era::Y2013, List::Friends) => list_hash::of_2013(number, &session.ptwebqq),
        (Era::Y2014 | Era::SmartQq, _) => token::list_hash(number, &session.ptwebqq),
    };
    let wrong = Refusal(if era.is_old() { 50 } else { 100_000 });
    if text_of(r, "hash") == expected { Ok(()) } else { Err(wrong) }
}

/// Names are escaped for HTML. Source: protocol dossier 6.2.
pub(super) fn entities(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
