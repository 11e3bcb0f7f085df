//! A WebQQ that costs almost nothing: login by QR code, lists, poll2, send_*_msg2.
use crate::hs::{Resp, js};
use crate::metrics::{M2R, Meter, Run};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

pub struct Item {
    pub run: Arc<Run>,
    pub seq: usize,
    pub json: String,
}

pub struct Qq {
    pub meter: Arc<Meter>,
    pub q: Mutex<VecDeque<Item>>,
    pub inject: Mutex<VecDeque<String>>, // whole poll2 bodies served verbatim, first
    pub notify: Notify,
    pub batch: usize,
    pub poll_timeout: Duration,
    pub groups: u32,
    pub members: u32,
    pub friends: u64,
    pub qr_polls: AtomicU32,
    pub qr_need: u32,
    pub polls: AtomicU64,
    pub sends: AtomicU64,
    pub send_delay_ms: AtomicU64,
    pub msg_id: AtomicU64,
    pub dup_every: u64,
    pub served: AtomicU64,
    pub down: AtomicBool,
    pub counters: Mutex<BTreeMap<String, u64>>,
    pub verbose: bool,
    pub base: String,
    pub gname: String,
}

pub const SELF_UIN: u64 = 2483577968;
pub const GBASE: u64 = 700000000; // group uin (gid)
pub const GCODE: u64 = 800000000; // group code
pub const UBASE: u64 = 300000000; // member uin
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1,
    0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Qq {
    pub fn group_message(&self, chan: u32, sender: u32, body: &str) -> String {
        let id = self.msg_id.fetch_add(1, Relaxed);
        let b = serde_json::to_string(body).unwrap();
        format!(
            concat!(
                r#"{{"poll_type":"group_message","value":{{"msg_id":{},"from_uin":{},"to_uin":{},"msg_id2":{},"msg_type":43,"reply_ip":176489085,"#,
                r#""group_code":{},"send_uin":{},"seq":{},"time":{},"info_seq":{},"content":[["font",{{"size":10,"color":"000000","style":[0,0,0],"name":"\u5B8B\u4F53"}}],{}]}}}}"#
            ),
            id % 65536,
            GBASE + chan as u64,
            SELF_UIN,
            id,
            GCODE + chan as u64,
            UBASE + sender as u64,
            id,
            secs(),
            id + 298000000,
            b
        )
    }
    pub fn emit(&self, run: &Arc<Run>, seq: usize, chan: u32, sender: u32, body: &str) {
        let j = self.group_message(chan, sender, body);
        run.emit[seq].store(self.meter.now(), Relaxed);
        self.q.lock().push_back(Item { run: run.clone(), seq, json: j });
        self.notify.notify_waiters();
    }
    fn take(&self) -> Option<String> {
        if let Some(x) = self.inject.lock().pop_front() {
            return Some(x);
        }
        let mut q = self.q.lock();
        if q.is_empty() {
            return None;
        }
        let n = q.len().min(self.batch);
        let mut o = String::from("{\"retcode\":0,\"result\":[");
        let now = self.meter.now();
        let mut first = true;
        // Newest first, as the real service did: whoever keeps the order sorts by time, ties from the end.
        for it in q.drain(..n).rev() {
            if !first {
                o.push(',');
            }
            first = false;
            o.push_str(&it.json);
            it.run.hand[it.seq].store(now, Relaxed);
            let k = self.served.fetch_add(1, Relaxed) + 1;
            if self.dup_every > 0 && k % self.dup_every == 0 {
                o.push(',');
                o.push_str(&it.json); // the server serves the same message twice
            }
        }
        o.push_str("]}");
        Some(o)
    }
    fn member_uins(&self, chan: u32) -> Vec<u64> {
        (0..self.members).map(|i| UBASE + (chan * self.members + i) as u64).collect()
    }

    pub async fn handle(self: Arc<Self>, req: Request<Incoming>) -> Result<Resp, std::io::Error> {
        if self.down.load(Relaxed) {
            return Err(std::io::Error::other("down"));
        }
        let uri = req.uri().clone();
        let path = uri.path().to_string();
        let last = path.rsplit('/').next().unwrap_or("").to_string();
        let query: HashMap<String, String> =
            uri.query().map(|q| form_urlencoded::parse(q.as_bytes()).into_owned().collect()).unwrap_or_default();
        let body = req.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
        {
            let mut c = self.counters.lock();
            *c.entry(last.clone()).or_insert(0) += 1;
        }
        if self.verbose && last != "poll2" && !last.starts_with("send_") {
            eprintln!("QQ {path} ?{} body={}", uri.query().unwrap_or(""), String::from_utf8_lossy(&body));
        }
        let form = || -> HashMap<String, String> { form_urlencoded::parse(&body).into_owned().collect() };
        let r = || -> Value { form().get("r").and_then(|r| serde_json::from_str(r).ok()).unwrap_or(Value::Null) };
        let txt = |s: String, cookies: &[&str]| -> Resp {
            let mut b = Response::builder().header("content-type", "text/html; charset=utf-8");
            for c in cookies {
                b = b.header("set-cookie", *c);
            }
            b.body(Full::new(Bytes::from(s))).unwrap()
        };
        Ok(match last.as_str() {
            "poll2" => return Ok(self.poll().await),
            "send_qun_msg2" | "send_group_msg2" | "send_buddy_msg2" | "send_discu_msg2" | "send_sess_msg2" => {
                self.sends.fetch_add(1, Relaxed);
                let d = self.send_delay_ms.load(Relaxed);
                if d > 0 {
                    tokio::time::sleep(Duration::from_millis(d)).await;
                }
                let v = r();
                let chan = v["group_uin"].as_u64().or_else(|| v["group_uin"].as_str().and_then(|s| s.parse().ok())).map(|g| g.wrapping_sub(GBASE) as u32);
                let content: Value = v["content"].as_str().and_then(|c| serde_json::from_str(c).ok()).unwrap_or(Value::Null);
                let mut s = String::new();
                if let Some(a) = content.as_array() {
                    for x in a {
                        if let Some(t) = x.as_str() {
                            s.push_str(t);
                        }
                    }
                }
                self.meter.arrival(M2R, &s, None, Some(chan.unwrap_or(u32::MAX)));
                js(200, r#"{"retcode":0,"result":"ok"}"#)
            }
            "ptqrshow" => {
                self.qr_polls.store(0, Relaxed);
                Response::builder().header("content-type", "image/png").header("set-cookie", "qrsig=q1w2e3r4; PATH=/; DOMAIN=ptlogin2.qq.com;").body(Full::new(Bytes::from_static(PNG))).unwrap()
            }
            "ptqrlogin" => {
                let n = self.qr_polls.fetch_add(1, Relaxed);
                if n < self.qr_need {
                    txt(format!("ptuiCB('66','0','','0','二维码未失效。({})', '');", 3203423232u64), &[])
                } else {
                    txt(
                        format!("ptuiCB('0','0','{}/check_sig?pttype=1&uin={}&service=ptqrlogin&nodirect=0&ptsig=abc&s_url=http%3A%2F%2Fw.qq.com%2Fproxy.html','0','登录成功！', 'nullbot');", self.base, SELF_UIN),
                        &["ptwebqq=5f1e2d3c; PATH=/; DOMAIN=qq.com;", "skey=@abcdefgh1; PATH=/;", "uin=o2483577968; PATH=/;", "ptisp=os; PATH=/;"],
                    )
                }
            }
            "check_sig" => Response::builder()
                .status(302)
                .header("location", format!("{}/proxy.html?login2qq=1&webqq_type=10", self.base))
                .header("set-cookie", "p_skey=psk; PATH=/;")
                .header("set-cookie", "p_uin=o2483577968; PATH=/;")
                .header("set-cookie", "pt4_token=pt4; PATH=/;")
                .header("set-cookie", "ptwebqq=5f1e2d3c; PATH=/;")
                .body(Full::new(Bytes::new()))
                .unwrap(),
            "xlogin" | "" => txt("<html></html>".into(), &["pt_login_sig=sig123; PATH=/;"]),
            "proxy.html" => txt("<html></html>".into(), &[]),
            "getvfwebqq" => js(200, r#"{"retcode":0,"result":{"vfwebqq":"vf00112233445566"}}"#),
            "login2" => js(
                200,
                json!({"retcode":0,"result":{"uin":SELF_UIN,"cip":23600812,"index":1075,"port":47450,"status":"online","vfwebqq":"vfunused","psessionid":"psess0123456789","user_state":0,"f":0}}).to_string(),
            ),
            "get_user_friends2" => {
                let u: Vec<u64> = (0..self.friends).map(|i| 200000000 + i).collect();
                js(
                    200,
                    json!({"retcode":0,"result":{
                    "friends": u.iter().map(|x| json!({"flag":0,"uin":x,"categories":0})).collect::<Vec<_>>(),
                    "marknames": [{"uin":200000000u64,"markname":"备注","type":0}],
                    "categories":[{"index":1,"sort":1,"name":"朋友"}],
                    "vipinfo": u.iter().map(|x| json!({"vip_level":0,"u":x,"is_vip":0})).collect::<Vec<_>>(),
                    "info": u.iter().map(|x| json!({"face":105,"flag":285213184,"nick":format!("好友{}", x-200000000),"uin":x})).collect::<Vec<_>>()}})
                    .to_string(),
                )
            }
            "get_group_name_list_mask2" => js(
                200,
                json!({"retcode":0,"result":{"gmasklist":[],"gmarklist":[],"gnamelist":(0..self.groups).map(|i| json!({"flag":1090519041,"name":format!("{}{i}",self.gname),"gid":GBASE+i as u64,"code":GCODE+i as u64})).collect::<Vec<_>>()}}).to_string(),
            ),
            "get_group_info_ext2" => {
                let code: u64 = query.get("gcode").or(query.get("code")).and_then(|x| x.parse().ok()).unwrap_or(GCODE);
                let c = code.wrapping_sub(GCODE) as u32;
                let us = self.member_uins(c);
                js(
                    200,
                    json!({"retcode":0,"result":{
                    "stats":us.iter().map(|u| json!({"client_type":1,"uin":u,"stat":10})).collect::<Vec<_>>(),
                    "minfo":us.iter().map(|u| json!({"nick":format!("成员{}",u-UBASE),"province":"上海","gender":"male","uin":u,"country":"中国","city":"浦东"})).collect::<Vec<_>>(),
                    "cards":[{"muin":us.first().copied().unwrap_or(0),"card":"名片"}],
                    "ginfo":{"face":0,"memo":"","class":10048,"fingermemo":"","code":code,"createtime":1388307595,"flag":1090519041,"level":0,"name":format!("{}{c}",self.gname),"gid":GBASE+c as u64,"owner":us.first().copied().unwrap_or(0),
                       "members":us.iter().map(|u| json!({"muin":u,"mflag":0})).collect::<Vec<_>>(),"option":1},
                    "vipinfo":us.iter().map(|u| json!({"vip_level":0,"u":u,"is_vip":0})).collect::<Vec<_>>()}})
                    .to_string(),
                )
            }
            "get_self_info2" => js(
                200,
                json!({"retcode":0,"result":{"birthday":{"month":1,"year":1990,"day":1},"face":558,"phone":"","occupation":"","allow":1,"college":"","uin":SELF_UIN,"blood":0,"constel":0,"lnick":"","vfwebqq":"vf00112233445566","homepage":"","vip_info":0,"city":"","country":"中国","personal":"","shengxiao":0,"nick":"nullbot","email":"","province":"","account":SELF_UIN,"gender":"male","mobile":""}}).to_string(),
            ),
            "get_friend_uin2" => {
                let t: u64 = query.get("tuin").and_then(|x| x.parse().ok()).unwrap_or(0);
                js(200, json!({"retcode":0,"result":{"uiuin":"","account":t+1000000000,"uin":t}}).to_string())
            }
            "get_friend_info2" => {
                let t: u64 = query.get("tuin").and_then(|x| x.parse().ok()).unwrap_or(0);
                js(200, json!({"retcode":0,"result":{"face":0,"uin":t,"nick":format!("成员{}",t.wrapping_sub(UBASE)),"gender":"male","country":"","province":"","city":"","lnick":""}}).to_string())
            }
            "get_single_long_nick2" => js(200, json!({"retcode":0,"result":[{"uin":SELF_UIN,"lnick":""}]}).to_string()),
            "get_discus_list" => js(200, r#"{"retcode":0,"result":{"dnamelist":[]}}"#),
            "get_discu_info" => js(200, r#"{"retcode":0,"result":{"info":{"did":0,"discu_name":"","mem_list":[]},"mem_info":[],"mem_status":[]}}"#),
            "get_online_buddies2" => js(200, r#"{"retcode":0,"result":[{"client_type":1,"status":"online","uin":200000000}]}"#),
            "get_recent_list2" => js(200, r#"{"retcode":0,"result":[]}"#),
            "change_status2" | "logout2" => js(200, r#"{"retcode":0,"result":"ok"}"#),
            _ => {
                if self.verbose {
                    eprintln!("QQ UNKNOWN {path}");
                }
                js(404, r#"{"retcode":100000}"#)
            }
        })
    }
    async fn poll(&self) -> Resp {
        self.polls.fetch_add(1, Relaxed);
        let deadline = tokio::time::Instant::now() + self.poll_timeout;
        loop {
            let w = self.notify.notified();
            if let Some(b) = self.take() {
                return js(200, b);
            }
            if tokio::time::timeout_at(deadline, w).await.is_err() {
                return js(200, r#"{"retcode":102,"errmsg":""}"#);
            }
        }
    }
}
