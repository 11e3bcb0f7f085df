//! `POST s.web2.qq.com/api/get_group_name_list_mask2`: every group.
//!
//! Source: protocol dossier 6.3.

use std::collections::HashMap;

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Fault};
use super::number::{Gid, GroupCode, Integer, rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::Muting;
use crate::qq::webqq::content::name;

const ENDPOINT: &str = "get_group_name_list_mask2";

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) gid: Gid,
    /// For [`super::get_group_info_ext2`].
    pub(crate) code: GroupCode,
    pub(crate) name: String,
    /// The account's own remark.
    pub(crate) markname: Option<String>,
    pub(crate) muting: Muting,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "rows")]
    gnamelist: Vec<WireGroup>,
    #[serde(default, deserialize_with = "rows")]
    gmarklist: Vec<Markname>,
    #[serde(default, deserialize_with = "rows")]
    gmasklist: Vec<Mask>,
}

#[derive(Deserialize)]
struct WireGroup {
    gid: Gid,
    code: GroupCode,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Markname {
    uin: Gid,
    markname: String,
}

#[derive(Deserialize)]
struct Mask {
    gid: Gid,
    mask: Integer,
}

/// The row of `gmasklist` that stands for every group without one. Source: protocol dossier 6.3.
const EVERY_GROUP: Gid = Gid(1000);

/// Source: protocol dossier 6.3. What nobody knows mutes nothing.
fn muting(Integer(mask): Integer) -> Muting {
    match mask {
        1 => Muting::Silent,
        2 => Muting::Blocked,
        _ => Muting::Loud,
    }
}

/// Every group of the account.
pub(crate) async fn ask(link: &Link) -> Result<Vec<Group>, Error> {
    let hashes = if link.era().groups_hashed { link.era().hashes } else { &[] };
    read(super::hashed(link, "/api/get_group_name_list_mask2", hashes).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Vec<Group>, Error> {
    Reply::read(ENDPOINT, answer)?.result().map(joined)
}

fn joined(wire: Wire) -> Vec<Group> {
    let marknames = wire.gmarklist.into_iter().map(|row| (row.uin, name::decode(&row.markname)));
    let marknames: HashMap<Gid, String> = marknames.filter(|(_, markname)| !markname.is_empty()).collect();
    let masks: HashMap<Gid, Muting> = wire.gmasklist.into_iter().map(|row| (row.gid, muting(row.mask))).collect();
    let usual = masks.get(&EVERY_GROUP).copied().unwrap_or_default();
    let group = |row: WireGroup| Group {
        gid: row.gid,
        code: row.code,
        name: name::decode(&row.name),
        markname: marknames.get(&row.gid).cloned(),
        muting: masks.get(&row.gid).copied().unwrap_or(usual),
    };
    wire.gnamelist.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marknames_are_joined_by_gid() {
        let wire = json!({
            "gmasklist": [{"gid": 1000, "mask": 0}],
            "gnamelist": [{"flag": 1, "name": "qqbot群", "gid": 2_559_225_925_u64, "code": "3483368056"}, {"gid": 1, "code": 2, "name": "b"}],
            "gmarklist": [{"uin": 1, "markname": "备注"}]
        });
        let groups = joined(serde_json::from_value(wire).unwrap());
        let told: Vec<_> = groups
            .iter()
            .map(|group| (group.gid.0, group.code.0, group.name.as_str(), group.markname.as_deref()))
            .collect();
        assert_eq!(told, [(2_559_225_925, 3_483_368_056, "qqbot群", None), (1, 2, "b", Some("备注"))]);
    }
    #[test]
    fn a_group_without_a_mask_of_its_own_has_that_of_every_group() {
        let masks = |masks: serde_json::Value| {
            let names = json!([{"gid": 1, "code": 11}, {"gid": 2, "code": 12}]);
            let wire = json!({"gmasklist": masks, "gnamelist": names});
            let groups = joined(serde_json::from_value(wire).unwrap());
            groups.into_iter().map(|group| group.muting).collect::<Vec<_>>()
        };
        assert_eq!(masks(json!([])), [Muting::Loud, Muting::Loud]);
        assert_eq!(masks(json!([{"gid": 1000, "mask": 1}, {"gid": 2, "mask": 2}])), [Muting::Silent, Muting::Blocked]);
        assert_eq!(masks(json!([{"gid": 1, "mask": "1"}, {"gid": 2, "mask": 77}])), [Muting::Silent, Muting::Loud]);
        assert_eq!(masks(json!(null)), [Muting::Loud, Muting::Loud]);
    }
}
