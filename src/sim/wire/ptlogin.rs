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
use crate::sim::era::Era;
use crate::sim::qr::{Attempt, QrState};
use crate::sim::session::{Session, SessionId};
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;

pub(super) const PTLOGIN: &str = "ptlogin2.qq.com";
pub(super) const QQ: &str = "qq.com";
const WEB2: &str = "web2.qq.com";

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
        stage.show_code(attempt.clone());
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

/// Code 0. Asking again gives the same session.
fn succeed(stage: &mut Stage, qrsig: &str) -> Response {
    let known = stage.attempts.iter().find(|attempt| attempt.qrsig == qrsig).and_then(|attempt| attempt.session);
    let id = known.filter(|id| stage.session(*id).is_some()).unwrap_or_else(|| stage.start_session());
    if let Some(attempt) = stage.attempts.iter_mut().find(|attempt| attempt.qrsig == qrsig) {
        attempt.session = Some(id);
    }
    let_in(stage, id, Way::Qr)
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Qr,
    Password,
    /// By what is left of an earlier login.
    Again,
}

/// The cookies of the session `id`, and where to go on.
pub(super) fn let_in(stage: &mut Stage, id: SessionId, way: Way) -> Response {
    let rest = token::letters(&mut stage.rng, 43);
    let (superkey, supertoken) = (format!("{rest}_"), token::hash33(&rest).to_string());
    stage.remember_browser(superkey.clone(), supertoken.clone());
    let Some(session) = stage.session(id) else { return http_error(StatusCode::INTERNAL_SERVER_ERROR) };
    let (account, era) = (&stage.world.account, stage.world.options.era);
    let next = match (way, era) {
        (Way::Password, Era::Y2012) => era.landing().to_owned(),
        _ => check_sig_link(session, account.number, way, era),
    };
    let mut reply = match way {
        Way::Again => javascript(format!("ptui_auth_CB('0','{next}')\r\n")),
        Way::Qr | Way::Password => ptui_cb(0, &next, "登录成功！", &account.nick),
    };
    let padded = format!("o{:010}", account.number);
    let nick_cookie = format!("ptnick_{}", account.number);
    set_cookie(&mut reply, "superuin", &padded, PTLOGIN);
    set_cookie(&mut reply, "superkey", &superkey, PTLOGIN);
    set_cookie(&mut reply, "supertoken", &supertoken, PTLOGIN);
    set_cookie(&mut reply, "pt_recent_uins", &session.p_skey.to_lowercase(), PTLOGIN);
    set_cookie(&mut reply, &nick_cookie, &hex::encode(&account.nick), PTLOGIN);
    set_cookie(&mut reply, "uin", &padded, QQ);
    set_cookie(&mut reply, "skey", &session.skey, QQ);
    set_cookie(&mut reply, "ptwebqq", &session.ptwebqq, QQ);
    set_cookie(&mut reply, "ptisp", "os", QQ);
    set_cookie(&mut reply, "RK", rest.get(..10).unwrap_or(&rest), QQ);
    set_cookie(&mut reply, "ptcz", &session.ptsigx.chars().take(64).collect::<String>(), QQ);
    set_cookie(&mut reply, "pt2gguin", &padded, QQ);
    reply
}

fn check_sig_link(session: &Session, number: u32, way: Way, era: Era) -> String {
    let number = number.to_string();
    let (service, login_type) = if way == Way::Password { ("login", "1") } else { ("ptqrlogin", "3") };
    let fields = [
        ("pttype", "1"),
        ("uin", &number),
        ("service", service),
        ("nodirect", "0"),
        ("ptsigx", &session.ptsigx),
        ("s_url", era.landing()),
        ("f_url", ""),
        ("ptlang", "2052"),
        ("ptredirect", "100"),
        ("aid", "501004106"),
        ("daid", "164"),
        ("j_later", "0"),
        ("low_login_hour", "0"),
        ("regmaster", "0"),
        ("pt_login_type", login_type),
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
        add_header(&mut reply, LOCATION, stage.world.options.era.landing());
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

/// `GET ssl.ptlogin2.qq.com/pt4_auth`: a new session without a scan, where the world's rules grant it.
///
/// Source: protocol dossier 4.6; that 1 means failure is a guess.
pub(super) async fn pt4_auth(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    let (superkey, supertoken) = (ask.cookie("superkey").to_owned(), ask.cookie("supertoken").to_owned());
    shared.change(|stage| {
        let is_theirs = ask.cookie("superuin") == format!("o{:010}", stage.world.account.number);
        let is_meant = ask.field("auth_token") == token::time33(&supertoken).to_string();
        let is_known = stage.known_browsers.contains(&(superkey, supertoken));
        if stage.world.options.resume && is_theirs && is_meant && is_known {
            let id = stage.start_session();
            return let_in(stage, id, Way::Again);
        }
        javascript("ptui_auth_CB('1','')\r\n".to_owned())
    })
}
