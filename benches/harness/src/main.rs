//! The pretend homeserver, the pretend WebQQ and the control port, in one process.
use bench_harness::{hs::*, metrics::Meter, ops::Ctx, qq::Qq};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::*;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;

fn bind(a: &str) -> std::io::Result<TcpListener> {
    let s = TcpSocket::new_v4()?;
    s.set_reuseaddr(true)?;
    s.bind(a.parse().expect("address"))?;
    s.listen(1024)
}

const HELP: &str = "nullhs --listen 127.0.0.1:8008 --control 127.0.0.1:8009 --registration reg.yaml [--domain null.test]
  [--qq 127.0.0.1:8010]
  [--script ops.json --out report.json]  [--max-txn 100] [--retry-ms 1000] [--send-delay-ms 0] [--open-rooms] [--no-echo]
  [--auto-join '^@human.*'] [--qq-batch 50] [--qq-poll-timeout 60] [--qq-groups 1] [--qq-members 4] [--qq-friends 20]
  [--qq-qr-polls 1] [--qq-group-name 群] [--qq-dup-every 0] [--verbose]";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut a: HashMap<String, String> = HashMap::new();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flags = ["--open-rooms", "--no-echo", "--verbose", "--help"];
    let mut i = 0;
    while i < args.len() {
        if flags.contains(&args[i].as_str()) {
            a.insert(args[i].clone(), "1".into());
            i += 1;
        } else {
            a.insert(args[i].clone(), args.get(i + 1).cloned().unwrap_or_default());
            i += 2;
        }
    }
    if a.contains_key("--help") {
        println!("{HELP}");
        return;
    }
    let g = |k: &str, d: &str| a.get(k).cloned().unwrap_or(d.to_string());
    let num = |k: &str, d: u64| a.get(k).and_then(|x| x.parse().ok()).unwrap_or(d);
    let verbose = a.contains_key("--verbose");
    let domain = g("--domain", "null.test");
    let meter = Arc::new(Meter::new());
    let reg = a.get("--registration").map(|p| load_registration(p, &domain)).unwrap_or_default();
    let hs = Arc::new(Hs {
        domain: domain.clone(),
        reg,
        st: Mutex::new(Default::default()),
        meter: meter.clone(),
        q: Mutex::new(Default::default()),
        q_notify: Notify::new(),
        outage: AtomicBool::new(false),
        pause_push: AtomicBool::new(false),
        open_rooms: a.contains_key("--open-rooms"),
        auto_join: regex::Regex::new(&g("--auto-join", "^@human.*")).unwrap(),
        max_txn: num("--max-txn", 100) as usize,
        retry_ms: AtomicU64::new(num("--retry-ms", 1000)),
        send_delay_ms: AtomicU64::new(num("--send-delay-ms", 0)),
        counters: Mutex::new(Default::default()),
        txn_ok: AtomicU64::new(0),
        txn_fail: AtomicU64::new(0),
        txn_events: AtomicU64::new(0),
        txn_dedup: AtomicU64::new(0),
        err_4xx: AtomicU64::new(0),
        log_unknown: verbose,
        http: reqwest::Client::builder().tcp_nodelay(true).pool_max_idle_per_host(4).build().unwrap(),
        echo: !a.contains_key("--no-echo"),
        recent: Mutex::new(Default::default()),
    });
    hs.st
        .lock()
        .users
        .insert("@human:null.test".into(), [("displayname".to_string(), json!("Human"))].into_iter().collect());
    let qq_addr = g("--qq", "");
    let qq = Arc::new(Qq {
        meter: meter.clone(),
        q: Mutex::new(Default::default()),
        inject: Mutex::new(Default::default()),
        notify: Notify::new(),
        batch: num("--qq-batch", 50) as usize,
        poll_timeout: Duration::from_secs(num("--qq-poll-timeout", 60)),
        groups: num("--qq-groups", 1) as u32,
        members: num("--qq-members", 4) as u32,
        friends: num("--qq-friends", 20),
        qr_polls: AtomicU32::new(0),
        qr_need: num("--qq-qr-polls", 1) as u32,
        polls: AtomicU64::new(0),
        sends: AtomicU64::new(0),
        send_delay_ms: AtomicU64::new(0),
        msg_id: AtomicU64::new(1000),
        dup_every: num("--qq-dup-every", 0),
        served: AtomicU64::new(0),
        down: AtomicBool::new(false),
        counters: Mutex::new(Default::default()),
        verbose,
        base: "http://ptlogin4.web2.qq.com".to_string(),
        gname: g("--qq-group-name", "群"),
    });
    let on = Arc::new(Notify::new());
    // homeserver listener, closed during an outage
    {
        let (hs, on, addr) = (hs.clone(), on.clone(), g("--listen", "127.0.0.1:8008"));
        tokio::spawn(async move {
            loop {
                let l = match bind(&addr) {
                    Ok(l) => l,
                    Err(e) => {
                        eprintln!("bind {addr}: {e}");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        continue;
                    }
                };
                loop {
                    tokio::select! {
                        _ = on.notified() => break,
                        c = l.accept() => {
                            let Ok((s, _)) = c else { continue };
                            let _ = s.set_nodelay(true);
                            let hs = hs.clone();
                            tokio::spawn(async move {
                                let _ = http1::Builder::new().serve_connection(TokioIo::new(s), service_fn(move |r| hs.clone().handle(r))).await;
                            });
                        }
                    }
                }
                drop(l);
                while hs.outage.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    if !hs.reg.url.is_empty() {
        tokio::spawn(hs.clone().pusher());
    }
    if !qq_addr.is_empty() {
        let l = bind(&qq_addr).expect("qq bind");
        let qq = qq.clone();
        tokio::spawn(async move {
            loop {
                let Ok((s, _)) = l.accept().await else { continue };
                let _ = s.set_nodelay(true);
                let qq = qq.clone();
                tokio::spawn(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(s), service_fn(move |r| qq.clone().handle(r)))
                        .await;
                });
            }
        });
    }
    let ctx = Arc::new(Ctx { hs, qq, meter, outage_notify: on });
    if let Some(p) = a.get("--script") {
        let ops: Value = serde_json::from_str(&std::fs::read_to_string(p).expect("script")).expect("script json");
        let mut out = vec![];
        for op in ops.as_array().expect("script is an array of ops") {
            let r = ctx.exec(op).await;
            println!("{}", json!({"op":op["op"],"result":r}));
            out.push(json!({"op":op,"result":r}));
        }
        out.push(json!({"final":ctx.stats()}));
        if let Some(o) = a.get("--out") {
            std::fs::write(o, serde_json::to_string_pretty(&out).unwrap()).unwrap();
        }
        if !a.contains_key("--control") {
            return;
        }
    }
    let l = bind(&g("--control", "127.0.0.1:8009")).expect("control bind");
    println!("nullhs ready");
    loop {
        let Ok((s, _)) = l.accept().await else { continue };
        let ctx = ctx.clone();
        tokio::spawn(async move {
            let svc = service_fn(move |r: hyper::Request<hyper::body::Incoming>| {
                let ctx = ctx.clone();
                async move {
                    let b = r.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
                    let v: Value = serde_json::from_slice(&b).unwrap_or(json!({"op":"stats"}));
                    let res = if let Some(ops) = v.as_array() {
                        let mut o = vec![];
                        for x in ops {
                            o.push(ctx.exec(x).await);
                        }
                        Value::Array(o)
                    } else {
                        ctx.exec(&v).await
                    };
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(bytes::Bytes::from(
                        res.to_string(),
                    ))))
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(s), svc).await;
        });
    }
}
