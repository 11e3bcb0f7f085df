//! What is said about one person: profile, signature, real number.
//!
//! Source: protocol dossier 6.6, 6.7.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::Ask;
use super::lists::entities;
use super::reply::{Outcome, Refusal, result};
use crate::sim::numbers::Whom;
use crate::sim::session::Channel;
use crate::sim::stage::{Shared, Stage};
use crate::sim::world::Friend;

/// `GET s.web2.qq.com/api/get_self_info2`: by cookies alone.
pub(super) async fn get_self_info2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        admit::by_cookie(stage, &ask)?;
        let account = &stage.world.account;
        let mut info = profile(account.number, &account.nick);
        if let Some(info) = info.as_object_mut() {
            info.insert("account".to_owned(), account.number.into());
            info.insert("lnick".to_owned(), entities(&account.signature).into());
        }
        Ok(result(&info))
    })
}

/// `GET s.web2.qq.com/api/get_friend_info2`.
pub(super) async fn get_friend_info2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        let (uin, nick) = asked_for(stage, channel, &ask)?;
        Ok(result(&profile(uin, nick)))
    })
}

/// `GET s.web2.qq.com/api/get_stranger_info2`: the same for everybody, friend or not.
pub(super) async fn get_stranger_info2(shared: State<Arc<Shared>>, ask: Ask) -> Outcome {
    get_friend_info2(shared, ask).await
}

/// `GET s.web2.qq.com/api/get_single_long_nick2`: the signature.
pub(super) async fn get_single_long_nick2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        let (uin, _) = asked_for(stage, channel, &ask)?;
        let friend = friend_of(stage, channel, uin).map(|friend| friend.signature.as_str());
        let account = &stage.world.account;
        let signature = if uin == account.number { account.signature.as_str() } else { friend.unwrap_or_default() };
        Ok(result(&json!([{"uin": uin, "lnick": entities(signature)}])))
    })
}

/// `GET s.web2.qq.com/api/get_qq_level2`. How level and days belong together is not known; both are made up.
pub(super) async fn get_qq_level2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        let (uin, _) = asked_for(stage, channel, &ask)?;
        let level = friend_of(stage, channel, uin).map_or(0, |friend| friend.level);
        Ok(result(&json!({"level": level, "days": level * 25, "hours": level * 130, "remainDays": 4, "tuin": uin})))
    })
}

fn friend_of<'a>(stage: &'a Stage, channel: &Channel, uin: u32) -> Option<&'a Friend> {
    match channel.numbers.whom(uin) {
        Some(Whom::Person(name)) => stage.world.friend(name),
        _ => None,
    }
}

/// `GET s.web2.qq.com/api/get_friend_uin2`: the real number behind a pseudonym. Closed in April 2017, and what it
/// answered then is not known: 100000 is a guess.
pub(super) async fn get_friend_uin2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let (_, channel) = admit::to_lists(stage, &ask, ask.field("vfwebqq"))?;
        if !stage.world.options.tells_real_numbers() {
            return Err(Refusal(100_000));
        }
        let number: u32 = ask.field("tuin").parse().map_err(|_| Refusal(100_001))?;
        let account = match (channel.numbers.whom(number), ask.field("type")) {
            (Some(Whom::Person(name)), "1") => stage.people.get(name).map(|person| person.number),
            (Some(Whom::Code(name)), "4") => stage.world.group(name).map(|group| stage.world.group_number(&group.name)),
            _ => None,
        };
        let account = account.ok_or(Refusal(100_001))?;
        Ok(result(&json!({"uiuin": "", "account": account, "uin": number})))
    })
}

/// The uin of the call, and the nick behind it.
fn asked_for<'a>(stage: &'a Stage, channel: &'a Channel, ask: &Ask) -> Result<(u32, &'a str), Refusal> {
    let uin = ask.field("tuin").parse().map_err(|_| Refusal(100_001))?;
    if uin == stage.world.account.number {
        return Ok((uin, &stage.world.account.nick));
    }
    match channel.numbers.whom(uin) {
        Some(Whom::Person(name)) => Ok((uin, stage.people.nick(name))),
        _ => Err(Refusal(100_001)),
    }
}

fn profile(uin: u32, nick: &str) -> Value {
    json!({
        "uin": uin, "nick": entities(nick), "face": 0, "birthday": {"month": 0, "year": 0, "day": 0}, "occupation": "",
        "phone": "", "allow": 1, "college": "", "constel": 0, "blood": 0, "homepage": "", "stat": 10, "vip_info": 0,
        "country": "", "city": "", "personal": "", "shengxiao": 0, "email": "", "province": "", "gender": "unknown",
        "mobile": "", "client_type": 1,
    })
}
