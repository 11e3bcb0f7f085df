//! The login hosts: page, QR code, its states, and the cookies at the end.
//!
//! Source: protocol dossier 3.5, 4.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SERVER};
use axum::response::{IntoResponse as _, Response};

use super::ask::Ask;
use super::reply::{add_header, delete_cookie, html, http_error, javascript, png, ptui_cb, set_cookie};
use crate::sim::qr::{Attempt, QrState};
use crate::sim::session::Session;
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;

const PTLOGIN: &str = "ptlogin2.qq.com";
const QQ: &str = "qq.com";
const WEB2: &str = "web2.qq.com";
/// Where a login ends.
const PROXY_PAGE: &str = "http://w.qq.com/proxy.html?login2qq=1&webqq_type=10";

/// `GET w.qq.com/` and others of which clients only want that they exist.
pub(super) async fn blank_page() -> Response {
    html("<!DOCTYPE html>\n<html><head><title>SmartQQ</title></head><body></body></html>\n".to_owned())
}

/// `GET ui.ptlogin2.qq.com/cgi-bin/login`: the page from which clients scrape `login_sig`. Source: protocol dossier 3.0.
pub(super) async fn login_page(State(shared): State<Arc<Shared>>) -> Response {
    let sig = shared.change(|stage| token::letters(&mut stage.rng, 64));
    let mut page = html(format!(
        "<!DOCTYPE html>\n<html><head><script>var g_login_sig=encodeURIComponent(\"{sig}\");\
         var g_pt_version=encodeURIComponent(\"10141\");var g_mibao_css=encodeURIComponent(\"m_webqq\");</script></head>\
         <body><input type=\"hidden\" name=\"aid\" value=\"501004106\"/></body></html>\n"
    ));
    set_cookie(&mut page, "pt_login_sig", &sig, PTLOGIN);
    page
}

