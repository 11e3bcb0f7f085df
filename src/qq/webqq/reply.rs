//! The JSON that QQ answers with: a code, and what was asked for.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Error;
use super::excerpt::excerpt;
use super::http::{Answer, Fault};
use super::mend::mend;
use super::number::integer;
use super::retcode::{OnCall, Retcode};

/// The names that the code goes by. Source: protocol dossier 0.3.
const CODES: [&str; 3] = ["retcode", "errCode", "ret"];

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    endpoint: &'static str,
    fields: Map<String, Value>,
    /// All of it, for when it turns out not to be what was asked for.
    body: Vec<u8>,
}

impl Reply {
    /// Reads what came back for `endpoint`. Nothing that it says about a failure holds any of the answer's values.
    pub(crate) fn read(endpoint: &'static str, answer: Result<Answer, Fault>) -> Result<Self, Error> {
        let body = body(endpoint, answer)?;
        match serde_json::from_str(&mend(&body)) {
            Ok(Value::Object(fields)) => Ok(Self { endpoint, fields, body }),
            Ok(_) => Err(unintelligible(endpoint, "not an object", &body)),
            Err(why) => Err(unintelligible(endpoint, &why.to_string(), &body)),
        }
    }

    /// QQ's code, if the answer has one.
    pub(crate) fn code(&self) -> Option<i64> {
        CODES.iter().find_map(|name| self.fields.get(*name)).and_then(integer)
    }

    /// The text of a field, such as `p` of a 116.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// `result`, if QQ gave what was asked for.
    pub(crate) fn result<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        self.check()?;
        let result = self.fields.remove("result").unwrap_or_default();
        serde_json::from_value(result).map_err(|why| unintelligible(self.endpoint, &outline(&why), &self.body))
    }

    /// Fails unless the code is one of success. An answer without a code counts as one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let endpoint = self.endpoint;
        let Retcode { code: retcode, meaning, call, .. } = Retcode::of(self.code().unwrap_or(0));
        match call {
            OnCall::Fine => Ok(()),
            OnCall::Later | OnCall::LaterOrLogIn => {
                Err(Error::Busy { endpoint, retcode: self.code().unwrap_or(retcode) })
            }
            OnCall::LogIn => Err(Error::SessionEnded { endpoint, retcode }),
            OnCall::GiveUp => Err(Error::Refused { endpoint, retcode, meaning }),
        }
    }
}

/// What a call brought, if it came whole and is no error of a server.
pub(crate) fn body(endpoint: &'static str, answer: Result<Answer, Fault>) -> Result<Vec<u8>, Error> {
    match answer.map_err(|fault| fault.unreachable(endpoint))? {
        Answer { torn: Some(why), .. } => Err(Error::Unreachable { endpoint, why }),
        Answer { status: 200, body, .. } => Ok(body),
        Answer { status, .. } => Err(Error::Status { endpoint, status }),
    }
}

/// The same, if it begins like a picture.
pub(crate) fn picture(
    endpoint: &'static str,
    answer: Result<Answer, Fault>,
    beginnings: &[&[u8]],
) -> Result<Vec<u8>, Error> {
    let body = body(endpoint, answer)?;
    if beginnings.iter().any(|beginning| body.starts_with(beginning)) {
        Ok(body)
    } else {
        Err(unintelligible(endpoint, "not a picture", &body))
    }
}

/// The error for a body that cannot be read.
pub(crate) fn unintelligible(endpoint: &'static str, why: &str, body: &[u8]) -> Error {
    Error::Unintelligible { endpoint, why: why.to_owned(), evidence: excerpt(body) }
}

/// serde's messages quote values; only the place is kept.
fn outline(why: &serde_json::Error) -> String {
    format!("result is not as expected: {:?} error", why.classify())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qq::Verdict;

    fn reply(body: &str) -> Result<Reply, Error> {
        Reply::read("test", Ok(Answer { status: 200, location: None, body: body.into(), torn: None }))
    }

    #[test]
    fn the_code_is_found_under_each_of_its_names() {
        for body in ["{\"retcode\":6}\n", "{\"errCode\":6,\"msg\":\"x\"}", "{\"ret\":\"6\"}"] {
            assert_eq!(reply(body).unwrap().code(), Some(6), "{body}");
        }
        assert_eq!(reply("{}").unwrap().code(), None);
    }

    #[test]
    fn a_result_is_given_only_with_a_code_of_success() {
        let result = |body: &str| reply(body).and_then(Reply::result::<Vec<u8>>);
        assert_eq!(result("{\"retcode\":0,\"result\":[1,2]}").unwrap(), [1, 2]);
        assert!(matches!(result("{\"retcode\":6}"), Err(Error::Busy { retcode: 6, .. })));
        assert!(matches!(result("{\"retcode\":100000}"), Err(Error::Busy { retcode: 100_000, .. })));
        assert_eq!(result("{\"retcode\":108}").unwrap_err().verdict(), Verdict::LogIn);
        assert_eq!(result("{\"retcode\":100101}").unwrap_err().verdict(), Verdict::GiveUp);
        assert!(matches!(result("{\"retcode\":0,\"result\":\"ok\"}"), Err(Error::Unintelligible { .. })));
    }

    #[test]
    fn errors_show_no_value_of_the_answer() {
        let secret = "5d4c090f4a91cf44";
        for body in [
            json!({"retcode": 0, "result": {"vfwebqq": secret}}).to_string(),
            json!([secret]).to_string(),
            format!("{{\"p\":\"{secret}\""),
            format!("<{secret}>"),
            secret.to_owned(),
        ] {
            let error = reply(&body).and_then(Reply::result::<Vec<u8>>).unwrap_err().to_string();
            assert!(!error.contains("4c090f"), "{error}");
        }
        assert!(reply("<html>").unwrap_err().to_string().ends_with("6 bytes: <html>"));
    }
}
