//! Sending: accepted, uncertain, or certainly not sent.

use matrix_webqq::qq::{ChatId, ChatKind, Error, Face, Network, Outgoing, Piece, Sent, Verdict};
use serde_json::{Value, json};

use super::Qq;
use super::server::{body, result, retcode, status};

fn words(text: &str) -> Outgoing {
    Outgoing { pieces: vec![Piece::Text(text.to_owned())], ..Outgoing::default() }
}

async fn chat(network: &dyn Network, kind: ChatKind) -> ChatId {
    network.chats().await.unwrap().into_iter().find(|chat| chat.kind == kind).unwrap().id
}

#[tokio::test]
async fn words_go_to_friends_groups_and_discussions() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let cases = [
        (ChatKind::Friend, "send_buddy_msg2", "to", 1, body("{\"retcode\":0,\"result\":\"ok\"}")),
        (ChatKind::Group, "send_qun_msg2", "group_uin", 50, body("{\"errCode\":0,\"msg\":\"send ok\"}")),
        (ChatKind::Discussion, "send_discu_msg2", "did", 70, retcode(100_100)),
    ];
    for (n, (kind, endpoint, field, number, answer)) in cases.into_iter().enumerate() {
        qq.server.then(endpoint, answer);
        let mut message = words("a\"b");
        message.pieces.push(Piece::Face(Face(14)));
        message.style.bold = true;
        let sent = network.send(&chat(&*network, kind).await, &message).await.unwrap();
        assert_eq!(sent, Sent::Accepted(None));
        let r = &qq.server.asked(endpoint)[0].r;
        assert_eq!((&r[field], &r["msg_id"]), (&json!(number), &json!(50_001 + n)));
        assert_eq!((&r["clientid"], &r["psessionid"]), (&json!(53_999_199), &json!("one")));
        let content: Value = serde_json::from_str(r["content"].as_str().unwrap()).unwrap();
        assert_eq!((&content[0], &content[1], &content[2][0]), (&json!("a\"b"), &json!(["face", 14]), &json!("font")));
        assert_eq!(content[2][1]["style"], json!([1, 0, 0]));
    }
    let heard = network.as_heard(&words("a < b and 1 "));
    assert_eq!(heard, [Piece::Text("a ＜ b and_1".to_owned())]);
}

#[tokio::test]
async fn whatever_may_have_been_taken_is_uncertain_and_is_not_said_again() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let friend = chat(&*network, ChatKind::Friend).await;
    let answers = [
        retcode(1202),
        retcode(4711),
        status(502),
        status(504),
        body(""),
        body("<html>"),
        body("{\"retcode\":0").torn(),
    ];
    let asked = answers.len();
    for answer in answers {
        qq.server.then("send_buddy_msg2", answer);
        assert_eq!(network.send(&friend, &words("hi")).await.unwrap(), Sent::Uncertain);
    }
    assert_eq!(qq.server.asked("send_buddy_msg2").len(), asked);
}

