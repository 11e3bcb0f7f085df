//! One call of a client: query, form, cookies and headers, read leniently.

use std::collections::HashMap;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequest, Request};
use axum::http::header::{COOKIE, REFERER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::line::Line;
use super::reply::Refusal;

/// More than any client sends.
const BODY_LIMIT: usize = 1 << 20;

/// A call.
#[derive(Debug)]
pub(super) struct Ask {
    /// The connection that it came on.
    pub(super) line: Line,
    path: String,
    headers: HeaderMap,
    /// Query and form; no call uses one name in both.
    fields: HashMap<String, String>,
    cookies: HashMap<String, String>,
}

impl Ask {
    /// A field of the query or the form; empty when missing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// A cookie; empty when missing.
    pub(super) fn cookie(&self, name: &str) -> &str {
        self.cookies.get(name).map_or("", String::as_str)
    }

    /// The path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub(super) fn has_user_agent(&self) -> bool {
        !self.header(&USER_AGENT).is_empty()
    }

    /// Whether the call says that it comes from one of the pages that may make it.
    ///
    /// Clients mixed the s and d pages up and the real service let them. Source: protocol dossier 2.2.
    pub(super) fn has_referer(&self) -> bool {
        let referer = Url::parse(self.header(&REFERER)).ok();
        let host = referer.as_ref().and_then(Url::host_str);
        matches!(host, Some("s.web2.qq.com" | "d.web2.qq.com" | "d1.web2.qq.com" | "w.qq.com" | "web2.qq.com"))
    }

    /// The field `r`, which is JSON; 100006 when it is missing or not an object.
    pub(super) fn r(&self) -> Result<Value, Refusal> {
        let value: Value = serde_json::from_str(self.field("r")).map_err(|_| Refusal(100_006))?;
        if value.is_object() { Ok(value) } else { Err(Refusal(100_006)) }
    }

    fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequest<S> for Ask {
    type Rejection = StatusCode;

    async fn from_request(request: Request, _: &S) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        let line = parts.extensions.get::<ConnectInfo<Line>>().map(|info| info.0.clone()).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let fields =
            form_urlencoded::parse(query).into_owned().chain(form_urlencoded::parse(&body).into_owned()).collect();
        let cookies = cookies(&parts.headers);
        Ok(Self { line, path: parts.uri.path().to_owned(), headers: parts.headers, fields, cookies })
    }
}

/// The cookies of a call.
pub(super) fn cookies(headers: &HeaderMap) -> HashMap<String, String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A field of `r` as text, whether it was sent as a number or a string; empty when missing or null.
pub(super) fn text_of(r: &Value, name: &str) -> String {
    match r.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A field of `r` as one of the service's numbers.
pub(super) fn number_of(r: &Value, name: &str) -> Option<u32> {
    text_of(r, name).parse().ok()
}
