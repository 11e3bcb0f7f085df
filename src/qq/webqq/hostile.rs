//! What a broken or hostile server may answer: arbitrary bytes, and real answers with pieces cut out, doubled or changed.
//!
//! No parser panics, hangs, or makes more of an answer than there is in it. `scripts/fuzz` runs these with 100,000 cases.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::api::{
    check, get_discu_info, get_discus_list, get_friend_info2, get_friend_uin2, get_group_info_ext2,
    get_group_name_list_mask2, get_online_buddies2, get_qq_level2, get_recent_list2, get_single_long_nick2,
    get_user_friends2, login, ptqrlogin,
};
use super::batch::Batch;
use super::content::decode::{Decoded, decode};
use super::content::{entity, name};
use super::excerpt::excerpt;
use super::http::Answer;
use super::login::ptui::Ptui;
use super::members::Members;
use super::mend::mend;
use super::number::Uin;
use super::reply::{Reply, picture};
use super::web_message;
use crate::base::damage::anything_like;
use crate::qq::{Error, Piece};

/// Real answers, one of each shape. Source: protocol dossier 4.4, 6, 7.6, 9.4.
const REAL: [&str; 19] = [
    "ptuiCB('4','2','','0','\u{60a8}\u{8f93}\u{5165}\u{7684}\u{9a8c}\u{8bc1}\u{7801}\u{4e0d}\u{6b63}\u{786e}', '2769546520');",
    "ptui_checkVC('1','P1n8hT3DIyyT','\\x00\\x00\\x00\\x00\\xa6\\xce\\xef\\xfe');",
    "\u{89}PNG\r\n\u{1a}",
    r#"<?xml version="1.0" encoding="utf-8"?><d><n t="h" u="2519967390"/><n t="t" s="\u5171" l="http://x/?a=1&amp;b"/><n t="b"/><n t="r"/><n t="i" s="x"/></d>"#,
    r#"{"retcode":0,"result":[{"uin":1414495278,"status":"online","client_type":1,"type":0,"lnick":"\u5c81\u6708"}]}"#,
    r#"{"retcode":0,"result":{"uin":1382902354,"level":19,"nick":"ABCD","face":603,"country":"\u4e2d\u56fd","province":"\u5e7f\u4e1c","city":"","gender":"female"}}"#,
    r#"{"retcode":0,"result":{"stats":[{"client_type":41,"uin":2769546520,"stat":10}],"minfo":[{"nick":"qqbot","province":"\u5e7f\u4e1c","gender":"male","uin":2769546520}],"ginfo":{"face":0,"code":3483368056,"createtime":1388307595,"name":"qqbot\u7fa4","gid":2559225925,"owner":2769546520,"members":[{"muin":2769546520,"mflag":20}]},"cards":[{"muin":2769546520,"card":"\u7fa4\u540d\u7247"}]}}"#,
    r#"{"retcode":0,"result":{"info":{"did":3386761535,"discu_owner":165649255,"discu_name":"test","info_seq":2,"mem_list":[{"mem_uin":165649255,"ruin":85379868}]},"mem_status":[{"uin":165649255,"status":"online","client_type":1}],"mem_info":[{"uin":165649255,"nick":"j"}]}}"#,
    r#"{"retcode":0,"result":{"dnamelist":[{"did":3386761535,"name":"test"}],"dmasklist":[{"did":1000,"mask":0}]}}"#,
    "ptuiCB('0','0','http://ptlogin4.web2.qq.com/check_sig?pttype=1&uin=1','0','登录成功！', '小明');\r\n",
    r"ptui_checkVC('0','!B55','\x00\x00\x00\x00\xa6\xce\xef\xfe','d7','0');",
    r#"{"retcode":0,"result":{"friends":[{"flag":0,"uin":2440652742,"categories":0}],"marknames":[{"uin":2440652742,"markname":"\u540c&amp;","type":0}],"categories":[],"info":[]}}"#,
    r#"{"retcode":0,"result":{"gmasklist":[{"gid":1000,"mask":0}],"gnamelist":[{"flag":1,"name":"g","gid":2559225925,"code":3483368056}],"gmarklist":[]}}"#,
    r#"{"retcode":0,"result":[{"poll_type":"group_message","value":{"msg_id":14155,"from_uin":848492696,"to_uin":1002053815,"group_code":2227416282,"send_uin":2388435354,"time":1419226485,"content":[["font",{"size":10}],"aa",["face",14],["cface",{"name":"{A}.jpg","file_id":1,"server":"1.2.3.4:443"}]," "]}}]}"#,
    r#"{"retcode":0,"result":[{"poll_type":"message","value":{"content":[["font",{}],":smirk: \ud83d\ude00 &lt;b&gt;"],"from_uin":3785096088,"msg_id":25477,"msg_type":0,"time":1450686775,"to_uin":931996776}},{"poll_type":"kick_message","value":{"reason":"x"}}]}"#,
    r#"{"retcode":116,"p":"4c090f"}"#,
    r#"{"retcode":121,"t":"0"}"#,
    "{\"errmsg\":\"error!!!\",\"retcode\":1202}\n",
    r#"[["font",{"name":"x","size":10,"style":[0,0,0],"color":"000000"}],"a",["offpic",{"success":1,"file_path":"/g"}],["cface_idx",0],["pic_id","G"],["image","jpg",0]]"#,
];

