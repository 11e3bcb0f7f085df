//! `POST d1.web2.qq.com/channel/send_offfile2`: offers a friend a file that was brought to QQ.
//!
//! Source: protocol dossier 10.3.

use serde_json::json;

use super::http::{Answer, Ask, Fault, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_offfile2";

/// Offers once.
pub(crate) async fn ask(link: &Link, to: Uin, file_path: &str, name: &str) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let r = json!({
        "to": to,
        "file_path": file_path,
        "filename": name,
        "to_uin": to,
        "clientid": tickets.clientid,
        "psessionid": tickets.psessionid,
    });
    link.ask(Ask::post(Site::Channel, "/channel/send_offfile2", &r)).await
}
