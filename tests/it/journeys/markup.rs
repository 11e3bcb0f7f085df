//! Whatever people on QQ call themselves and their groups, it is a name in all that the bot says, and never markup.

use matrix_webqq::sim::World;
use serde_json::json;

use crate::support::homeserver::World as Matrix;
use crate::support::house::House;

const HOSTILE: &str = r#"
account: { number: 2769546520, nick: "[me](http://evil/)<b>*x*" }
friends:
  - { name: wang, nick: "</code><img src=x>**f**", markname: "[m](http://evil/) {account} Mark", signature: "<h1>_s_ Motto" }
groups:
  - name: family
    title: "<h1>[g](http://evil/)`c` Title"
    owner: wang
    members: [{ name: wang }, { name: mother, nick: "> *n*", card: "<i>[c](http://evil/)" }]
discussions:
  - { name: "**d** <script> Talk", members: [{ name: mother }] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_never_markup_in_what_the_bot_says() {
    let house = House::with(World::parse(HOSTILE).unwrap(), &json!({})).await;
    let control = house.log_in().await;
    house.qq.say("group:family", "mother", "hi").unwrap();
    house.shows("hi").await;
    for (order, answer) in [
        ("list-logins", "connected"),
        ("ping", "The bridge is here"),
        ("friends", "Mark"),
        ("groups", "Title"),
        ("discussions", "Talk"),
        ("whois [m](http://evil/) {account} Mark", "Motto"),
        ("whois <h1>[g](http://evil/)`c` Title", "owner: "),
        ("open [m](http://evil/) {account} Mark", "matrix.to"),
        ("open <script>Nobody", "Nobody"),
        ("audit", "received 1"),
        ("logout", "Logged out"),
    ] {
        house.owner.say(&control, order);
        house.bot_says(&control, answer).await;
    }
    let bot = house.matrix.see(Matrix::bot);
    let said = house.matrix.timeline(&control).into_iter().filter(|event| event.sender == bot);
    let shown: Vec<String> =
        said.filter_map(|event| event.content["formatted_body"].as_str().map(str::to_owned)).collect();
    assert!(shown.iter().any(|html| html.contains("&lt;img src=x&gt;")), "{shown:?}");
    for html in shown {
        for markup in ["href=\"http://evil", "<img", "<h1", "<b>", "<i>", "<em>", "<script", "<blockquote"] {
            assert!(!html.contains(markup), "{markup} in {html}");
        }
    }
}
