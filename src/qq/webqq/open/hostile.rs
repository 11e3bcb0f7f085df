//! Events as a broken or hostile server may push them: opened or called unreadable, and never made more of than came.
//!
//! `scripts/fuzz` runs these with 100,000 cases. The events are of an earlier login, so that nothing is asked.

use std::sync::Arc;

use futures_util::FutureExt as _;
use proptest::prelude::*;

use crate::base::Clock;
use crate::base::damage::anything_like;
use crate::config::WebQq as Settings;
use crate::qq::webqq::Pace;
use crate::qq::webqq::api::get_user_friends2::{Friend, Friends};
use crate::qq::webqq::batch::{Batch, envelope};
use crate::qq::webqq::media::Carrier;
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::{Lists, PlaceEvidence, Roster, SeenPlace};
use crate::qq::webqq::session::tests::link;
use crate::qq::{AccountId, Event, Forgetful, Memory, Muting};

const EPOCH: &str = "earlier";

/// One of each kind. Source: protocol dossier 7.6.
const REAL: [&str; 15] = [
    r#"{"poll_type":"message","value":{"msg_id":24225,"from_uin":7,"to_uin":10001,"msg_type":9,"time":1388368696,"content":[["font",{"size":13,"color":"004faa","style":[0,0,0],"name":"STKaiti"}],"hii ",["face",14],["offpic",{"success":1,"file_path":"/g"}]]}}"#,
    r#"{"poll_type":"group_message","value":{"msg_id":14155,"from_uin":60,"to_uin":10001,"msg_type":43,"group_code":61,"send_uin":7,"seq":227,"time":1419226485,"info_seq":126658727,"content":[["font",{"size":10}],"@two ",["cface",{"name":"{A}.jpg","file_id":1,"server":"1.2.3.4:443"}]," "]}}"#,
    r#"{"poll_type":"group_message","value":{"msg_id":57841,"from_uin":60,"msg_type":32,"group_code":61,"t_gcode":260334785,"send_uin":7,"time":1425015233,"content":[""]}}"#,
    r#"{"poll_type":"discu_message","value":{"msg_id":27596,"from_uin":10000,"msg_type":42,"did":70,"send_uin":7,"time":1347959064,"info_seq":1,"content":[["font",{}],"test "]}}"#,
    r#"{"poll_type":"sess_message","value":{"msg_id":7522,"from_uin":9,"msg_type":140,"time":1348136233,"id":60,"ruin":85379868,"service_type":0,"content":[["font",{}],"test ",["pic_id","5E10B9BC"],["image","jpg",0]]}}"#,
    r#"{"poll_type":"kick_message","value":{"show_reason":1,"reason":"x"}}"#,
    r#"{"poll_type":"buddies_status_change","value":{"uin":7,"status":"online","client_type":1}}"#,
    r#"{"poll_type":"input_notify","value":{"from_uin":7,"to_uin":10001,"msg_type":121}}"#,
    r#"{"poll_type":"shake_message","value":{"msg_id":26413,"from_uin":7,"to_uin":10001,"msg_type":9}}"#,
    r#"{"poll_type":"file_message","value":{"msg_id":6299,"mode":"recv","from_uin":7,"type":101,"name":"test.txt","time":1364865210,"session_id":19823}}"#,
    r#"{"poll_type":"push_offfile","value":{"msg_id":10438,"rkey":"2c09344b","ip":"101.226.77.168","port":80,"from_uin":7,"size":235,"name":"test2.py"}}"#,
    r#"{"poll_type":"system_message","value":{"seq":63433,"type":"verify_required","from_uin":9,"account":841473232,"msg":"aaa","allow":1}}"#,
    r#"{"poll_type":"sys_g_msg","value":{"msg_id":5940,"from_uin":60,"msg_type":33,"type":"group_join","gcode":61,"t_gcode":249818602,"op_type":3,"new_member":7,"admin_uin":1448380605,"admin_nick":"x"}}"#,
    r#"{"poll_type":"sys_g_msg","value":{"from_uin":60,"type":"group_request_join","gcode":61,"t_gcode":126658727,"request_uin":9,"t_request_uin":"","msg":"g"}}"#,
    r#"{"poll_type":"group_web_message","value":{"msg_id":25082,"from_uin":60,"group_code":61,"send_uin":7,"xml":"<?xml version=\"1.0\"?><d><n t=\"h\" u=\"2519967390\"/><n t=\"t\" s=\"x\" l=\"http://x/\"/></d>"}}"#,
];

/// An account that knows a friend, a group and a discussion of an earlier login, and has asked nothing in this one.
async fn webqq() -> WebQq {
    let memory: Arc<dyn Memory> = Arc::new(Forgetful::default());
    let earlier = Roster::load(AccountId::new("10001"), Uin(10_001), EPOCH.to_owned(), memory.clone()).await.unwrap();
    let (nick, category) = ("one".to_owned(), String::new());
    let friends = Friends {
        friends: vec![Friend { uin: Uin(7), nick, markname: None, category, account: None }],
        marknames_told: true,
    };
    let place = |number| {
        let evidence = PlaceEvidence { name: "place".to_owned(), ..PlaceEvidence::default() };
        SeenPlace { number, code: Some(61), markname: None, evidence, from_within: false, muting: Muting::Loud }
    };
    let lists = Lists { friends: Some(friends), groups: Some(vec![place(60)]), discussions: Some(vec![place(70)]) };
    earlier.absorb(lists).await.unwrap();
    let settings = Settings::default();
    let carrier = Carrier::new(&settings).unwrap();
    WebQq::at_rest(link(), memory, carrier, (Clock::held_at(0), Pace::default(), settings)).await.unwrap()
}

thread_local! {
    /// Each case adds a few strangers at most.
    static WEBQQ: WebQq = webqq().now_or_never().unwrap();
}

fn opened(body: &[u8]) -> Vec<Event> {
    let events = Batch::read(body).map(Batch::in_order).unwrap_or_default();
    let envelopes: Vec<_> = events.into_iter().map(|event| envelope(EPOCH, event)).collect();
    let open = |webqq: &WebQq| {
        let events = envelopes.iter().map(|envelope| webqq.open_envelope(envelope).now_or_never());
        // Nothing has to be asked, and the memory is at hand: nothing is waited for.
        events.map(|event| event.unwrap().unwrap()).collect()
    };
    WEBQQ.with(open)
}

fn polls() -> Vec<Vec<u8>> {
    REAL.iter().map(|event| format!("{{\"retcode\":0,\"result\":[{event}]}}").into_bytes()).collect()
}

proptest! {
    #[test]
    fn an_event_is_opened_whatever_it_is_and_not_made_more_of(body in anything_like(polls())) {
        let told: usize = opened(&body).iter().map(|event| format!("{event:?}").len()).sum();
        // Printed, a byte may be escaped, and each event and piece has its names and a sealed place at least.
        prop_assert!(told <= 2_000 + 100 * body.len(), "{told} of {}", body.len());
    }
}

#[test]
fn whole_events_are_understood_or_the_property_says_nothing() {
    for body in polls() {
        let events = opened(&body);
        let is_understood = |event: &Event| !matches!(event, Event::Unreadable { .. } | Event::Unsupported { .. });
        assert!(!events.is_empty() && events.iter().all(is_understood), "{events:?}");
    }
}
