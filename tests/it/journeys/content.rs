//! What words look like and mean survives both ways: fonts, faces, brackets, long texts.

use serde_json::{Value, json};

use crate::support::house::House;

const FAMILY: &str = "相亲相爱一家人";
const FAMILY_CHAT: &str = "group:相亲相爱一家人";

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
