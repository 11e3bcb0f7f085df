//! `POST s.web2.qq.com/api/get_user_friends2`: every friend, with names and categories.
//!
//! Source: protocol dossier 6.2. The parts are in no common order: they are joined by number.

use std::collections::HashMap;

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Fault};
use super::number::{Account, Integer, Uin, rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;

const ENDPOINT: &str = "get_user_friends2";

/// One friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Friend {
    pub(crate) uin: Uin,
    pub(crate) nick: String,
    pub(crate) markname: Option<String>,
    /// The name of the category; empty for the first one, which has none on the wire.
    pub(crate) category: String,
    /// Their real number, which the list does not tell.
    pub(crate) account: Option<Account>,
}

/// Every friend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Friends {
    pub(crate) friends: Vec<Friend>,
    /// Whether QQ told the marknames; at times it leaves them out altogether.
    pub(crate) marknames_told: bool,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "rows")]
    friends: Vec<WireFriend>,
    marknames: Option<Vec<serde_json::Value>>,
    #[serde(default, deserialize_with = "rows")]
    categories: Vec<Category>,
    #[serde(default, deserialize_with = "rows")]
    info: Vec<Nick>,
}

#[derive(Deserialize)]
struct WireFriend {
    uin: Uin,
    categories: Option<Integer>,
}

#[derive(Deserialize)]
struct Category {
    index: Integer,
    name: String,
}

#[derive(Deserialize)]
struct Nick {
    uin: Uin,
    nick: String,
}

#[derive(Deserialize)]
struct Markname {
    uin: Uin,
    markname: String,
}

/// Every friend of the account.
pub(crate) async fn ask(link: &Link) -> Result<Friends, Error> {
    read(super::hashed(link, "/api/get_user_friends2", link.era().hashes).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Friends, Error> {
    Reply::read(ENDPOINT, answer)?.result().map(joined)
}

fn joined(wire: Wire) -> Friends {
    let marknames_told = wire.marknames.is_some();
    let marknames = wire.marknames.unwrap_or_default().into_iter();
    let marknames: HashMap<Uin, String> = marknames
        .filter_map(|row| serde_json::from_value(row).ok())
        .map(|Markname { uin, markname }| (uin, name::decode(&markname)))
        .collect();
    let nicks: HashMap<Uin, String> = wire.info.into_iter().map(|row| (row.uin, name::decode(&row.nick))).collect();
    let categories: HashMap<i64, String> =
        wire.categories.into_iter().map(|row| (row.index.0, name::decode(&row.name))).collect();
    let friends = wire.friends.into_iter().map(|row| Friend {
        uin: row.uin,
        nick: nicks.get(&row.uin).cloned().unwrap_or_default(),
        markname: marknames.get(&row.uin).filter(|markname| !markname.is_empty()).cloned(),
        category: row.categories.and_then(|index| categories.get(&index.0)).cloned().unwrap_or_default(),
        account: None,
    });
    Friends { friends: friends.collect(), marknames_told }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(wire: serde_json::Value) -> Friends {
        joined(serde_json::from_value(wire).unwrap())
    }

    #[test]
    fn the_parts_are_joined_by_number_whatever_their_order() {
        let list = read(json!({
            "friends": [{"flag": 0, "uin": 3, "categories": 1}, {"uin": "2", "categories": 0}, {"uin": null}],
            "marknames": [{"uin": 2, "markname": "A&amp;B", "type": 0}],
            "categories": [{"index": 1, "sort": 1, "name": "朋友"}],
            "info": [{"uin": 2, "nick": "two"}, {"face": 0, "uin": 3, "nick": "th\u{1}ree"}]
        }));
        let friend = |uin, nick: &str, markname: Option<&str>, category: &str| Friend {
            uin: Uin(uin),
            nick: nick.to_owned(),
            markname: markname.map(str::to_owned),
            category: category.to_owned(),
            account: None,
        };
        assert_eq!(list.friends, [friend(3, "three", None, "朋友"), friend(2, "two", Some("A&B"), "")]);
        assert!(list.marknames_told);
    }

    #[test]
    fn a_list_without_marknames_says_so() {
        assert!(!read(json!({"friends": [], "info": []})).marknames_told);
        assert!(read(json!({"friends": [], "info": [], "marknames": []})).marknames_told);
    }
}
