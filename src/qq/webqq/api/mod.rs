//! The calls of WebQQ: one endpoint per file, named after it.

pub(crate) mod allow_added_request2;
pub(crate) mod allow_and_add2;
pub(crate) mod cface_upload;
pub(crate) mod change_status2;
pub(crate) mod check;
pub(crate) mod check_sig;
pub(crate) mod deny_added_request2;
pub(crate) mod get_c2cmsg_sig2;
pub(crate) mod get_cface2;
pub(crate) mod get_discu_info;
pub(crate) mod get_discus_list;
pub(crate) mod get_file2;
pub(crate) mod get_friend_info2;
pub(crate) mod get_friend_uin2;
pub(crate) mod get_gface_sig2;
pub(crate) mod get_group_info_ext2;
pub(crate) mod get_group_name_list_mask2;
pub(crate) mod get_group_pic;
pub(crate) mod get_image2;
pub(crate) mod get_msg_tip;
pub(crate) mod get_offpic2;
pub(crate) mod get_online_buddies2;
pub(crate) mod get_qq_level2;
pub(crate) mod get_recent_list2;
pub(crate) mod get_self_info2;
pub(crate) mod get_single_long_nick2;
pub(crate) mod get_user_friends2;
pub(crate) mod getface;
pub(crate) mod getimage;
pub(crate) mod getvfwebqq;
pub(crate) mod login;
pub(crate) mod login2;
pub(crate) mod logout2;
pub(crate) mod notify_offfile2;
pub(crate) mod op_group_join_req;
pub(crate) mod poll2;
pub(crate) mod pt4_auth;
pub(crate) mod ptqrlogin;
pub(crate) mod ptqrshow;
pub(crate) mod refuse_file2;
pub(crate) mod send_buddy_msg2;
pub(crate) mod send_discu_msg2;
pub(crate) mod send_offfile2;
pub(crate) mod send_qun_msg2;
pub(crate) mod send_sess_msg2;
pub(crate) mod upload_offline_file;
pub(crate) mod upload_offline_pic;

use serde::Deserialize;
use serde_json::{Value, json};

use self::http::{Answer, Ask, Fault, Site};
use self::session::Link;
use super::list_hash::ListHash;
use super::{clientid, hash, http, number, reply, session};
use crate::qq::Error;

/// The field `face` of sends: the avatar number that the real clients sent. Source: protocol dossier 9.1.
const FACE: u32 = 522;

/// Posts the question for a list to `path` with a hash of the era. Of several, the next is tried when QQ does not like
/// one. Source: protocol dossier 6.1 (50 and 100000).
async fn hashed(link: &Link, path: &str, hashes: &[ListHash]) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let post = |hash: Option<ListHash>| {
        let mut r = json!({"vfwebqq": tickets.vfwebqq});
        if let Some(hash) = hash {
            insert(&mut r, "hash", hash.of(tickets.uin.0, &tickets.ptwebqq));
        }
        if link.era().chooses_clientid {
            insert(&mut r, "h", "hello".to_owned());
        }
        link.ask(Ask::post(Site::Lists, path, &r))
    };
    let Some((last, likelier)) = hashes.split_last() else { return post(None).await };
    for hash in likelier {
        let answer = post(Some(*hash)).await?;
        if !is_wrong_hash(&answer) {
            return Ok(answer);
        }
    }
    post(Some(*last)).await
}

fn insert(r: &mut Value, name: &str, text: String) {
    if let Some(fields) = r.as_object_mut() {
        fields.insert(name.to_owned(), text.into());
    }
}

fn is_wrong_hash(answer: &Answer) -> bool {
    // Not the friends that follow it: there may be megabytes of them.
    #[derive(Deserialize)]
    struct Code {
        retcode: i64,
    }
    matches!(serde_json::from_slice(&answer.body), Ok(Code { retcode: 50 | 100_000 }))
}

/// The query field `t`: a cache buster that QQ does not look at. Source: protocol dossier 0.3.
fn t() -> String {
    rand::random::<f64>().to_string()
}
