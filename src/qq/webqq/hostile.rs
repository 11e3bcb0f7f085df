//! What a broken or hostile server may answer: arbitrary bytes, and real answers with pieces cut out, doubled or changed.
//!
//! No parser panics, hangs, or makes more of an answer than there is in it. `scripts/fuzz` runs these with 100,000 cases.

use proptest::prelude::*;
use serde_json::Value;

use super::batch::Batch;
use super::content::decode::{Decoded, decode};
use super::content::{entity, name};
use super::http::Answer;
use super::login::ptui::Ptui;
use super::mend::mend;
use super::reply::Reply;
use crate::qq::Piece;

/// Real answers, one of each shape. Source: protocol dossier 4.4, 6, 7.6, 9.4.
const REAL: [&str; 10] = [
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

/// One way to spoil an answer.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Double(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        prop::sample::select(vec![
            "'",
            "\"",
            "\\",
            "\\u",
            "\\ud83d",
            "[[",
            "{\"",
            "}",
            "]",
            "null",
            "-1",
            "1e999",
            "&#",
            "&#x110000;",
            "\0",
            ":",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<usize>(), 1_usize..64).prop_map(|(at, length)| Damage::Double(at, length)),
    ]
}

fn spoil(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    let place = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
    match damage {
        Damage::Cut(at) => bytes.truncate(place(at, &bytes)),
        Damage::Flip(at, byte) => {
            let at = place(at, &bytes);
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        Damage::Insert(at, piece) => {
            let at = place(at, &bytes);
            bytes.splice(at..at, piece);
        }
        Damage::Double(at, length) => {
            let at = place(at, &bytes);
            let piece: Vec<u8> = bytes.iter().skip(at).take(length).copied().collect();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

/// Anything that a server may send.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let real = prop::sample::select(REAL.to_vec()).prop_map(|text| text.as_bytes().to_vec());
    let spoilt =
        (real, prop::collection::vec(damage(), 0..6)).prop_map(|(real, damages)| damages.into_iter().fold(real, spoil));
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 4 => spoilt]
}

/// Characters of text in `pieces`.
fn length(pieces: &[Piece]) -> usize {
    let one = |piece: &Piece| match piece {
        Piece::Text(text) => text.len(),
        Piece::Face(_) => 1,
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
    fn mending_is_done_once_and_for_all(body in answers()) {
        let mended = mend(&body).into_owned();
        prop_assert!(mended.len() <= 6 * body.len() + 16);
        prop_assert_eq!(mend(mended.as_bytes()), mended.as_str());
    }

    #[test]
    fn a_reply_that_cannot_be_read_names_its_endpoint(body in answers()) {
        let answer = Answer { status: 200, location: None, body, torn: None };
        if let Err(error) = Reply::read("an_endpoint", Ok(answer)).and_then(Reply::result::<Value>) {
            let said = error.to_string();
            prop_assert!(said.starts_with("an_endpoint: "), "{said}");
            prop_assert!(said.len() < 1000, "{said}");
        }
    }

    #[test]
    fn a_poll_loses_no_event_that_it_can_tell_apart(body in answers()) {
        if let Some(batch) = Batch::read(&body) {
            let count = batch.items.len() + usize::from(batch.rest.is_some());
            prop_assert!(count <= body.len());
            let is_event = |item: &&String| item.contains("poll_type");
            let events = batch.items.iter().chain(&batch.rest).filter(is_event).count();
            let sealed = batch.seal("epoch");
            prop_assert!(sealed.len() >= events.min(1) && sealed.len() <= count, "{} of {count}", sealed.len());
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
    fn names_and_entities_only_shrink(body in answers()) {
        let text = String::from_utf8_lossy(&body);
        prop_assert!(entity::decode(&text).len() <= text.len());
        prop_assert!(!name::decode(&text).chars().any(char::is_control));
    }
}
