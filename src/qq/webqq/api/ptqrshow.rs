//! `GET ssl.ptlogin2.qq.com/ptqrshow`: a new QR code, and the cookie `qrsig` that names it.
//!
//! Source: protocol dossier 4.2. A code lives for about two minutes.

use super::Error;
use super::http::{Ask, Http, Site};
use super::reply::picture;

const ENDPOINT: &str = "ptqrshow";

/// The PNG.
pub(crate) async fn ask(http: &Http) -> Result<Vec<u8>, Error> {
    let t = super::t();
    let query =
        [("appid", http.era().appid), ("e", "0"), ("l", "M"), ("s", "5"), ("d", "72"), ("v", "4"), ("t", t.as_str())];
    picture(ENDPOINT, http.ask(Ask::get(Site::Login, "/ptqrshow", &query)).await, &[b"\x89PNG"])
}
