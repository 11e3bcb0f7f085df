//! Which qq.com host serves which paths. Source: protocol dossier 2.1.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::reply;

/// Where `get_offpic2` sends clients for pictures. Source: protocol dossier 10.2.
pub(crate) const PICTURES: &str = "103.7.29.36";

/// Answers 404 when a qq.com host is asked for a path of another one. Hosts outside qq.com serve every path.
pub(super) async fn only_its_own_paths(request: Request, next: Next) -> Response {
    if serves(&host_of(&request), request.uri().path()) {
        next.run(request).await
    } else {
        reply::not_found().await.into_response()
    }
}

/// Whom a request is for, without the port and in lower case; empty when it does not say.
pub(crate) fn host_of(request: &Request) -> String {
    let header = || request.headers().get(HOST)?.to_str().ok()?.split(':').next();
    request.uri().host().or_else(header).unwrap_or_default().to_ascii_lowercase()
}

/// Whether `host` is one of QQ's.
pub(crate) fn is_qq(host: &str) -> bool {
    host == "qq.com" || host.ends_with(".qq.com")
}

fn serves(host: &str, path: &str) -> bool {
    match host {
        "s.web2.qq.com" => path.starts_with("/api/") || path == "/proxy.html",
        "d.web2.qq.com" | "d1.web2.qq.com" => {
            path.starts_with("/channel/") || matches!(path, "/proxy.html" | "/cfproxy.html")
        }
        "ui.ptlogin2.qq.com" | "xui.ptlogin2.qq.com" => matches!(path, "/cgi-bin/login" | "/cgi-bin/xlogin"),
        "ssl.ptlogin2.qq.com" | "ptlogin2.qq.com" => {
            matches!(path, "/ptqrshow" | "/ptqrlogin" | "/pt4_auth" | "/check" | "/login")
        }
        "check.ptlogin2.qq.com" => path == "/check",
        "captcha.qq.com" | "ssl.captcha.qq.com" => path == "/getimage",
        "ptlogin4.web2.qq.com" | "ptlogin2.web2.qq.com" => path == "/check_sig",
        "file1.web.qq.com" => path.starts_with("/v2/"),
        "weboffline.ftn.qq.com" => path.starts_with("/ftn_access/"),
        "up.web2.qq.com" => path == "/cgi-bin/cface_upload",
        "web2.qq.com" | "webqq.qq.com" if path == "/cgi-bin/get_group_pic" => true,
        "w.qq.com" | "web2.qq.com" | "webqq.qq.com" => matches!(path, "/" | "/proxy.html" | "/web2/get_msg_tip"),
        "pinghot.qq.com" => path == "/pingd",
        "qun.qq.com" | "qinfo.clt.qq.com" => path.starts_with("/cgi-bin/"),
        faces if is_face_server(faces) => path.starts_with("/cgi/svr/face/") || path.starts_with("/face/"),
        other => !is_qq(other),
    }
}

/// `face0` to `face9`, of `web.qq.com` or, in the older eras, of `qun.qq.com`.
fn is_face_server(host: &str) -> bool {
    let number = host.strip_suffix(".web.qq.com").or_else(|| host.strip_suffix(".qun.qq.com"));
    number.and_then(|number| number.strip_prefix("face")?.parse::<u8>().ok()).is_some_and(|number| number <= 11)
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn every_host_serves_its_own_paths_and_a_strange_host_serves_all() {
        for (host, path) in [
            ("s.web2.qq.com", "/api/get_user_friends2"),
            ("d1.web2.qq.com", "/channel/poll2"),
            ("ssl.ptlogin2.qq.com", "/ptqrshow"),
            ("face7.web.qq.com", "/cgi/svr/face/getface"),
            ("face11.qun.qq.com", "/cgi/svr/face/getface"),
            ("check.ptlogin2.qq.com", "/check"),
            ("ssl.captcha.qq.com", "/getimage"),
            ("127.0.0.1", "/ptqrshow"),
            ("localhost", "/channel/poll2"),
        ] {
            assert!(serves(host, path), "{host} {path}");
        }
        for (host, path) in [
            ("s.web2.qq.com", "/channel/poll2"),
            ("d1.web2.qq.com", "/api/get_user_friends2"),
            ("ui.ptlogin2.qq.com", "/ptqrshow"),
            ("mail.qq.com", "/channel/poll2"),
            ("face7.web.qq.com", "/channel/poll2"),
            ("face.web.qq.com", "/cgi/svr/face/getface"),
            ("qq.com", "/"),
        ] {
            assert!(!serves(host, path), "{host} {path}");
        }
    }
}