/// `GET ssl.ptlogin2.qq.com/ptqrshow`: a new code, known by the cookie qrsig.
pub(super) async fn ptqrshow(State(shared): State<Arc<Shared>>) -> Response {
    let now_ms = shared.clock.now_ms();
    let shown = shared.change(|stage| {
        let qrsig = token::letters(&mut stage.rng, 64);
        let attempt = Attempt::new(qrsig, &token::letters(&mut stage.rng, 16), now_ms)?;
        stage.add_attempt(attempt.clone());
        Ok::<_, crate::sim::qr::PictureError>(attempt)
    });
    match shown {
        Ok(attempt) => {
            let mut picture = png(attempt.picture);
            set_cookie(&mut picture, "qrsig", &attempt.qrsig, PTLOGIN);
            picture
        }
        Err(why) => {
            tracing::error!(%why, "no QR code");
            http_error(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// `GET ssl.ptlogin2.qq.com/ptqrlogin`: how far the code has come.
///
/// What the service did about a wrong ptqrtoken is not known; 403 is a guess. Source: protocol dossier 4.3.
pub(super) async fn ptqrlogin(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    let qrsig = ask.cookie("qrsig");
    if qrsig.is_empty() || ask.field("aid").is_empty() || ask.field("ptqrtoken") != token::hash33(qrsig).to_string() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let now_ms = shared.clock.now_ms();
    shared.change(|stage| {
        let lifetime = stage.world.options.qr_lifetime();
        let at = stage.attempts.iter().position(|attempt| attempt.qrsig == qrsig);
        match at
            .and_then(|at| stage.attempts.get(at))
            .map_or(QrState::Expired, |attempt| attempt.state(lifetime, now_ms))
        {
            QrState::Waiting => ptui_cb(66, "", "二维码未失效。(3203334816)", ""),
            QrState::Scanned => ptui_cb(67, "", "二维码认证中。(1342177282)", ""),
            QrState::Confirmed => succeed(stage, qrsig),
            QrState::None | QrState::Expired => ptui_cb(65, "", "二维码已失效。(457179140)", ""),
        }
    })
}

/// Code 0: the cookies of a new session. Asking again gives the same session.
fn succeed(stage: &mut Stage, qrsig: &str) -> Response {
    let known = stage.attempts.iter().find(|attempt| attempt.qrsig == qrsig).and_then(|attempt| attempt.session);
    let id = known.filter(|id| stage.session(*id).is_some()).unwrap_or_else(|| stage.start_session());
    if let Some(attempt) = stage.attempts.iter_mut().find(|attempt| attempt.qrsig == qrsig) {
        attempt.session = Some(id);
    }
    let rest = token::letters(&mut stage.rng, 43);
    let Some(session) = stage.session(id) else { return http_error(StatusCode::INTERNAL_SERVER_ERROR) };
    let account = &stage.world.account;
    let mut reply = ptui_cb(0, &check_sig_link(session, account.number), "登录成功！", &account.nick);
    let padded = format!("o{:010}", account.number);
    let nick_cookie = format!("ptnick_{}", account.number);
    set_cookie(&mut reply, "superuin", &padded, PTLOGIN);
    set_cookie(&mut reply, "superkey", &format!("{rest}_"), PTLOGIN);
    set_cookie(&mut reply, "supertoken", &token::hash33(&rest).to_string(), PTLOGIN);
    set_cookie(&mut reply, "pt_recent_uins", &session.p_skey.to_lowercase(), PTLOGIN);
    set_cookie(&mut reply, &nick_cookie, &token::to_hex(account.nick.as_bytes()), PTLOGIN);
    set_cookie(&mut reply, "uin", &padded, QQ);
    set_cookie(&mut reply, "skey", &session.skey, QQ);
    set_cookie(&mut reply, "ptwebqq", &session.ptwebqq, QQ);
    set_cookie(&mut reply, "ptisp", "os", QQ);
    set_cookie(&mut reply, "RK", rest.get(..10).unwrap_or(&rest), QQ);
    set_cookie(&mut reply, "ptcz", &session.ptsigx.chars().take(64).collect::<String>(), QQ);
    set_cookie(&mut reply, "pt2gguin", &padded, QQ);
    reply
}

fn check_sig_link(session: &Session, number: u32) -> String {
    let number = number.to_string();
    let fields = [
        ("pttype", "1"),
        ("uin", &number),
        ("service", "ptqrlogin"),
        ("nodirect", "0"),
        ("ptsigx", &session.ptsigx),
        ("s_url", PROXY_PAGE),
        ("f_url", ""),
        ("ptlang", "2052"),
        ("ptredirect", "100"),
        ("aid", "501004106"),
        ("daid", "164"),
        ("j_later", "0"),
        ("low_login_hour", "0"),
        ("regmaster", "0"),
        ("pt_login_type", "3"),
        ("pt_aid", "0"),
        ("pt_aaid", "16"),
        ("pt_light", "0"),
        ("pt_3rd_aid", "0"),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("http://ptlogin4.web2.qq.com/check_sig?{query}")
}

/// `GET ptlogin4.web2.qq.com/check_sig`: the cookies of web2.qq.com, and a redirect to w.qq.com.
pub(super) async fn check_sig(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    shared.look(|stage| {
        let number = stage.world.account.number;
        let shown = (ask.field("ptsigx"), ask.field("uin"));
        let Some(session) = stage.sessions.iter().find(|session| shown == (&session.ptsigx, &number.to_string()))
        else {
            return StatusCode::FORBIDDEN.into_response();
        };
        let mut reply = StatusCode::FOUND.into_response();
        add_header(&mut reply, SERVER, "Tencent Login Server/2.0.0");
        add_header(&mut reply, LOCATION, PROXY_PAGE);
        let padded = format!("o{number:010}");
        set_cookie(&mut reply, "uin", &padded, QQ);
        set_cookie(&mut reply, "skey", &session.skey, QQ);
        set_cookie(&mut reply, "ptwebqq", &session.ptwebqq, QQ);
        set_cookie(&mut reply, "pt2gguin", &padded, QQ);
        for (name, value) in [("p_uin", padded.as_str()), ("p_skey", &session.p_skey), ("pt4_token", &session.p_skey)] {
            delete_cookie(&mut reply, name, QQ);
            set_cookie(&mut reply, name, value, WEB2);
        }
        reply
    })
}

/// `GET ssl.ptlogin2.qq.com/pt4_auth`: resuming without a new scan, which this service does not grant.
///
/// Source: protocol dossier 4.6; that 1 means failure is a guess.
pub(super) async fn pt4_auth() -> Response {
    javascript("ptui_auth_CB('1','')\r\n".to_owned())
}
