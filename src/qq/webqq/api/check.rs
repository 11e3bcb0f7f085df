//! `GET ssl.ptlogin2.qq.com/check`: whether a password login needs a captcha, and how the password is to be hidden.
//!
//! Source: protocol dossier 3.1. Until 2012 at check.ptlogin2.qq.com.

use super::Error;
use super::http::{Answer, Ask, Fault, Http, Site};
use crate::qq::webqq::era::PasswordForm;
use crate::qq::webqq::login::ptui::Ptui;

const ENDPOINT: &str = "check";

/// What QQ wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The captcha.
    pub(crate) captcha: Captcha,
    /// How the password is to be hidden.
    pub(crate) salt: Salt,
    /// Sent back as `pt_verifysession_v1`; empty before 2013.
    pub(crate) session: String,
    /// Sent back as `pt_randsalt`; empty before 2014.
    pub(crate) rand_salt: String,
}

/// The captcha of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Captcha {
    /// Known already.
    Known(String),
    /// To be read from the picture of this name.
    Picture(String),
}

/// By the number of arguments, which grew from year to year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Salt {
    /// Two: before June 2012.
    None,
    /// Three or four: the account as eight bytes.
    Digest(Vec<u8>),
    /// Five: the same, for the cipher.
    Cipher(Vec<u8>),
}

/// Asks for `account`.
pub(crate) async fn ask(http: &Http, form: PasswordForm, account: &str) -> Result<Check, Error> {
    let (r, era) = (super::t(), http.era());
    let signed = [("js_ver", "10077"), ("js_type", "0"), ("login_sig", ""), ("u1", era.landing)];
    let mut query = vec![("uin", account), ("appid", era.appid)];
    match form {
        PasswordForm::Plain => {}
        PasswordForm::Signed => query.extend(signed),
        PasswordForm::Enciphered => query.extend([("pt_tea", "1")].into_iter().chain(signed)),
    }
    query.push(("r", &r));
    read(http.ask(Ask::get(Site::Check, "/check", &query)).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Check, Error> {
    let body = super::reply::body(ENDPOINT, answer)?;
    let ptui = Ptui::parse(&String::from_utf8_lossy(&body)).filter(|ptui| ptui.name == "ptui_checkVC");
    let check = ptui.and_then(|ptui| understood(&ptui));
    check.ok_or_else(|| super::reply::unintelligible(ENDPOINT, "not a ptui_checkVC", &body))
}

fn understood(ptui: &Ptui) -> Option<Check> {
    let captcha = match ptui.arg(0) {
        "0" => Captcha::Known(ptui.arg(1).to_owned()),
        "1" => Captcha::Picture(ptui.arg(1).to_owned()),
        _ => return None,
    };
    let salt = match ptui.args.len() {
        0 | 1 => return None,
        2 => Salt::None,
        3 | 4 => Salt::Digest(bytes(ptui.arg(2))?),
        _ => Salt::Cipher(bytes(ptui.arg(2))?),
    };
    Some(Check { captcha, salt, session: ptui.arg(3).to_owned(), rand_salt: ptui.arg(4).to_owned() })
}

/// Eight times `\xHH`, literally.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.split("\\x");
    let is_byte = |digits: &str| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).ok().filter(|_| is_byte(digits)));
    bytes.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() == 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    fn read_text(text: &str) -> Result<Check, Error> {
        read(Ok(Answer { status: 200, location: None, body: text.into(), torn: None }))
    }

    #[test]
    fn every_check_of_the_vectors_is_understood() {
        let mut told = 0;
        for case in vectors::cases("ptui_parse").into_iter().filter(|case| case["name"] == "ptui_checkVC") {
            let check = read_text(case["text"].as_str().unwrap()).unwrap();
            let args = case["args"].as_array().unwrap();
            let word = args[1].as_str().unwrap().to_owned();
            let captcha = if args[0] == "0" { Captcha::Known(word) } else { Captcha::Picture(word) };
            assert_eq!(check.captcha, captcha);
            let account = case["uin"].as_u64().map(|uin| uin.to_be_bytes().to_vec());
            match args.len() {
                2 => assert_eq!(check.salt, Salt::None),
                3 | 4 => assert_eq!(check.salt, Salt::Digest(account.unwrap())),
                _ => assert_eq!(check.salt, Salt::Cipher(account.unwrap())),
            }
            told += 1;
        }
        assert!(told >= 4);
    }

    #[test]
    fn a_check_of_another_shape_is_not_understood() {
        let salt = "\\x00\\x00\\x00\\x00\\xa6\\xce\\xef\\xfe";
        assert!(read_text(&format!("ptui_checkVC('0','!B55','{salt}');")).is_ok());
        for text in [
            "",
            "<html>",
            "ptuiCB('0','','','0','','');",
            "ptui_checkVC('2','!B55');",
            "ptui_checkVC('0');",
            "ptui_checkVC('0','!B55','');",
            "ptui_checkVC('0','!B55','\\x00\\x+1');",
            "ptui_checkVC('0','!B55','\\x00\\x00');",
        ] {
            assert!(read_text(text).is_err(), "{text}");
        }
    }
}
