//! Keeps other web sites out of the console: it has no login, and a browser can be talked into calling it.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use url::Url;

use super::api::Fault;

/// Refuses calls that another site's page makes, and those for a public host name that was pointed here.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let host = text(request.headers(), &HOST);
    if !is_private(host) {
        return Fault::new(StatusCode::FORBIDDEN, "open the console by its address or a local name").into_response();
    }
    let origin = text(request.headers(), &ORIGIN);
    if !origin.is_empty() && origin.strip_prefix("http://") != Some(host) {
        return Fault::new(StatusCode::FORBIDDEN, "the console takes no calls from other origins").into_response();
    }
    next.run(request).await
}

/// An address, `localhost`, or a name without a dot, which no public name is.
fn is_private(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    let Some(name) = url.host_str() else { return false };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || !name.contains('.') || name.ends_with(".localhost")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn only_addresses_and_local_names_are_private() {
        for host in ["127.0.0.1:9702", "[::1]:9702", "localhost:9702", "sim:80", "qq.localhost"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["evil.example", "evil.example:9702", "", "127.0.0.1.evil.example"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
