//! `GET s.web2.qq.com/api/get_group_info_ext2`: one group and its members.
//!
//! Source: protocol dossier 6.4. It wants the group's `code`; its `gid` gets 6 or 100001.

use std::collections::HashMap;

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{GroupCode, Integer, Uin, rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;
use crate::qq::webqq::members::{Member, Members};

const ENDPOINT: &str = "get_group_info_ext2";

#[derive(Deserialize)]
struct Wire {
    ginfo: Info,
    /// Missing at times: then the answer is of no use and is asked for again.
    minfo: Vec<serde_json::Value>,
    #[serde(default, deserialize_with = "rows")]
    cards: Vec<Card>,
}

#[derive(Deserialize)]
struct Info {
    owner: Option<Uin>,
    createtime: Option<Integer>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    memo: String,
    #[serde(default, deserialize_with = "rows")]
    members: Vec<Flag>,
}

#[derive(Deserialize)]
struct Flag {
    muin: Uin,
    mflag: Integer,
}

/// The bit of `mflag` that makes an administrator. Source: protocol dossier 6.4.
const ADMIN: i64 = 1;

#[derive(Deserialize)]
struct Nick {
    uin: Uin,
    #[serde(default)]
    nick: String,
}

#[derive(Deserialize)]
struct Card {
    muin: Uin,
    card: String,
}

/// The members of the group `code`.
pub(crate) async fn ask(link: &Link, code: GroupCode) -> Result<Members, Error> {
    let (tickets, code, t) = (link.tickets(), code.to_string(), super::t());
    let query = [("gcode", code.as_str()), ("vfwebqq", &tickets.vfwebqq), ("t", &t)];
    let answer = link.ask(Ask::get(Site::Lists, "/api/get_group_info_ext2", &query)).await;
    read(answer)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Members, Error> {
    Reply::read(ENDPOINT, answer)?.result().map(joined)
}

fn joined(wire: Wire) -> Members {
    let cards: HashMap<Uin, String> = wire
        .cards
        .into_iter()
        .map(|row| (row.muin, name::decode(&row.card)))
        .filter(|(_, card)| !card.is_empty())
        .collect();
    let nicks = wire.minfo.into_iter().filter_map(|row| serde_json::from_value::<Nick>(row).ok());
    let member = |row: Nick| Member {
        uin: row.uin,
        nick: name::decode(&row.nick),
        card: cards.get(&row.uin).cloned(),
        account: None,
    };
    Members {
        name: name::decode(&wire.ginfo.name),
        memo: name::decode(&wire.ginfo.memo),
        owner: wire.ginfo.owner,
        created_at: wire.ginfo.createtime.map(|seconds| seconds.0).filter(|seconds| *seconds > 0),
        admins: wire.ginfo.members.iter().filter(|row| row.mflag.0 & ADMIN != 0).map(|row| row.muin).collect(),
        list: nicks.map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_have_nicks_and_cards_and_the_cards_may_be_absent() {
        let mut wire = json!({
            "stats": [], "vipinfo": [],
            "minfo": [{"nick": "one", "uin": 1, "gender": "male"}, {"nick": "two", "uin": "2"}],
            "ginfo": {"createtime": 1_388_307_595, "name": "a&lt;b", "memo": "1 &lt; 2", "owner": 2, "members": [{"muin": 1, "mflag": 21}, {"muin": 2, "mflag": 20}]},
            "cards": [{"muin": 2, "card": "群名片"}]
        });
        let members = joined(serde_json::from_value(wire.clone()).unwrap());
        assert_eq!(
            (members.name.as_str(), members.owner, members.created_at),
            ("a<b", Some(Uin(2)), Some(1_388_307_595))
        );
        assert_eq!(members.memo, "1 < 2");
        assert_eq!(members.find(Uin(2)).unwrap().card.as_deref(), Some("群名片"));
        assert_eq!(members.admins, [Uin(1)]);
        wire.as_object_mut().unwrap().remove("cards");
        assert_eq!(joined(serde_json::from_value(wire.clone()).unwrap()).list.len(), 2);
        wire.as_object_mut().unwrap().remove("minfo");
        assert!(serde_json::from_value::<Wire>(wire).is_err());
    }
}
