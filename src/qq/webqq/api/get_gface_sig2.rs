//! `GET d1.web2.qq.com/channel/get_gface_sig2`: the ticket for pictures in groups and discussions.
//!
//! Source: protocol dossier 10.1.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "get_gface_sig2";

/// The ticket. It has no `Debug`: it is secret.
#[derive(Clone, Deserialize)]
pub(crate) struct GfaceSig {
    /// Goes into the field `key` of a send.
    #[serde(rename = "gface_key")]
    pub(crate) key: String,
    /// Goes into the field `sig`.
    #[serde(rename = "gface_sig")]
    pub(crate) sig: String,
}

impl GfaceSig {
    /// Adds it to a send.
    pub(super) fn put_into(&self, r: &mut Map<String, Value>) {
        r.insert("key".to_owned(), Value::from(self.key.as_str()));
        r.insert("sig".to_owned(), Value::from(self.sig.as_str()));
    }
}

/// Asks for it.
pub(crate) async fn ask(link: &Link) -> Result<GfaceSig, Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query =
        [("clientid", tickets.clientid.as_str()), ("psessionid", tickets.psessionid.as_str()), ("t", t.as_str())];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/get_gface_sig2", &query)).await;
    Reply::read(ENDPOINT, answer)?.result()
}
