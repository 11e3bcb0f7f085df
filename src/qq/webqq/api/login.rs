//! `GET ssl.ptlogin2.qq.com/login`: shows the hidden password and the captcha; sets the cookies of a login.
//!
//! Source: protocol dossier 3.4 (request, codes), 4.4 (form of the answer).

use url::Url;

use super::Error;
use super::http::{Answer, Ask, Fault, Http, Site};
use crate::base::Secret;
use crate::qq::Refusal;
use crate::qq::webqq::era::PasswordForm;
use crate::qq::webqq::login::ptui::Ptui;

const ENDPOINT: &str = "login";

/// What is shown.
pub(crate) struct Shown<'a> {
    pub(crate) account: &'a str,
    /// The password as a digest or cipher.
    pub(crate) p: &'a Secret,
    pub(crate) captcha: &'a str,
    /// `pt_verifysession_v1`.
    pub(crate) session: &'a str,
    pub(crate) rand_salt: &'a str,
}

/// What QQ says to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Yes. `next` is the address to fetch, which eras before 2013 did not have.
    In { next: Option<Url>, nick: String },
    /// The captcha was misread, or one is wanted after all.
    Captcha { misread: bool },
    /// From the beginning: what `check` said is too old.
    Anew,
    /// Once more.
    Again { code: String, text: String },
    /// No.
    Refused { why: Refusal, code: String, text: String },
}

/// Asks once.
pub(crate) async fn ask(http: &Http, form: PasswordForm, shown: &Shown<'_>) -> Result<Outcome, Error> {
    let u1 = [http.era().landing, "?login2qq=1&webqq_type=10"].concat();
    let mut query = vec![
        ("u", shown.account),
        ("p", shown.p.expose()),
        ("verifycode", shown.captcha),
        ("webqq_type", "10"),
        ("remember_uin", "1"),
        ("login2qq", "1"),
        ("aid", http.era().appid),
        ("u1", u1.as_str()),
        ("h", "1"),
        ("ptredirect", "0"),
        ("ptlang", "2052"),
        ("from_ui", "1"),
        ("pttype", "1"),
        ("dumy", ""),
        ("fp", "loginerroralert"),
        ("action", "6-53-32873"),
        ("mibao_css", "m_webqq"),
        ("t", "4"),
        ("g", "1"),
    ];
    if form != PasswordForm::Plain {
        query.extend([("daid", "164"), ("js_type", "0"), ("js_ver", "10077"), ("login_sig", "")]);
    }
    if !shown.session.is_empty() {
        query.push(("pt_verifysession_v1", shown.session));
    }
    if form == PasswordForm::Enciphered {
        query.extend([("pt_uistyle", "5"), ("pt_randsalt", shown.rand_salt), ("pt_vcode_v1", "0")]);
    }
    read(http.ask(Ask::get(Site::Login, "/login", &query)).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Outcome, Error> {
    let ptui = Ptui::of_callback(ENDPOINT, "ptuiCB", answer)?;
    let (code, text) = (ptui.arg(0).to_owned(), ptui.arg(4).to_owned());
    Ok(match (code.as_str(), ptui.arg(1)) {
        ("0", _) => let_in(&ptui),
        ("4", "2") | ("5", _) => Outcome::Anew,
        ("4", _) => Outcome::Captcha { misread: true },
        ("10", _) => Outcome::Captcha { misread: false },
        ("1" | "6", _) => Outcome::Again { code, text },
        _ => Outcome::Refused { why: refusal(&code), code, text },
    })
}

fn let_in(ptui: &Ptui) -> Outcome {
    match ptui.qq_address(2) {
        // Until 2012 the page went on to its own loginproxy.html, which sets nothing.
        Some(next) => Outcome::In { next: Some(next).filter(is_check_sig), nick: ptui.arg(5).to_owned() },
        None => Outcome::Refused { why: Refusal::Frozen, code: "0".to_owned(), text: ptui.arg(4).to_owned() },
    }
}

fn is_check_sig(url: &Url) -> bool {
    url.path().ends_with("/check_sig")
}

/// What a code means that is not a yes, for every kind of login.
pub(crate) fn refusal(code: &str) -> Refusal {
    match code {
        "3" => Refusal::WrongPassword,
        "4" => Refusal::WrongCaptcha,
        // An address that is none of QQ's is that of the page for frozen accounts.
        "0" | "60" | "71" => Refusal::Frozen,
        "8" => Refusal::TooMany,
        "10005" | "10006" => Refusal::ScanInstead,
        "1" | "2" | "6" => Refusal::Busy,
        _ => Refusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Outcome {
        read(Ok(Answer { status: 200, location: None, body: text.into(), torn: None })).unwrap()
    }

    #[test]
    fn every_code_of_the_dossier_leads_where_it_says() {
        let ptui = |code: u32, sub: u32| outcome(&format!("ptuiCB('{code}','{sub}','','0','为什么', '2769546520');"));
        assert_eq!(ptui(4, 0), Outcome::Captcha { misread: true });
        assert_eq!(ptui(4, 2), Outcome::Anew);
        assert_eq!(ptui(5, 0), Outcome::Anew);
        assert_eq!(ptui(10, 0), Outcome::Captcha { misread: false });
        for code in [1, 6] {
            assert!(matches!(ptui(code, 0), Outcome::Again { text, .. } if text == "为什么"));
        }
        for (code, why) in [
            (2, Refusal::Busy),
            (3, Refusal::WrongPassword),
            (7, Refusal::Other),
            (8, Refusal::TooMany),
            (24, Refusal::Other),
            (60, Refusal::Frozen),
            (71, Refusal::Frozen),
            (10_005, Refusal::ScanInstead),
            (10_006, Refusal::ScanInstead),
            (4711, Refusal::Other),
        ] {
            let (code, text) = (code.to_string(), "为什么".to_owned());
            assert_eq!(ptui(code.parse().unwrap(), 0), Outcome::Refused { why, code, text });
        }
    }

    #[test]
    fn a_yes_goes_on_to_check_sig_if_there_is_one_and_is_a_no_when_the_account_is_frozen() {
        let yes = |url: &str| outcome(&format!("ptuiCB('0','0','{url}','0','登录成功！', '小明');"));
        let check_sig = "http://ptlogin4.web2.qq.com/check_sig?uin=1";
        let nick = "小明".to_owned();
        assert_eq!(yes(check_sig), Outcome::In { next: Url::parse(check_sig).ok(), nick: nick.clone() });
        assert_eq!(yes("http://web.qq.com/loginproxy.html?login2qq=1"), Outcome::In { next: None, nick });
        for url in ["http://aq.qq.com/cn2/message_center", "http://qq.com.example.com/check_sig", ""] {
            assert!(matches!(yes(url), Outcome::Refused { why: Refusal::Frozen, .. }), "{url}");
        }
    }
}