#[tokio::test]
async fn what_was_certainly_not_taken_is_an_error_with_its_verdict() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let friend = chat(&*network, ChatKind::Friend).await;
    for (answer, verdict) in [
        (status(403), "retry"),
        (retcode(112), "retry"),
        (retcode(121), "retry"),
        (retcode(108), "log in"),
        (retcode(100_012), "log in"),
        (retcode(100_006), "give up"),
    ] {
        qq.server.then("send_buddy_msg2", answer);
        let told = match network.send(&friend, &words("hi")).await.unwrap_err().verdict() {
            Verdict::Retry(_) => "retry",
            Verdict::LogIn => "log in",
            Verdict::GiveUp => "give up",
        };
        assert_eq!(told, verdict);
    }
    assert_eq!(network.send(&friend, &words(" ")).await.unwrap_err().verdict(), Verdict::GiveUp, "nothing to say");
    let nobody = network.send(&ChatId::new("friend:10001.99"), &words("hi")).await;
    assert!(matches!(nobody, Err(Error::Unmatched(_))));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_not_uncertain() {
    let qq = Qq::start().await;
    let session = qq.session().await;
    let network = qq.try_connect(session).await.unwrap();
    let friend = chat(&*network, ChatKind::Friend).await;
    let address = qq.server.address();
    drop(qq);
    // The listener closes in its own time.
    while tokio::net::TcpStream::connect((address.host_str().unwrap(), address.port().unwrap())).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let mut answer = network.send(&friend, &words("hi")).await;
    // A connection that was kept may break under the first request: nobody can say how far that one came.
    if matches!(answer, Ok(Sent::Uncertain)) {
        answer = network.send(&friend, &words("hi")).await;
    }
    assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_that_can_be_cured_is_cured_and_the_words_are_said_once() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let friend = chat(&*network, ChatKind::Friend).await;
    let said = async || network.send(&friend, &words("hi")).await;

    qq.server.then("send_buddy_msg2", body("{\"retcode\":116,\"p\":\"web2\"}"));
    qq.server.then("send_buddy_msg2", result(json!("ok")));
    assert_eq!(said().await.unwrap(), Sent::Accepted(None));
    let asked = qq.server.asked("send_buddy_msg2");
    assert_eq!(asked[0].r["msg_id"], asked[1].r["msg_id"]);
    assert!(asked[1].cookie.contains("ptwebqq=web2"));

    qq.server.order();
    qq.server.then("send_buddy_msg2", retcode(103));
    qq.server.then("send_buddy_msg2", result(json!("ok")));
    assert_eq!(said().await.unwrap(), Sent::Accepted(None));
    assert_eq!(qq.server.order(), ["send_buddy_msg2", "get_online_buddies2", "send_buddy_msg2"]);

    qq.server.then("send_buddy_msg2", retcode(100_001));
    assert_eq!(said().await.unwrap_err().verdict(), Verdict::GiveUp, "the number is still the same");
    assert_eq!(qq.server.order(), ["send_buddy_msg2", "get_user_friends2"]);

    qq.script_lists(1000);
    qq.server.then("send_buddy_msg2", retcode(100_001));
    qq.server.then("send_buddy_msg2", result(json!("ok")));
    assert_eq!(said().await.unwrap(), Sent::Accepted(None));
    assert_eq!(qq.server.asked("send_buddy_msg2")[1].r["to"], 1001);
}

/// Source: protocol dossier, vectors `content_send`; angle brackets become their fullwidth twins (8.3).
#[tokio::test]
async fn every_vector_is_sent_with_the_fields_and_the_content_of_the_dossier() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let friend = chat(&*network, ChatKind::Friend).await;
    let vectors: Value = serde_json::from_str(include_str!("../../fixtures/webqq/vectors.json")).unwrap();
    for case in vectors["content_send"]["cases"].as_array().unwrap() {
        let piece = |segment: &Value| match segment.as_str() {
            Some(text) => Piece::Text(text.to_owned()),
            None => Piece::Face(Face(u32::try_from(segment[1].as_u64().unwrap()).unwrap())),
        };
        let pieces = case["segments"].as_array().unwrap().iter().map(piece).collect();
        qq.server.then("send_buddy_msg2", result(json!("ok")));
        network.send(&friend, &Outgoing { pieces, ..Outgoing::default() }).await.unwrap();

        let sent = qq.server.asked("send_buddy_msg2").last().unwrap().r.clone();
        let r_json = case["r_json"].as_str().unwrap();
        let expected: Value = serde_json::from_str(r_json).unwrap();
        let fields = |r: &Value| r.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(fields(&sent), fields(&expected), "{case}");
        let content = |r: &Value| serde_json::from_str::<Value>(r["content"].as_str().unwrap()).unwrap().to_string();
        assert_eq!(content(&sent), content(&expected).replace('<', "＜").replace('>', "＞"), "{case}");
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("r", r_json).finish();
        assert_eq!(form, case["form_body"].as_str().unwrap());
    }
}
