//! What words look like and mean survives both ways: fonts, faces, brackets, long texts.

use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Event, Fault};
use crate::support::house::House;

/// A house in which the family's room is open.
async fn house_with_room() -> (House, String) {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "爸爸", "开始").unwrap();
    let (room, _) = house.sees(FAMILY, "开始").await;
    (house, room)
}

fn html(body: &str, html: &str) -> Value {
    json!({ "msgtype": "m.text", "body": body, "format": "org.matrix.custom.html", "formatted_body": html })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_font_is_seen_in_matrix_and_one_for_all_words_is_heard_on_qq() {
    let (house, room) = house_with_room().await;
    let font = json!(["font", { "name": "楷体", "size": 14, "style": [1, 0, 1], "color": "FF0000" }]);
    house.qq.say_content(FAMILY_CHAT, "妈妈", vec![json!("red <b> news"), font]).unwrap();
    house.sees(FAMILY, "red <b> news").await;
    let shown = house.matrix.timeline(&room).into_iter().find(|event| event.body() == "red <b> news").unwrap();
    let formatted = "<span data-mx-color=\"#ff0000\"><strong><u>red &lt;b&gt; news</u></strong></span>";
    assert_eq!(shown.content["formatted_body"], formatted);
    house.qq.say(FAMILY_CHAT, "妈妈", "plain news").unwrap();
    house.sees(FAMILY, "plain news").await;
    let shown = house.matrix.timeline(&room).into_iter().find(|event| event.body() == "plain news").unwrap();
    assert!(shown.content.get("formatted_body").is_none());

    let blue = "<span data-mx-color=\"#0000ff\"><b><i>all of it</i></b></span>";
    house.owner.send(&room, "m.room.message", html("***all of it***", blue));
    house.owner.send(&room, "m.room.message", html("**part** of it", "<b>part</b> of it"));
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    let font = |at: usize| heard[at].content.last().unwrap()[1].clone();
    assert_eq!((heard[0].text.as_str(), heard[1].text.as_str()), ("all of it", "part of it"));
    assert_eq!((font(0)["style"].clone(), font(0)["color"].clone()), (json!([1, 1, 0]), json!("0000ff")));
    assert_eq!((font(1)["style"].clone(), font(1)["color"].clone()), (json!([0, 0, 0]), json!("000000")));
    assert_eq!(house.qq.spoken(0).last().unwrap().font, font(1), "the console shows it");

    // Both echoes were queued before this.
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["开始", "red <b> news", "plain news", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_look_like_html_or_an_attack_are_words_both_ways() {
    let (house, room) = house_with_room().await;
    let script = "<script>alert('x')</script> &lt;b&gt;";
    house.qq.say(FAMILY_CHAT, "妈妈", "<script>alert('x')</script>").unwrap();
    house.sees(FAMILY, "<script>alert('x')</script>").await;

    house.owner.say(&room, script);
    house.owner.say(&room, "you and 1 more");
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(heard[0].text, "＜script＞alert('x')＜/script＞ ＆lt;b＆gt;");
    assert_eq!(heard[1].text, "you and_1 more");

    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["开始", "<script>alert('x')</script>", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_cut_between_its_faces_and_none_is_lost() {
    let (house, room) = house_with_room().await;
    house.owner.say(&room, &"很长的话[微笑]😭🎂".repeat(60));
    let faces = |text: &str| text.matches("[微笑]").count();
    let heard = house.qq.wait_heard(|heard| heard.iter().map(|part| faces(&part.text)).sum::<usize>() == 60).await;
    assert!(heard.len() > 2);
    for (at, part) in heard.iter().enumerate() {
        assert!(part.text.starts_with(&format!("({}/{}) ", at + 1, heard.len())), "{}", part.text);
    }
    let all: String = heard.iter().map(|part| part.text.split_once(") ").unwrap().1).collect();
    // 😭 stands for several faces and stays; 🎂 is one.
    assert_eq!(all, "很长的话[微笑]😭[蛋糕]".repeat(60));

    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["开始", "end"]);
}

/// The event in `room` that says `body`.
fn saying(house: &House, room: &str, body: &str) -> Event {
    let said = house.matrix.timeline(room).into_iter().find(|event| event.body() == body);
    said.unwrap_or_else(|| panic!("nobody says {body:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_by_name_on_qq_is_mentioned_in_matrix() {
    let (house, room) = house_with_room().await;
    house.qq.say(FAMILY_CHAT, "爸爸", "@妈妈 @小明 来吃饭 @谁").unwrap();
    house.sees(FAMILY, "@妈妈 @小明 来吃饭 @谁").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "来了").unwrap();
    let (_, mother) = house.sees(FAMILY, "来了").await;

    let shown = saying(&house, &room, "@妈妈 @小明 来吃饭 @谁");
    assert_eq!(shown.content["m.mentions"], json!({ "user_ids": [mother, "@alice:hs.test"] }));
    let link = |user: &str, name: &str| format!("<a href=\"https://matrix.to/#/{user}\">{name}</a>");
    let expected = format!("{} {} 来吃饭 @谁", link(&mother, "妈妈"), link("@alice:hs.test", "小明"));
    assert_eq!(shown.content["formatted_body"], expected);
    assert_eq!(house.qq.session().calls["get_group_info_ext2"], 1, "nobody is asked about by themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pill_calls_by_name_on_qq_and_its_echo_is_not_said_again() {
    let (house, room) = house_with_room().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "在吗").unwrap();
    let (_, mother) = house.sees(FAMILY, "在吗").await;

    let pill = format!("<b><a href=\"https://matrix.to/#/{mother}\">妈妈 (QQ)</a>: 在 🙂 <i>呢</i></b>");
    house.owner.send(&room, "m.room.message", html("妈妈 (QQ): 在 🙂 呢", &pill));
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].text, "@妈妈 在 [微笑] 呢");
    assert_eq!(heard[0].content.last().unwrap()[1]["style"], json!([1, 0, 0]));

    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["开始", "在吗", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_quotes_what_it_answers_and_goes_without_when_that_cannot_be_had() {
    let (house, room) = house_with_room().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "吃饭了吗？\n我做了鱼").unwrap();
    house.sees(FAMILY, "吃饭了吗？\n我做了鱼").await;
    let asked = saying(&house, &room, "吃饭了吗？\n我做了鱼").id;
    let answer = |body: &str, to: &str| json!({ "msgtype": "m.text", "body": body, "m.relates_to": { "m.in_reply_to": { "event_id": to } } });
    let mine = house.owner.send(&room, "m.room.message", answer("吃了", &asked));
    house.owner.send(&room, "m.room.message", answer("真的", &mine));
    house.owner.send(&room, "m.room.message", answer("别问了", "$nothing"));
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    let expected = ["「妈妈：吃饭了吗？ 我做了鱼」\n吃了", "「小明：吃了」\n真的", "别问了"];
    assert_eq!(house.heard_in(FAMILY_CHAT), expected);

    house.matrix.fail_next(Endpoint::Event, 1, Fault::Status(502));
    house.owner.send(&room, "m.room.message", answer("网断了", &asked));
    let heard = house.qq.wait_heard(|heard| heard.len() == 4).await;
    assert_eq!(heard[3].text, "网断了");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_said_again_with_a_star() {
    let (house, room) = house_with_room().await;
    let first = house.owner.say(&room, "wrold");
    let edit = json!({
        "msgtype": "m.text", "body": "* world 🙂", "m.new_content": { "msgtype": "m.text", "body": "world 🙂" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": first },
    });
    house.owner.send(&room, "m.room.message", edit);
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["wrold", "* world [微笑]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_are_refused_once_in_a_room_and_what_was_said_cannot_be_taken_back() {
    let (house, room) = house_with_room().await;
    let said = house.owner.say(&room, "said");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    let react = |key: &str| json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": said, "key": key } });
    let reaction = house.owner.send(&room, "m.reaction", react("👍"));
    house.bot_says(&room, "QQ has no reactions").await;
    house.owner.send(&room, "m.reaction", react("👎"));
    house.owner.redact(&room, &reaction);
    house.owner.redact(&room, &said);
    house.bot_says(&room, "cannot be taken back").await;
    assert_eq!((house.told(&room, "QQ has no reactions"), house.told(&room, "cannot be taken back")), (1, 1));
    assert_eq!(house.heard_in(FAMILY_CHAT), ["said"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_waits_for_a_login_can_be_taken_back() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "爸爸", "开始").unwrap();
    let (room, _) = house.sees(FAMILY, "开始").await;
    house.qq.expire(103).unwrap();
    house.bot_says(&control, "has ended").await;
    let regretted = house.owner.say(&room, "regretted");
    house.owner.redact(&room, &regretted);
    house.owner.say(&room, "meant");
    house.log_in_from(&control).await;
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["meant"]);
}
