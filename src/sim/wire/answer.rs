//! What the client answers to people who ask for something: friendship, or to enter a group.
//!
//! Source: protocol dossier 10.5. What a request is answered with that is not open is not known: 100001 is a guess.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, number_of, text_of};
use super::reply::{Outcome, Refusal, result};
use crate::sim::act;
use crate::sim::numbers::Whom;
use crate::sim::stage::{Shared, Stage};
use crate::sim::talk::Event;

/// Nobody asked for that.
const NOT_ASKED: Refusal = Refusal(100_001);

/// `POST s.web2.qq.com/api/allow_and_add2`: yes, and they become a friend of the account too.
pub(super) async fn allow_and_add2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    friendship(&shared, &ask, true, true)
}

/// `POST s.web2.qq.com/api/allow_added_request2`: yes.
pub(super) async fn allow_added_request2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    friendship(&shared, &ask, true, false)
}

/// `POST s.web2.qq.com/api/deny_added_request2`: no, with a reason.
pub(super) async fn deny_added_request2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    friendship(&shared, &ask, false, false)
}

fn friendship(shared: &Shared, ask: &Ask, accepted: bool, adds: bool) -> Outcome {
    let r = ask.r()?;
    shared.change(|stage| {
        admit::to_lists(stage, ask, &text_of(&r, "vfwebqq"))?;
        let account = number_of(&r, "account").ok_or(NOT_ASKED)?;
        let asks = |stage: &Stage, name: &str| stage.people.get(name).is_some_and(|person| person.number == account);
        let name = stage.asked.iter().find(|asked| asked.group.is_none() && asks(stage, &asked.name));
        let name = name.map(|asked| asked.name.clone()).ok_or(NOT_ASKED)?;
        stage.answer((&name, None), accepted, text_of(&r, "msg")).ok_or(NOT_ASKED)?;
        if adds {
            let mut world = stage.world.clone();
            act::befriend(&mut world, &name);
            stage.replace_world(world).map_err(|_| NOT_ASKED)?;
            let added = json!([{"uin": format!("$uin:{name}"), "groupid": 0}]);
            tell(
                stage,
                json!({"poll_type": "buddylist_change", "value": {"added_friends": added, "removed_friends": []}}),
            );
        }
        Ok(result(&json!({"ret": 0})))
    })
}

/// `GET d1.web2.qq.com/channel/op_group_join_req`: `op_type` 2 lets somebody in, 3 does not.
pub(super) async fn op_group_join_req(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        let numbers = &stage.session(id).and_then(|session| session.channel.as_ref()).ok_or(NOT_ASKED)?.numbers;
        let whom = |field: &str| ask.field(field).parse().ok().and_then(|number| numbers.whom(number)).cloned();
        let (Some(Whom::Group(group)), Some(Whom::Person(name))) = (whom("group_uin"), whom("req_uin")) else {
            return Err(NOT_ASKED);
        };
        let accepted = match ask.field("op_type") {
            "2" => true,
            "3" => false,
            _ => return Err(NOT_ASKED),
        };
        stage.answer((&name, Some(&group)), accepted, ask.field("msg").to_owned()).ok_or(NOT_ASKED)?;
        if accepted {
            let mut world = stage.world.clone();
            let (n, join) = (stage.next_event(), act::Act::Join { group, name });
            let item = join.play(&mut world, n).map_err(|_| NOT_ASKED)?;
            stage.replace_world(world).map_err(|_| NOT_ASKED)?;
            tell(stage, item);
        }
        Ok(result(&json!("ok")))
    })
}

fn tell(stage: &mut Stage, item: Value) {
    let limit = stage.world.options.queue_limit;
    stage.mail.push(Event::Raw(vec![item]), limit);
}
