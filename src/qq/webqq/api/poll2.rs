//! `POST d1.web2.qq.com/channel/poll2`: waits for events. What it hands out it forgets: there is no acknowledgement.
//!
//! Source: protocol dossier 7.1 (request), 7.2 (timing). Exactly one at a time.

use std::time::Duration;

use serde_json::json;

use super::http::{Answer, Ask, Fault, Site};
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "poll2";

/// The server holds a poll for a minute, sometimes two; the official page waited as long as this.
const PATIENCE: Duration = Duration::from_mins(2);

/// Asks, and gives whatever came back: half an answer holds messages as well.
pub(crate) async fn ask(link: &Link) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let (ptwebqq, psessionid) = (&tickets.ptwebqq, &tickets.psessionid);
    let clientid = &tickets.clientid;
    let r = if link.era().polls_with_ids {
        json!({"clientid": clientid, "psessionid": psessionid, "key": 0, "ids": []})
    } else {
        json!({"ptwebqq": ptwebqq, "clientid": clientid, "psessionid": psessionid, "key": ""})
    };
    link.ask(Ask::post(Site::Channel, "/channel/poll2", &r).patience(PATIENCE)).await
}
