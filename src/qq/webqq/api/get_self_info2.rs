//! `GET s.web2.qq.com/api/get_self_info2`: the account's own card.
//!
//! Source: protocol dossier 6.6.

use serde::Deserialize;

use super::Error;
use super::http::{Ask, Http, Site};
use super::reply::Reply;
use crate::qq::webqq::content::name;

const ENDPOINT: &str = "get_self_info2";

#[derive(Deserialize)]
struct Card {
    #[serde(default)]
    nick: String,
}

/// The account's own nick.
pub(crate) async fn ask(http: &Http) -> Result<String, Error> {
    let t = super::t();
    let answer = http.ask(Ask::get(Site::Lists, "/api/get_self_info2", &[("t", &t)])).await;
    let card: Card = Reply::read(ENDPOINT, answer)?.result()?;
    Ok(name::decode(&card.nick))
}