/// Anything that a server may send.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    anything_like(REAL.iter().map(|text| text.as_bytes().to_vec()).collect())
}

/// `body` as an answer of HTTP.
fn answer(body: Vec<u8>) -> Answer {
    Answer { status: 200, location: None, body, torn: None }
}

/// The least that a row of a list takes on the wire.
const ROW: usize = "{\"u\":1}".len();

/// Whether `name` may be shown to people.
fn is_clean(name: &str) -> bool {
    name.chars().count() <= 200 && !name.chars().any(char::is_control)
}

/// Whether a failure says whose answer it was, and no more of it than its first 200 bytes.
fn is_named<T>(read: &Result<T, Error>, endpoint: &str) -> bool {
    read.as_ref().err().map(Error::to_string).is_none_or(|said| said.starts_with(endpoint) && said.len() < 200 + 200)
}

/// Characters of text in `pieces`.
fn length(pieces: &[Piece]) -> usize {
    let one = |piece: &Piece| match piece {
        Piece::Text(text) | Piece::Mention { name: text, .. } => text.len(),
        Piece::Face(_) | Piece::Picture(_) | Piece::File { .. } => 1,
        Piece::Unsupported { label } => label.len(),
    };
    pieces.iter().map(one).sum()
}

proptest! {
    #[test]
    fn ptui_gives_no_more_than_came(body in answers()) {
        let text = String::from_utf8_lossy(&body);
        if let Some(ptui) = Ptui::parse(&text) {
            prop_assert!(ptui.args.iter().map(String::len).sum::<usize>() <= text.len());
        }
    }

    #[test]
    fn what_a_login_is_answered_is_no_more_than_came_or_refused_by_name(body in answers()) {
        let came = || Ok(answer(body.clone()));
        let (checked, shown, scanned) = (check::read(came()), login::read(came()), ptqrlogin::read(came()));
        prop_assert!(is_named(&checked, "check") && is_named(&shown, "login") && is_named(&scanned, "ptqrlogin"));
        // What is kept is quoted and named when it is printed, and an address may escape each byte.
        let most = 200 + 12 * body.len();
        for kept in [format!("{checked:?}"), format!("{shown:?}"), format!("{scanned:?}")] {
            prop_assert!(kept.len() <= most, "{kept}");
        }
        if let Ok(check) = checked {
            let text = String::from_utf8_lossy(&body);
            let (check::Captcha::Known(word) | check::Captcha::Picture(word)) = check.captcha;
            prop_assert!(text.contains(&word) && text.contains(&check.session) && text.contains(&check.rand_salt));
            let (check::Salt::Digest(salt) | check::Salt::Cipher(salt)) = check.salt else { return Ok(()) };
            prop_assert_eq!(salt.len(), 8);
        }
    }

    #[test]
    fn a_captcha_and_a_qr_code_are_pictures_or_refused_by_name(body in answers()) {
        let read = picture("getimage", Ok(answer(body.clone())), &[b"\x89PNG", b"GIF8"]);
        prop_assert!(is_named(&read, "getimage"));
        prop_assert_eq!(read.ok(), Some(body.clone()).filter(|body| body.starts_with(b"\x89PNG") || body.starts_with(b"GIF8")));
    }

    #[test]
    fn an_error_shows_the_first_two_hundred_bytes_at_most(body in answers(), tail in answers()) {
        let told = |body: &[u8]| excerpt(body).split_once(": ").unwrap().1.to_owned();
        let beginning: Vec<u8> = body.into_iter().chain(std::iter::repeat(b'x')).take(200).collect();
        prop_assert_eq!(told(&beginning), told(&[&*beginning, &tail].concat()));
        prop_assert!(told(&beginning).len() <= 200);
    }

    #[test]
    fn mending_is_done_once_and_for_all(body in answers()) {
        let mended = mend(&body).into_owned();
        prop_assert!(mended.len() <= 6 * body.len() + 16);
        prop_assert_eq!(mend(mended.as_bytes()), mended.as_str());
    }

    #[test]
    fn a_reply_that_cannot_be_read_names_its_endpoint(body in answers()) {
        if let Err(error) = Reply::read("an_endpoint", Ok(answer(body))).and_then(Reply::result::<Value>) {
            prop_assert!(is_named(&Err::<(), _>(error), "an_endpoint: "));
        }
    }

    #[test]
    fn a_poll_loses_no_event_that_it_can_tell_apart(body in answers()) {
        if let Some(batch) = Batch::read(&body) {
            let count = batch.items.len() + usize::from(batch.rest.is_some());
            prop_assert!(count <= body.len());
            let is_event = |item: &&String| item.contains("poll_type");
            let events = batch.items.iter().chain(&batch.rest).filter(is_event).count();
            let kept = batch.in_order().len();
            prop_assert!(kept >= events && kept <= count, "{kept} of {count}");
        }
    }

    #[test]
    fn content_is_read_whatever_it_is(body in answers()) {
        if let Ok(content) = serde_json::from_slice::<Value>(&body)
            && let Decoded::Pieces(pieces) = decode(&content)
        {
            prop_assert!(!pieces.is_empty());
            prop_assert!(length(&pieces) <= 40 * body.len() + 40);
        }
    }

    #[test]
    fn the_friend_list_has_no_more_than_came(body in answers()) {
        let most = body.len();
        let list = get_user_friends2::read(Ok(answer(body)));
        prop_assert!(is_named(&list, "get_user_friends2"));
        let friends = list.map(|list| list.friends).unwrap_or_default();
        prop_assert!(friends.len() * ROW <= most);
        for friend in friends {
            prop_assert!(is_clean(&friend.nick) && is_clean(&friend.category));
            prop_assert!(friend.markname.is_none_or(|markname| is_clean(&markname) && !markname.is_empty()));
        }
    }

    #[test]
    fn the_lists_of_groups_and_discussions_have_no_more_than_came(body in answers()) {
        let groups = get_group_name_list_mask2::read(Ok(answer(body.clone())));
        let discussions = get_discus_list::read(Ok(answer(body.clone())));
        prop_assert!(is_named(&groups, "get_group_name_list_mask2") && is_named(&discussions, "get_discus_list"));
        let (groups, discussions) = (groups.unwrap_or_default(), discussions.unwrap_or_default());
        prop_assert!(groups.len() * ROW <= body.len() && discussions.len() * ROW <= body.len());
        prop_assert!(groups.iter().all(|group| is_clean(&group.name)));
        prop_assert!(discussions.iter().all(|discussion| is_clean(&discussion.name)));
    }

    #[test]
    fn a_group_and_a_discussion_have_no_more_members_than_came(body in answers()) {
        let group = get_group_info_ext2::read(Ok(answer(body.clone())));
        let discussion = get_discu_info::read(Ok(answer(body.clone())));
        prop_assert!(is_named(&group, "get_group_info_ext2") && is_named(&discussion, "get_discu_info"));
        for Members { name, list, .. } in group.into_iter().chain(discussion) {
            prop_assert!(is_clean(&name) && list.len() * ROW <= body.len());
            prop_assert!(list.iter().all(|member| is_clean(&member.nick)));
        }
    }

    #[test]
    fn who_is_online_what_was_used_and_what_people_tell_is_no_more_than_came(body in answers()) {
        let came = || Ok(answer(body.clone()));
        let (online, recent) = (get_online_buddies2::read(came()), get_recent_list2::read(came()));
        prop_assert!(is_named(&online, "get_online_buddies2") && is_named(&recent, "get_recent_list2"));
        prop_assert!(online.unwrap_or_default().len() * ROW <= body.len());
        prop_assert!(recent.unwrap_or_default().len() * ROW <= body.len());
        let (card, signature) = (get_friend_info2::read("card", came()), get_single_long_nick2::read(came()));
        prop_assert!(is_named(&card, "card") && is_named(&signature, "get_single_long_nick2"));
        prop_assert!(is_named(&get_qq_level2::read(came()), "get_qq_level2"));
        prop_assert!(is_named(&get_friend_uin2::read(came(), Uin(7)), "get_friend_uin2"));
        let card = card.unwrap_or_default();
        prop_assert!(is_clean(&card.nick) && card.place.chars().count() <= 602 && is_clean(&signature.unwrap_or_default()));
    }

    #[test]
    fn shared_xml_says_no_more_than_came(body in answers()) {
        let xml = String::from_utf8_lossy(&body);
        if let Some(text) = web_message::read(&xml) {
            prop_assert!(!text.is_empty() && text.len() <= 2 * xml.len() + 8);
        }
    }

    #[test]
    fn names_and_entities_only_shrink(body in answers()) {
        let text = String::from_utf8_lossy(&body);
        prop_assert!(entity::decode(&text).len() <= text.len());
        prop_assert!(is_clean(&name::decode(&text)));
    }
}

#[test]
fn one_long_name_does_not_fill_the_memory_however_often_it_is_referred_to() {
    let friends: Vec<Value> = (0..2_000).map(|uin| json!({"uin": uin, "categories": 1})).collect();
    let long = "名".repeat(100_000);
    let info: Vec<Value> = (0..10).map(|uin| json!({"uin": uin, "nick": long})).collect();
    let categories = json!([{"index": 1, "sort": 1, "name": long}]);
    let body = json!({"retcode": 0, "result": {"friends": friends, "categories": categories, "info": info}});
    let list = get_user_friends2::read(Ok(answer(body.to_string().into_bytes()))).unwrap();
    assert_eq!(list.friends.len(), 2_000);
    let kept: usize = list.friends.iter().map(|friend| friend.nick.len() + friend.category.len()).sum();
    assert!(kept < 2_020 * 600 + 1, "{kept}");
}
