//! `GET d1.web2.qq.com/channel/get_cface2`: a picture of a friend's own collection.
//!
//! Source: protocol dossier 10.2.

use super::http::Ask;
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "get_cface2";

/// The question.
pub(crate) fn ask(link: &Link, name: &str, msg_id: i64, from: Uin) -> Ask {
    super::get_image2::question(link, "/channel/get_cface2", (name, "5"), msg_id, from)
}
