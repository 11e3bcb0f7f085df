//! Who is in a group or a discussion.
//!
//! Source: protocol dossier 6.4, 6.5.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::Ask;
use super::lists::entities;
use super::reply::{Outcome, Refusal, result};
use crate::sim::numbers::{Numbers, Whom};
use crate::sim::stage::{Shared, Stage};
use crate::sim::world::{Discussion, Group};

/// One row of a member list; the account itself has its real number in it.
struct Row<'a> {
    name: &'a str,
    uin: u32,
    nick: &'a str,
    card: Option<&'a str>,
}

/// `GET s.web2.qq.com/api/get_group_info_ext2`, by `code`; a gid is refused with 6.
pub(super) async fn get_group_info_ext2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        let code = ask.field("gcode").parse().map_err(|_| Refusal(100_001))?;
        match channel.numbers.whom(code) {
            Some(Whom::Code(name)) => {
                let group = stage.world.group(name).ok_or(Refusal(100_001))?;
                Ok(result(&group_info(stage, &channel.numbers, group, code)))
            }
            Some(Whom::Group(_)) => Err(Refusal(6)),
            _ => Err(Refusal(100_001)),
        }
    })
}

fn group_info(stage: &Stage, numbers: &Numbers, group: &Group, code: u32) -> Value {
    let members = group.members.iter().map(|member| (member.name.as_str(), member.card.as_deref()));
    let rows = rows(stage, numbers, members);
    let officer = |row: &Row<'_>| group.admins.iter().any(|admin| admin == row.name);
    let owner = rows.iter().find(|row| row.name == group.owner).map(|row| row.uin);
    let cards: Vec<Value> =
        rows.iter().filter_map(|row| Some(json!({"muin": row.uin, "card": entities(row.card?)}))).collect();
    let mut info = json!({
        "stats": rows.iter().filter(|row| online(stage, row.name)).map(|row| json!({"client_type": 1, "uin": row.uin, "stat": 10})).collect::<Vec<_>>(),
        "minfo": rows.iter().map(|row| json!({"nick": entities(row.nick), "province": "", "gender": "unknown", "uin": row.uin, "country": "", "city": ""})).collect::<Vec<_>>(),
        "ginfo": {
            "face": 0,
            "memo": entities(&group.memo),
            "class": 10048,
            "fingermemo": "",
            "code": code,
            "createtime": group.created,
            "flag": 1_090_519_041,
            "level": 0,
            "name": entities(group.title()),
            "gid": numbers.of(&Whom::Group(group.name.clone())),
            "owner": owner,
            "members": rows.iter().map(|row| json!({"muin": row.uin, "mflag": i32::from(officer(row))})).collect::<Vec<_>>(),
            "option": 1,
        },
        "vipinfo": rows.iter().map(|row| json!({"vip_level": 0, "u": row.uin, "is_vip": 0})).collect::<Vec<_>>(),
    });
    // Absent, not empty, when nobody has a card.
    if let (false, Some(info)) = (cards.is_empty(), info.as_object_mut()) {
        info.insert("cards".to_owned(), Value::Array(cards));
    }
    info
}

/// `GET d1.web2.qq.com/channel/get_discu_info`.
pub(super) async fn get_discu_info(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_channel_lists(stage, &ask, &Value::Null)?;
        let did = ask.field("did").parse().map_err(|_| Refusal(100_001))?;
        let Some(Whom::Discussion(name)) = channel.numbers.whom(did) else { return Err(Refusal(100_001)) };
        let discussion = stage.world.discussion(name).ok_or(Refusal(100_001))?;
        Ok(result(&discussion_info(stage, &channel.numbers, discussion, did)))
    })
}

fn discussion_info(stage: &Stage, numbers: &Numbers, discussion: &Discussion, did: u32) -> Value {
    let rows = rows(stage, numbers, discussion.members.iter().map(|member| (member.name.as_str(), None)));
    // From April 2017 on, `ruin` was no real number any more.
    let real = |row: &Row<'_>| {
        let person = stage.people.get(row.name).filter(|_| stage.world.options.tells_real_numbers());
        person.map_or(row.uin, |person| person.number)
    };
    json!({
        "info": {
            "did": did,
            "discu_name": entities(&discussion.name),
            "mem_list": rows.iter().map(|row| json!({"mem_uin": row.uin, "ruin": real(row)})).collect::<Vec<_>>(),
        },
        "mem_info": rows.iter().map(|row| json!({"uin": row.uin, "nick": entities(row.nick)})).collect::<Vec<_>>(),
        "mem_status": rows.iter().filter(|row| online(stage, row.name)).map(|row| json!({"uin": row.uin, "status": "online", "client_type": 1})).collect::<Vec<_>>(),
    })
}

fn rows<'a>(
    stage: &'a Stage,
    numbers: &Numbers,
    members: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Vec<Row<'a>> {
    let account = &stage.world.account;
    let me = Row { name: &account.nick, uin: account.number, nick: &account.nick, card: None };
    let others = members
        .filter_map(|(name, card)| Some(Row { name, uin: numbers.person(name)?, nick: stage.people.nick(name), card }));
    others.chain([me]).collect()
}

fn online(stage: &Stage, name: &str) -> bool {
    stage.world.friend(name).is_none_or(|friend| friend.online)
}
