//! `GET d1.web2.qq.com/channel/get_discu_info`: one discussion and its members.
//!
//! Source: protocol dossier 6.5.

use std::collections::HashMap;

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Account, Did, Integer, Uin, rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;
use crate::qq::webqq::members::{Member, Members};

const ENDPOINT: &str = "get_discu_info";

#[derive(Deserialize)]
struct Wire {
    info: Info,
    #[serde(default, deserialize_with = "rows")]
    mem_info: Vec<Nick>,
}

#[derive(Deserialize)]
struct Info {
    discu_owner: Option<Uin>,
    #[serde(default)]
    discu_name: String,
    #[serde(default, deserialize_with = "rows")]
    mem_list: Vec<WireMember>,
}

#[derive(Deserialize)]
struct WireMember {
    mem_uin: Uin,
    ruin: Option<Integer>,
}

#[derive(Deserialize)]
struct Nick {
    uin: Uin,
    nick: String,
}

/// The members of the discussion `did`.
pub(crate) async fn ask(link: &Link, did: Did) -> Result<Members, Error> {
    let (tickets, did, t) = (link.tickets(), did.to_string(), super::t());
    let query = [
        ("did", did.as_str()),
        ("psessionid", &tickets.psessionid),
        ("vfwebqq", &tickets.vfwebqq),
        ("clientid", tickets.clientid.as_str()),
        ("t", &t),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/get_discu_info", &query)).await;
    read(answer)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Members, Error> {
    Reply::read(ENDPOINT, answer)?.result().map(joined)
}

fn joined(wire: Wire) -> Members {
    let nicks: HashMap<Uin, String> = wire.mem_info.into_iter().map(|row| (row.uin, name::decode(&row.nick))).collect();
    let member = |row: WireMember| Member {
        uin: row.mem_uin,
        nick: nicks.get(&row.mem_uin).cloned().unwrap_or_default(),
        card: None,
        account: row.ruin.and_then(|Integer(ruin)| Account::told(ruin.try_into().ok()?, row.mem_uin.0)),
    };
    Members {
        name: name::decode(&wire.info.discu_name),
        memo: String::new(),
        owner: wire.info.discu_owner,
        created_at: None,
        admins: Vec::new(),
        list: wire.info.mem_list.into_iter().map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nicks_are_joined_to_members_by_number() {
        let wire = json!({
            "info": {"did": 9, "discu_name": "test", "mem_list": [{"mem_uin": 1, "ruin": 85}, {"mem_uin": 2, "ruin": 2}]},
            "mem_status": [], "mem_info": [{"uin": 2, "nick": "j"}]
        });
        let members = joined(serde_json::from_value(wire).unwrap());
        assert_eq!(members.list.len(), 2);
        assert_eq!(members.find(Uin(2)).unwrap().nick, "j");
        assert_eq!(members.find(Uin(1)).unwrap().nick, "");
    }
}
