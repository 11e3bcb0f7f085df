//! `GET ssl.captcha.qq.com/getimage`: the picture of a captcha, and the cookie `verifysession` that goes with it.
//!
//! Source: protocol dossier 3.2. Until 2012 at captcha.qq.com, where the name of the picture was `vc_type`.

use super::Error;
use super::http::{Ask, Http, Site};
use super::reply::picture;
use crate::qq::webqq::era::PasswordForm;

const ENDPOINT: &str = "getimage";
/// How pictures begin: JPEG, PNG, GIF.
const MAGIC: [&[u8]; 3] = [b"\xff\xd8", b"\x89PNG", b"GIF8"];

/// The picture called `name` by `check`, for `account`.
pub(crate) async fn ask(http: &Http, form: PasswordForm, account: &str, name: &str) -> Result<Vec<u8>, Error> {
    let r = super::t();
    let field = if form == PasswordForm::Plain { "vc_type" } else { "cap_cd" };
    let query = [("aid", http.era().appid), ("r", r.as_str()), ("uin", account), (field, name)];
    picture(ENDPOINT, http.ask(Ask::get(Site::Captcha, "/getimage", &query)).await, &MAGIC)
}
