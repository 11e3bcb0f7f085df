//! Odd answers of lists that were seen or have to be expected, one file each, and what is made of them.
//!
//! Source: protocol dossier 6.2 to 6.5, 7.4, 11.

use super::api::{get_discu_info, get_discus_list, get_group_info_ext2, get_group_name_list_mask2, get_user_friends2};
use super::http::Answer;
use super::members::{Member, Members};
use crate::qq::Error;

/// File, and what it is read as.
const CORPUS: [(&str, &str); 27] = [
    ("get_discu_info.after-2016.json", "test: j"),
    ("get_discu_info.gone.json", "not understood"),
    ("get_discus_list.no-masks.json", "test"),
    ("get_discus_list.null.json", "not understood"),
    ("get_group_info_ext2.a-card-cut-in-a-character.json", "g: q/群里的名片太"),
    ("get_group_info_ext2.gid-instead-of-code.json", "retcode 100001"),
    ("get_group_info_ext2.no-cards.json", "g: qqbot"),
    ("get_group_info_ext2.no-minfo.json", "not understood"),
    ("get_group_name_list_mask2.a-group-without-code.json", "b"),
    ("get_group_name_list_mask2.entities.json", "R&D <3"),
    ("get_group_name_list_mask2.no-gmarklist.json", "qqbot群"),
    ("get_user_friends2.a-friend-of-another-shape.json", "?, two"),
    ("get_user_friends2.a-result-that-is-a-word.json", "not understood"),
    ("get_user_friends2.another-order.json", "one=A & B@朋友, two"),
    ("get_user_friends2.control-characters.json", "smileandtab"),
    ("get_user_friends2.cut-off.json", "not understood"),
    ("get_user_friends2.empty.txt", "not understood"),
    ("get_user_friends2.gateway.html", "not understood"),
    ("get_user_friends2.half-a-pair.json", "😀!"),
    ("get_user_friends2.nested.json", "not understood"),
    ("get_user_friends2.no-friends-at-all.json", ""),
    ("get_user_friends2.no-marknames.json", "呼吸 (no marknames)"),
    ("get_user_friends2.no-result.json", "not understood"),
    ("get_user_friends2.numbers-as-texts.json", "x"),
    ("get_user_friends2.temporary.json", "retcode 6"),
    ("get_user_friends2.ticket-expired.json", "retcode 100000"),
    ("get_user_friends2.wrong-hash.json", "retcode 50"),
];

fn friends(list: get_user_friends2::Friends) -> String {
    let friend = |friend: get_user_friends2::Friend| {
        let nick = if friend.nick.is_empty() { "?".to_owned() } else { friend.nick };
        let markname = friend.markname.map(|markname| format!("={markname}")).unwrap_or_default();
        let category = if friend.category.is_empty() { String::new() } else { format!("@{}", friend.category) };
        format!("{nick}{markname}{category}")
    };
    let told: Vec<String> = list.friends.into_iter().map(friend).collect();
    told.join(", ") + if list.marknames_told { "" } else { " (no marknames)" }
}

fn members(members: Members) -> String {
    let member = |member: Member| match member.card {
        Some(card) => [member.nick, "/".to_owned(), card].concat(),
        None => member.nick,
    };
    [members.name, ": ".to_owned(), names(members.list.into_iter().map(member))].concat()
}

fn names(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// What the reader of the file's endpoint makes of it.
fn read(file: &str, body: Vec<u8>) -> Result<String, Error> {
    let answer = Ok(Answer { status: 200, location: None, body, torn: None });
    match file.split('.').next().unwrap() {
        "get_user_friends2" => get_user_friends2::read(answer).map(friends),
        "get_group_name_list_mask2" => {
            get_group_name_list_mask2::read(answer).map(|list| names(list.into_iter().map(|group| group.name)))
        }
        "get_discus_list" => get_discus_list::read(answer).map(|list| names(list.into_iter().map(|row| row.name))),
        "get_group_info_ext2" => get_group_info_ext2::read(answer).map(members),
        "get_discu_info" => get_discu_info::read(answer).map(members),
        other => panic!("nobody reads {other}"),
    }
}

#[test]
fn every_odd_answer_of_the_corpus_is_read_or_refused_as_expected() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/odd");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: std::collections::BTreeSet<String> = files.collect();
    assert_eq!(files, CORPUS.iter().map(|(file, _)| (*file).to_owned()).collect());
    for (file, expected) in CORPUS {
        let told = match read(file, std::fs::read(folder.join(file)).unwrap()) {
            Ok(told) => told,
            Err(Error::Unintelligible { evidence, .. }) => {
                assert!(evidence.contains(" bytes: "), "{file}: {evidence}");
                "not understood".to_owned()
            }
            Err(Error::Busy { retcode, .. } | Error::SessionEnded { retcode, .. } | Error::Refused { retcode, .. }) => {
                format!("retcode {retcode}")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{file}");
    }
}
