//! `GET ssl.ptlogin2.qq.com/pt4_auth`: a new login by what is left of an earlier one, without a scan.
//!
//! Source: protocol dossier 4.6. That anything but an address of QQ is a no is a guess.

use url::Url;

use super::Error;
use super::hash::time33;
use super::http::{Answer, Ask, Fault, Http, Site};
use crate::qq::webqq::login::ptui::Ptui;

const ENDPOINT: &str = "pt4_auth";

/// Asks with the cookies in the jar; gives the address to go on with, `None` when QQ wants a scan.
pub(crate) async fn ask(http: &Http) -> Result<Option<Url>, Error> {
    let Some(supertoken) = http.cookie(Site::Login, "supertoken") else { return Ok(None) };
    let (era, token) = (http.era(), time33(&supertoken).to_string());
    let query = [("daid", "164"), ("appid", era.appid), ("auth_token", &token)];
    let granted = read(http.ask(Ask::get(Site::Login, "/pt4_auth", &query)).await)?;
    Ok(granted.map(|mut url| {
        url.query_pairs_mut().extend_pairs([("regmaster", ""), ("aid", era.appid), ("s_url", era.landing)]);
        url
    }))
}

fn read(answer: Result<Answer, Fault>) -> Result<Option<Url>, Error> {
    let ptui = Ptui::of_callback(ENDPOINT, "ptui_auth_CB", answer)?;
    Ok(ptui.qq_address(1).filter(|url| url.path().starts_with("/check_sig")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_qqs_own_login_page_leads_on() {
        let answer = |text: &str| Answer { status: 200, location: None, body: text.into(), torn: None };
        let next = |text: &str| read(Ok(answer(text))).unwrap();
        let yes = next("ptui_auth_CB('0','http://ptlogin4.web2.qq.com/check_sig?uin=1')").unwrap();
        assert_eq!((yes.host_str(), yes.path()), (Some("ptlogin4.web2.qq.com"), "/check_sig"));
        for no in ["ptui_auth_CB('1','')\r\n", "ptui_auth_CB('0','http://example.com/check_sig?')", "ptui_auth_CB('0')"]
        {
            assert_eq!(next(no), None, "{no}");
        }
        for nothing in ["", "<html>", "ptuiCB('0','0','','0','','')", "ptui_auth_CB()"] {
            assert!(matches!(read(Ok(answer(nothing))), Err(Error::Unintelligible { .. })), "{nothing}");
        }
    }
}
