//! `GET web2.qq.com/web2/get_msg_tip`: what the page asked every minute until 2014. Nobody knows what for.
//!
//! Source: protocol dossier 5.7. Its answer is not looked at.

use std::time::Duration;

use super::http::{Ask, Site};
use super::session::Link;

/// Nothing waits for it longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for the `count`th time.
pub(crate) async fn ask(link: &Link, count: u32, now_ms: i64) {
    let (rc, t) = (count.to_string(), now_ms.to_string());
    let query =
        [("uin", ""), ("tp", "1"), ("id", "0"), ("retype", "1"), ("rc", rc.as_str()), ("lv", "3"), ("t", t.as_str())];
    let asked = link.ask(Ask::get(Site::Page, "/web2/get_msg_tip", &query).patience(PATIENCE)).await;
    tracing::debug!(answered = asked.is_ok(), count, "get_msg_tip");
}
