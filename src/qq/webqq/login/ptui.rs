//! `ptuiCB('…', …)`: how the login servers answer.
//!
//! Source: protocol dossier 4.4. Arguments are taken as all single-quoted literals in order, because the number of
//! arguments and the blanks between them differ from reply to reply.

use url::Url;

use crate::qq::Error;
use crate::qq::webqq::http::{Answer, Fault};
use crate::qq::webqq::reply;

/// One answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ptui {
    /// `ptuiCB`, `ptui_checkVC`, …
    pub(crate) name: String,
    /// The arguments, their backslash escapes as they came.
    pub(crate) args: Vec<String>,
}

impl Ptui {
    /// Reads `text`; `None` when it is nothing of the kind.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.trim_start().split_once('(')?;
        let name = name.trim_end();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // Odd pieces stand between quotes, even ones around them; what follows the last quote is no argument.
        let pieces: Vec<&str> = rest.split('\'').collect();
        let args = pieces.chunks_exact(2).filter_map(|pair| pair.last()).map(|arg| (*arg).to_owned()).collect();
        plain.then(|| Self { name: name.to_owned(), args })
    }

    /// The call of `name` that `endpoint` answered with; it has an argument.
    pub(crate) fn of_callback(
        endpoint: &'static str,
        name: &str,
        answer: Result<Answer, Fault>,
    ) -> Result<Self, Error> {
        let body = reply::body(endpoint, answer)?;
        let ptui = Self::parse(&String::from_utf8_lossy(&body));
        let ptui = ptui.filter(|ptui| ptui.name == name && !ptui.args.is_empty());
        ptui.ok_or_else(|| reply::unintelligible(endpoint, &["not a ", name].concat(), &body))
    }

    /// The argument at `place`, counted from 0; empty when there is none.
    pub(crate) fn arg(&self, place: usize) -> &str {
        self.args.get(place).map_or("", String::as_str)
    }

    /// The argument at `place` as an address of QQ; none when it is another, or that of the page for frozen accounts.
    /// Source: protocol dossier 3.4 (`aq.qq.com`).
    pub(crate) fn qq_address(&self, place: usize) -> Option<Url> {
        let url = Url::parse(self.arg(place)).ok()?;
        let is_ours = url.host_str().is_some_and(|host| host.ends_with(".qq.com") && host != "aq.qq.com");
        (is_ours && matches!(url.scheme(), "http" | "https")).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::Verdict;
    use crate::qq::webqq::api::check;
    use crate::qq::webqq::vectors;

    #[test]
    fn it_agrees_with_the_vectors() {
        for case in vectors::cases("ptui_parse") {
            let ptui = Ptui::parse(case["text"].as_str().unwrap()).unwrap();
            assert_eq!(ptui.name, case["name"].as_str().unwrap());
            assert_eq!(serde_json::json!(ptui.args), case["args"], "{case}");
        }
    }

    #[test]
    fn anything_else_is_not_an_answer() {
        for text in ["", "<html>(nginx)</html>", "{\"retcode\":0}", "('0')"] {
            assert_eq!(Ptui::parse(text), None, "{text}");
        }
        assert_eq!(Ptui::parse("ptuiCB()").unwrap().arg(2), "");
    }

    #[test]
    fn a_torn_answer_is_asked_for_again_instead_of_being_taken_for_a_whole_one() {
        let answer = |body: &str, torn: bool| {
            Ok(Answer { status: 200, location: None, body: body.into(), torn: torn.then(|| "cut".to_owned()) })
        };
        let callback = "ptuiCB('0','0','http://ptlogin4.web2.qq.com/check_sig?uin=1&ptsig";
        let verdicts = [
            Ptui::of_callback("login", "ptuiCB", answer(callback, true)).map(drop),
            check::read(answer("ptui_checkVC('0','!LOB', '', ''", true)).map(drop),
        ];
        for torn in verdicts {
            assert!(matches!(torn.unwrap_err().verdict(), Verdict::Retry(_)));
        }
        assert!(Ptui::of_callback("login", "ptuiCB", answer(callback, false)).is_ok());
    }
}
