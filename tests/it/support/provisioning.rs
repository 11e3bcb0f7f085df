//! A client of the provisioning API. Every answer that it gets is held against docs/provisioning.json.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::schema::Schemas;

/// The secret that the tests configure.
pub(crate) const SECRET: &str = "0123456789abcdef-of-tests";

const FILE: &str = include_str!("../../../docs/provisioning.json");

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    address: String,
    token: Option<String>,
    user: Option<String>,
}

impl Api {
    /// A program that shows `token` at the bridge at `address`, for `user` if it names one.
    pub(crate) fn new(address: &str, token: Option<&str>, user: Option<&str>) -> Self {
        Self {
            http: reqwest::Client::new(),
            address: address.to_owned(),
            token: token.map(str::to_owned),
            user: user.map(str::to_owned),
        }
    }

    /// Asks for `path`, which may have a query; gives the status and the answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method.clone(), format!("{}/_matrix/provision/v3{path}", self.address));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(user) = &self.user {
            request = request.query(&[("user_id", user)]);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the bridge answers");
        assert_eq!(response.headers()["access-control-allow-origin"], "*", "pages can read it");
        let status = response.status().as_u16();
        let answer = response.json().await.expect("JSON");
        check(&method, path, status, &answer);
        (status, answer)
    }

    /// `GET path`, which goes well.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// `POST path`, which goes well.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, Some(body)).await;
        assert!([200, 201].contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// `GET path`, which is refused: status and code.
    pub(crate) async fn refused(&self, path: &str) -> (u16, String) {
        refusal(self.ask(Method::GET, path, None).await)
    }

    /// `POST path`, which is refused: status and code.
    pub(crate) async fn post_refused(&self, path: &str, body: Value) -> (u16, String) {
        refusal(self.ask(Method::POST, path, Some(body)).await)
    }

    /// What comes after `step`, into whose fields `input` is written.
    pub(crate) async fn after(&self, step: &Value, input: Value) -> Value {
        self.post(&way_on(step), input).await
    }

    /// Waits until a step of the login has `what` in its id; `step` is the one that is shown.
    pub(crate) async fn until(&self, mut step: Value, what: &str) -> Value {
        while !step["step_id"].as_str().unwrap().contains(what) {
            step = self.after(&step, json!({})).await;
        }
        step
    }
}

/// Waits until the bridge at `address` is ready.
pub(crate) async fn ready(address: &str) {
    let probe = || async {
        reqwest::get(format!("{address}/_matrix/mau/ready")).await.is_ok_and(|yes| yes.status().is_success())
    };
    let waiting = async {
        while !probe().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("it becomes ready");
}

/// Where to ask what comes after `step`.
pub(crate) fn way_on(step: &Value) -> String {
    let word = |name: &str| step[name].as_str().unwrap().to_owned();
    format!("/login/step/{}/{}/{}", word("login_id"), word("step_id"), word("type"))
}

fn refusal((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["errcode"].as_str().unwrap_or_else(|| panic!("{status} {answer} is no refusal")).to_owned())
}

/// Holds an answer against the file. What has no operation there is refused as that.
fn check(method: &Method, path: &str, status: u16, answer: &Value) {
    let schemas = Schemas(serde_json::from_str(FILE).unwrap());
    let path = path.split('?').next().unwrap();
    let fits = |pattern: &str| {
        let (wanted, found): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        wanted.len() == found.len() && wanted.iter().zip(&found).all(|(w, f)| w.starts_with('{') || w == f)
    };
    let described = schemas.0["paths"].as_object().unwrap().iter().find(|(pattern, _)| fits(pattern));
    let operation = described.and_then(|(_, all)| all.get(method.as_str().to_lowercase()));
    let Some(operation) = operation else {
        // What comes after the end is asked for by mistake only.
        let wanted = if path.ends_with("/complete") {
            (410, "FI.MAU.BRIDGE.LOGIN_ALREADY_FINISHED")
        } else {
            (status, "M_UNRECOGNIZED")
        };
        assert_eq!((status, answer["errcode"].as_str().unwrap()), wanted, "{method} {path}");
        return;
    };
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{method} {path} is not said to answer {status}: {answer}");
    let schema = &schemas.follow(response)["content"]["application/json"]["schema"];
    if let Some(fault) = schemas.fault(schema, answer) {
        panic!("{method} {path} answers {status} {answer}, and that is wrong: {fault}");
    }
}
