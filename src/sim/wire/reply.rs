//! The shapes in which WebQQ answered.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// How a call ends: well, or with a retcode.
pub(super) type Outcome = Result<Response, Refusal>;

/// A retcode other than 0. Source: protocol dossier 7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) i64);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(retcode) = self;
        json_reply(&match retcode {
            121 => json!({"retcode": retcode, "t": "0"}),
            122 => json!({"retcode": retcode, "errmsg": "wrong web client3"}),
            1202 | 100_012 => json!({"retcode": retcode, "errmsg": "error!!!"}),
            _ => json!({"retcode": retcode, "errmsg": ""}),
        })
    }
}

/// `{"retcode":0,"result":…}`.
pub(super) fn result(result: &Value) -> Response {
    json_reply(&json!({"retcode": 0, "result": result}))
}

/// JSON as the service wrote it.
pub(super) fn json_reply(value: &Value) -> Response {
    text_reply("text/plain; charset=utf-8", json_text(value))
}

/// ASCII only, with `& < > '` escaped and a line feed at the end. Source: protocol dossier 0.3.
pub(super) fn json_text(value: &Value) -> String {
    let plain = value.to_string();
    let mut text = String::with_capacity(plain.len() + 1);
    for character in plain.chars() {
        if character.is_ascii() && !matches!(character, '&' | '<' | '>' | '\'') {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str("\\u");
                text.push_str(&hex::encode(unit.to_be_bytes()));
            }
        }
    }
    text.push('\n');
    text
}

/// `ptuiCB('<code>','0','<url>','0','<text>', '<nick>');` Source: protocol dossier 4.4.
pub(super) fn ptui_cb(code: u32, url: &str, text: &str, nick: &str) -> Response {
    let quoted_nick = nick.replace('\'', " ");
    javascript(format!("ptuiCB('{code}','0','{url}','0','{text}', '{quoted_nick}');\r\n"))
}

pub(super) fn javascript(text: String) -> Response {
    text_reply("application/x-javascript; charset=utf-8", text)
}

pub(super) fn html(text: String) -> Response {
    text_reply("text/html; charset=utf-8", text)
}

fn text_reply(kind: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

/// What the HTTP server in front of the service says when something behind it is broken.
pub(super) fn http_error(status: StatusCode) -> Response {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1><hr>nginx</body>\r\n</html>\r\n"
    );
    (status, html(page)).into_response()
}

/// For paths that do not exist, or not on this host.
pub(super) async fn not_found() -> Response {
    http_error(StatusCode::NOT_FOUND)
}

/// The group pages did not let WebQQ in any more. Source: protocol dossier 6.9.
pub(super) async fn qun_closed() -> Response {
    json_reply(&json!({"ec": 1, "em": "no&nbsp;login"}))
}

/// Adds a cookie of `domain`; it ends with the browser session.
pub(super) fn set_cookie(response: &mut Response, name: &str, value: &str, domain: &str) {
    add_header(response, SET_COOKIE, &format!("{name}={value};PATH=/;DOMAIN={domain};"));
}

/// Takes a cookie of `domain` away.
pub(super) fn delete_cookie(response: &mut Response, name: &str, domain: &str) {
    let line = format!("{name}=;EXPIRES=Thu, 01 Jan 1970 00:00:00 GMT;PATH=/;DOMAIN={domain};");
    add_header(response, SET_COOKIE, &line);
}

/// Adds a header; a value that no header can carry is left out.
pub(super) fn add_header(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// A picture.
pub(super) fn png(picture: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("image/png"))], Body::from(picture)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_out_as_ascii_with_a_line_feed() {
        let text = json_text(&json!({"a": "微<b>&'😀\n"}));
        assert_eq!(text, "{\"a\":\"\\u5fae\\u003cb\\u003e\\u0026\\u0027\\ud83d\\ude00\\n\"}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"a": "微<b>&'😀\n"}));
    }
}
