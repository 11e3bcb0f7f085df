//! `GET ssl.ptlogin2.qq.com/ptqrlogin`: how far the person got with the QR code.
//!
//! Source: protocol dossier 4.3 (request), 4.4 (answers).

use url::Url;

use super::Error;
use super::hash::hash33;
use super::http::{Answer, Ask, Fault, Http, Site};
use crate::qq::webqq::login::ptui::Ptui;

const ENDPOINT: &str = "ptqrlogin";

/// What QQ says about the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nobody scanned it yet.
    Waiting,
    /// Scanned; the phone asks for a yes.
    Scanned,
    /// Too old.
    Expired,
    /// Said yes: `check_sig` is the address to fetch next.
    Confirmed { check_sig: Url, nick: String },
    /// Said no, or QQ did.
    Refused { code: String, text: String },
}

/// Asks about the code whose `qrsig` is in the jar.
pub(crate) async fn ask(http: &Http, now_ms: i64) -> Result<Progress, Error> {
    let qrsig = http.cookie(Site::Login, "qrsig").unwrap_or_default();
    let (token, action) = (hash33(&qrsig).to_string(), ["0-0-", &now_ms.to_string()].concat());
    let query = [
        ("ptqrtoken", token.as_str()),
        ("webqq_type", "10"),
        ("remember_uin", "1"),
        ("login2qq", "1"),
        ("aid", http.era().appid),
        ("u1", "http://w.qq.com/proxy.html?login2qq=1&webqq_type=10"),
        ("ptredirect", "0"),
        ("ptlang", "2052"),
        ("daid", "164"),
        ("from_ui", "1"),
        ("pttype", "1"),
        ("dumy", ""),
        ("fp", "loginerroralert"),
        ("action", action.as_str()),
        ("mibao_css", "m_webqq"),
        ("t", "undefined"),
        ("g", "1"),
        ("js_type", "0"),
        ("js_ver", "10141"),
        ("login_sig", ""),
        ("pt_randsalt", "0"),
    ];
    read(http.ask(Ask::get(Site::Login, "/ptqrlogin", &query)).await)
}

/// Reads what came back. The words decide before the code: some servers said 66 for "scanned". Source: protocol dossier 4.4, 14 row 2.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Progress, Error> {
    let ptui = Ptui::of_callback(ENDPOINT, "ptuiCB", answer)?;
    let (code, words) = (ptui.arg(0), ptui.arg(4));
    Ok(match code {
        "0" => confirmed(&ptui),
        _ if words.contains("认证中") => Progress::Scanned,
        _ if words.contains("已失效") => Progress::Expired,
        "66" => Progress::Waiting,
        "67" => Progress::Scanned,
        "65" => Progress::Expired,
        _ => Progress::Refused { code: code.to_owned(), text: words.to_owned() },
    })
}

/// Why a login that QQ calls a success goes no further.
const NOWHERE: &str = "QQ gave no address to go on with; the account may be frozen (aq.qq.com)";

/// An address outside of QQ, or that of the page for frozen accounts (`aq.qq.com`), is a no. Source: dossier 3.4.
fn confirmed(ptui: &Ptui) -> Progress {
    match ptui.qq_address(2) {
        Some(check_sig) => Progress::Confirmed { check_sig, nick: ptui.arg(5).to_owned() },
        None => Progress::Refused { code: "0".to_owned(), text: NOWHERE.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Progress, Error> {
        read(Ok(Answer { status: 200, location: None, body: text.into(), torn: None }))
    }

    #[test]
    fn every_answer_of_the_vectors_means_what_the_dossier_says() {
        let words = |text: &str| read_text(text).unwrap();
        assert_eq!(words("ptuiCB('66','0','','0','二维码未失效。(3203423232)', '');\r\n"), Progress::Waiting);
        assert_eq!(words("ptuiCB('67','0','','0','二维码认证中。(1125712347)', '');"), Progress::Scanned);
        assert_eq!(words("ptuiCB('66','0','','0','二维码认证中。（3203423232）','');"), Progress::Scanned);
        assert_eq!(words("ptuiCB ('65','0','','0','二维码已失效。(4012918406)', '');"), Progress::Expired);
        assert_eq!(words("ptuiCB('67','0','','0','', '');"), Progress::Scanned);
        let refused = Progress::Refused { code: "10005".to_owned(), text: "安全".to_owned() };
        assert_eq!(words("ptuiCB('10005','0','','0','安全');"), refused);
        for nothing in ["", "<html>", "ptui_checkVC('0','!LOB');", "ptuiCB()"] {
            assert!(read_text(nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn a_yes_leads_on_only_to_qqs_own_login_page() {
        let yes = |url: &str| read_text(&format!("ptuiCB('0','0','{url}','0','登录成功！', '小明');")).unwrap();
        let Progress::Confirmed { check_sig, nick } = yes("http://ptlogin4.web2.qq.com/check_sig?uin=1") else {
            panic!("confirmed")
        };
        assert_eq!((check_sig.path(), nick.as_str()), ("/check_sig", "小明"));
        for url in
            ["http://aq.qq.com/frozen", "http://qq.com.example.com/", "ftp://x.qq.com/", "", "http://evilqq.com/"]
        {
            assert!(matches!(yes(url), Progress::Refused { .. }), "{url}");
        }
    }
}
