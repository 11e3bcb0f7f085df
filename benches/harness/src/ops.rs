//! What can be asked of the harness over its control port or in a script.
use crate::hs::Hs;
use crate::metrics::*;
use crate::qq::Qq;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub struct Ctx {
    pub hs: Arc<Hs>,
    pub qq: Arc<Qq>,
    pub meter: Arc<Meter>,
    pub outage_notify: Arc<tokio::sync::Notify>,
}

fn u(v: &Value, k: &str, d: u64) -> u64 {
    v[k].as_u64().unwrap_or(d)
}
fn s<'a>(v: &'a Value, k: &str, d: &'a str) -> &'a str {
    v[k].as_str().unwrap_or(d)
}

impl Ctx {
    pub async fn exec(self: &Arc<Self>, op: &Value) -> Value {
        match s(op, "op", "") {
            "load" => self.load(op).await,
            "dm" => {
                let user = s(op, "user", "@human:null.test").to_string();
                let bot = op["bot"].as_str().unwrap_or(&self.hs.reg.bot).to_string();
                let room = {
                    let mut st = self.hs.st.lock();
                    st.users.entry(user.clone()).or_default();
                    self.hs.create_room(
                        &mut st,
                        &user,
                        &json!({"is_direct":true,"preset":"trusted_private_chat","invite":[bot]}),
                    )
                };
                let end = Instant::now() + Duration::from_secs(u(op, "timeout", 20));
                while Instant::now() < end {
                    if self.hs.st.lock().rooms[&room].members.get(&bot).map(|m| m == "join").unwrap_or(false) {
                        return json!({"room":room,"joined":true});
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                json!({"room":room,"joined":false})
            }
            "say" => {
                let mut st = self.hs.st.lock();
                let c = json!({"msgtype":"m.text","body":s(op,"body","")}).to_string();
                let id = self.hs.add_event(
                    &mut st,
                    s(op, "room", ""),
                    "m.room.message",
                    None,
                    s(op, "user", "@human:null.test"),
                    &c,
                );
                json!({"event_id":id})
            }
            "map" => {
                self.meter.chan_room.write().insert(u(op, "chan", 0) as u32, s(op, "room", "").into());
                json!({})
            }
            "map_auto" => {
                // floor programs: room !q<gid>:domain
                let n = u(op, "n", 1) as u32;
                let mut st = self.hs.st.lock();
                for k in 0..n {
                    let id = format!("!q{}:{}", crate::qq::GBASE + k as u64, self.hs.domain);
                    let r = st.rooms.entry(id.clone()).or_default();
                    r.as_interest = true;
                    r.members.insert("@human:null.test".into(), "join".into());
                    self.meter.chan_room.write().insert(k, id);
                }
                json!({})
            }
            "wait" => {
                let end = Instant::now() + Duration::from_secs_f64(op["timeout"].as_f64().unwrap_or(30.0));
                let t0 = Instant::now();
                let n = u(op, "n", 1);
                loop {
                    let v = match s(op, "what", "") {
                        "qq_polls" => self.qq.polls.load(Relaxed),
                        "txn_ok" => self.hs.txn_ok.load(Relaxed),
                        "rooms_joined" => {
                            let h = s(op, "user", "@human:null.test");
                            self.hs
                                .st
                                .lock()
                                .rooms
                                .values()
                                .filter(|r| r.members.get(h).map(|m| m == "join").unwrap_or(false))
                                .count() as u64
                        }
                        "chan_rooms" => self.meter.chan_room.read().len() as u64,
                        "queue_empty" => {
                            if self.hs.q.lock().is_empty() {
                                n
                            } else {
                                0
                            }
                        }
                        "member" => {
                            let ok = self
                                .hs
                                .st
                                .lock()
                                .rooms
                                .get(s(op, "room", ""))
                                .and_then(|r| r.members.get(s(op, "user", "")))
                                .map(|m| m == "join")
                                .unwrap_or(false);
                            if ok { n } else { 0 }
                        }
                        "quiet" => {
                            // no new requests for `ms`
                            let a: u64 = self.hs.counters.lock().values().sum();
                            sleep(Duration::from_millis(u(op, "ms", 1000))).await;
                            let b: u64 = self.hs.counters.lock().values().sum();
                            if a == b { n } else { 0 }
                        }
                        _ => n,
                    };
                    if v >= n {
                        return json!({"ok":true,"v":v,"s":t0.elapsed().as_secs_f64()});
                    }
                    if Instant::now() > end {
                        return json!({"ok":false,"v":v});
                    }
                    sleep(Duration::from_millis(5)).await;
                }
            }
            "outage" => {
                self.hs.outage.store(true, Relaxed);
                self.outage_notify.notify_waiters();
                sleep(Duration::from_secs_f64(op["secs"].as_f64().unwrap_or(20.0))).await;
                self.hs.outage.store(false, Relaxed);
                json!({})
            }
            "set" => {
                if let Some(x) = op["send_delay_ms"].as_u64() {
                    self.hs.send_delay_ms.store(x, Relaxed);
                }
                if let Some(x) = op["qq_send_delay_ms"].as_u64() {
                    self.qq.send_delay_ms.store(x, Relaxed);
                }
                if let Some(x) = op["retry_ms"].as_u64() {
                    self.hs.retry_ms.store(x, Relaxed);
                }
                if let Some(x) = op["pause_push"].as_bool() {
                    self.hs.pause_push.store(x, Relaxed);
                }
                json!({})
            }
            "inject" => {
                self.qq.inject.lock().push_back(op["body"].to_string());
                self.qq.notify.notify_waiters();
                json!({})
            }
            "sleep" => {
                sleep(Duration::from_secs_f64(op["secs"].as_f64().unwrap_or(1.0))).await;
                json!({})
            }
            "proc" => {
                let p: Vec<u32> = op["pids"]
                    .as_array()
                    .map(|a| a.iter().filter_map(|x| x.as_u64()).map(|x| x as u32).collect())
                    .unwrap_or_default();
                let (c, r, h) = proc_sample(&p);
                json!({"cpu_ms":c,"rss_kib":r,"hwm_kib":h})
            }
            "rooms" => {
                let st = self.hs.st.lock();
                let v: Vec<Value> = st.rooms.iter().map(|(id, r)| json!({"room":id,"name":r.name,"topic":r.topic,"members":r.members.len(),"as":r.as_interest})).collect();
                json!({"rooms":v,"chan_room":self.meter.chan_room.read().len()})
            }
            "members" => {
                let st = self.hs.st.lock();
                json!({"members": st.rooms.get(s(op,"room","")).map(|r| r.members.clone())})
            }
            "recent" => {
                let n = u(op, "n", 10) as usize;
                let g = self.hs.recent.lock();
                json!({"recent": g.iter().rev().take(n).collect::<Vec<_>>()})
            }
            "stats" => self.stats(),
            "quit" => std::process::exit(0),
            x => json!({"error":format!("unknown op {x}")}),
        }
    }

    pub fn stats(&self) -> Value {
        json!({
            "counters": *self.hs.counters.lock(), "qq": *self.qq.counters.lock(),
            "txn_ok": self.hs.txn_ok.load(Relaxed), "txn_fail": self.hs.txn_fail.load(Relaxed), "txn_events": self.hs.txn_events.load(Relaxed),
            "txn_dedup": self.hs.txn_dedup.load(Relaxed), "err_4xx": self.hs.err_4xx.load(Relaxed),
            "as_queue": self.hs.q.lock().len(), "qq_queue": self.qq.q.lock().len(), "polls": self.qq.polls.load(Relaxed),
            "wrong_direction": self.meter.wrong_dir.load(Relaxed),
            "rooms": self.hs.st.lock().rooms.len(), "users": self.hs.st.lock().users.len(),
        })
    }

    async fn load(self: &Arc<Self>, op: &Value) -> Value {
        let dir = if s(op, "dir", "r2m") == "r2m" { R2M } else { M2R };
        let n = u(op, "n", 1000) as usize;
        let rate = op["rate"].as_f64().unwrap_or(0.0);
        let window = u(op, "window", 100) as usize;
        let rooms = u(op, "rooms", 1).max(1) as u32;
        let spr = u(op, "spr", 4).max(1) as u32;
        let ghosts = u(op, "ghosts", (rooms * spr) as u64).max(1) as u32;
        let new = op["new"].as_bool().unwrap_or(false);
        let sender0 = u(op, "sender0", 100000) as u32;
        let len = u(op, "len", 60) as usize;
        let idle = Duration::from_secs_f64(op["idle_timeout"].as_f64().unwrap_or(15.0));
        let max = Duration::from_secs_f64(op["max_s"].as_f64().unwrap_or(120.0));
        let settle = Duration::from_millis(u(op, "settle_ms", 600));
        let human = s(op, "user", "@human:null.test").to_string();
        let pids: Vec<u32> = op["pids"]
            .as_array()
            .map(|a| a.iter().filter_map(|x| x.as_u64()).map(|x| x as u32).collect())
            .unwrap_or_default();
        let run = self.meter.new_run(dir, n);
        let filler = "the quick brown fox jumps over the lazy dog 0123456789 ".repeat(1 + len / 50);
        let map: Vec<Option<String>> = {
            let g = self.meter.chan_room.read();
            (0..rooms).map(|k| g.get(&k).cloned()).collect()
        };
        if dir == M2R && map.iter().any(|m| m.is_none()) {
            return json!({"error":"channel->room map incomplete","have":map.iter().filter(|m|m.is_some()).count()});
        }
        let me = std::process::id();
        let before = (proc_sample(&pids), proc_sample(&[me]).0, self.stats());
        let t0 = Instant::now();
        let start = t0 + Duration::from_millis(5);
        let hard_end = t0 + max;
        let mut last_progress = (0usize, Instant::now());
        let mut stalled = false;
        'outer: for i in 0..n {
            if rate > 0.0 {
                let due = start + Duration::from_secs_f64(i as f64 / rate);
                if Instant::now() < due {
                    tokio::time::sleep_until(due).await;
                }
            } else {
                loop {
                    let w = run.notify.notified();
                    let a = run.arrived.load(Relaxed);
                    if a != last_progress.0 {
                        last_progress = (a, Instant::now());
                    }
                    if i - a.min(i) < window {
                        break;
                    }
                    let _ = tokio::time::timeout(Duration::from_millis(200), w).await;
                    if last_progress.1.elapsed() > idle || Instant::now() > hard_end {
                        stalled = true;
                        break 'outer;
                    }
                }
            }
            if Instant::now() > hard_end {
                break;
            }
            let c = i as u32 % rooms;
            let sender = if new { sender0 + i as u32 } else { (c * spr + (i as u32 / rooms) % spr) % ghosts };
            let tok = token(&run, i, c);
            let mut body = format!("{tok} {filler}");
            body.truncate(len.max(tok.len()));
            let body = body.trim_end();
            if dir == R2M {
                self.qq.emit(&run, i, c, sender, body);
            } else {
                let c_json = json!({"msgtype":"m.text","body":body}).to_string();
                run.emit[i].store(self.meter.now(), Relaxed);
                let mut st = self.hs.st.lock();
                self.hs.add_event(&mut st, map[c as usize].as_ref().unwrap(), "m.room.message", None, &human, &c_json);
            }
            run.emitted.store(i + 1, Relaxed);
            if rate == 0.0 && i % 64 == 63 {
                tokio::task::yield_now().await;
            }
        }
        // how long until the homeserver has its 200 for all of them
        let acknowledged = if dir == M2R {
            let wanted = before.2["txn_events"].as_u64().unwrap_or(0) + run.emitted.load(Relaxed) as u64;
            while self.hs.txn_events.load(Relaxed) < wanted && Instant::now() < hard_end {
                sleep(Duration::from_millis(1)).await;
            }
            Some(t0.elapsed().as_secs_f64())
        } else {
            None
        };
        // drain
        let em = run.emitted.load(Relaxed);
        let mut lp = (run.arrived.load(Relaxed), Instant::now());
        while run.arrived.load(Relaxed) < em && !stalled {
            let w = run.notify.notified();
            let _ = tokio::time::timeout(Duration::from_millis(100), w).await;
            let a = run.arrived.load(Relaxed);
            if a != lp.0 {
                lp = (a, Instant::now());
            }
            if lp.1.elapsed() > idle || Instant::now() > hard_end {
                break;
            }
        }
        let wall = t0.elapsed().as_secs_f64();
        sleep(settle).await;
        let after = (proc_sample(&pids), proc_sample(&[me]).0, self.stats());
        let mut r = run.report();
        let arr = r["arrived"].as_u64().unwrap_or(0).max(1) as f64;
        let cpu = after.0.0 - before.0.0;
        r["tag"] = op["tag"].clone();
        r["rooms"] = json!(rooms);
        r["rate"] = json!(rate);
        r["stalled"] = json!(stalled);
        r["acknowledged_s"] = json!(acknowledged);
        r["wall_s"] = json!((wall * 1000.0).round() / 1000.0);
        if !pids.is_empty() {
            r["cpu_ms"] = json!(cpu);
            r["cpu_us_per_msg"] = json!((cpu * 1000.0 / arr * 10.0).round() / 10.0);
            r["rss_kib"] = json!(after.0.1);
            r["rss_before_kib"] = json!(before.0.1);
            r["hwm_kib"] = json!(after.0.2);
        }
        r["harness_cpu_us_per_msg"] = json!(((after.1 - before.1) * 1000.0 / arr * 10.0).round() / 10.0);
        let mut d = serde_json::Map::new();
        for grp in ["counters", "qq"] {
            if let (Some(b), Some(a)) = (before.2[grp].as_object(), after.2[grp].as_object()) {
                for (k, v) in a {
                    let x = v.as_u64().unwrap_or(0) - b.get(k).and_then(|y| y.as_u64()).unwrap_or(0);
                    if x > 0 {
                        d.insert(k.clone(), json!(x));
                    }
                }
            }
        }
        for k in ["txn_ok", "txn_fail", "txn_events", "txn_dedup", "err_4xx", "wrong_direction"] {
            let x = after.2[k].as_u64().unwrap_or(0) - before.2[k].as_u64().unwrap_or(0);
            if x > 0 {
                d.insert(k.into(), json!(x));
            }
        }
        r["requests"] = Value::Object(d);
        r
    }
}
