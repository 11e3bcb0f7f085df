//! Logging in by password: check, the picture of a captcha, login.
//!
//! Source: protocol dossier 3.1 to 3.4. Cookies, captcha and password are verified; codes on order are faults.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::ask::Ask;
use super::ptlogin::{self, Way};
use super::reply::{http_error, javascript, png, ptui_cb, set_cookie};
use crate::sim::captcha::Attempt;
use crate::sim::digest;
use crate::sim::stage::{Shared, Stage};

/// What people read for a code. Source: protocol dossier 3.4 (what each means; the words are our own).
pub(super) fn words(code: u32) -> &'static str {
    match code {
        1 | 2 | 6 => "系统繁忙，请稍后重试。",
        3 => "您输入的帐号或密码不正确，请重新输入。",
        4 => "您输入的验证码不正确，请重新输入。",
        5 => "验证失败，请重新登录。",
        8 => "您的IP登录过于频繁，请稍后重试。",
        10 => "请输入验证码。",
        24 => "浏览器禁用了Cookie。",
        60 | 71 => "您的帐号暂时无法登录，请先解除限制。",
        10_005 | 10_006 => "为了您的帐号安全，请使用QQ手机版扫描二维码登录。",
        _ => "登录失败。",
    }
}

/// `GET ssl.ptlogin2.qq.com/check`: whether a captcha is needed, and the salt.
pub(super) async fn check(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    if ask.field("uin").is_empty() || ask.field("appid").is_empty() {
        return StatusCode::FORBIDDEN.into_response();
    }
    shared.change(|stage| {
        let attempt =
            if stage.world.options.captcha { Attempt::guarded(&mut stage.rng) } else { Attempt::free(&mut stage.rng) };
        let needed = !attempt.name.is_empty();
        let word = if needed { &attempt.name } else { &attempt.text };
        let number: u64 = ask.field("uin").parse().unwrap_or(stage.world.account.number.into());
        let salt: Vec<String> = number.to_be_bytes().iter().map(|byte| format!(r"\x{byte:02x}")).collect();
        let salt = salt.concat();
        let all = [if needed { "1" } else { "0" }, word, &salt, &attempt.session, "0"];
        let args = all.into_iter().take(stage.world.options.era.check_arguments());
        let args: Vec<String> = args.map(|arg| format!("'{arg}'")).collect();
        let mut reply = javascript(format!("ptui_checkVC({});", args.join(",")));
        if !needed {
            set_cookie(&mut reply, "ptvfsession", &attempt.session, ptlogin::PTLOGIN);
        }
        stage.add_password_attempt(attempt);
        reply
    })
}

/// `GET ssl.captcha.qq.com/getimage`: the picture, and the cookie by which it is known.
pub(super) async fn getimage(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    let name =
        [ask.field("cap_cd"), ask.field("vc_type")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    shared.change(|stage| {
        let Stage { password_attempts, rng, .. } = stage;
        // Without a name it is the attempt that needed no picture at first: cookies of the login hosts do not come here.
        let Some(attempt) = password_attempts.iter_mut().rev().find(|attempt| attempt.name == name) else {
            return http_error(StatusCode::NOT_FOUND);
        };
        match attempt.redraw(rng) {
            Ok(picture) => {
                tracing::info!(text = attempt.text, "a client was shown a captcha");
                let mut reply = png(picture);
                set_cookie(&mut reply, "verifysession", &attempt.session, ptlogin::QQ);
                reply
            }
            Err(why) => {
                tracing::error!(%why, "no captcha");
                http_error(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    })
}

/// `GET ssl.ptlogin2.qq.com/login`: the hidden password and the captcha; the cookies of a session when both are right.
pub(super) async fn login(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    shared.change(|stage| match verdict(stage, &ask) {
        Ok(()) => {
            tracing::info!("a password was right");
            let id = stage.start_session();
            ptlogin::let_in(stage, id, Way::Password)
        }
        Err(code) => {
            tracing::info!(code, "a login was refused");
            ptui_cb(code, "", words(code), "")
        }
    })
}

/// Whether the account may come in; else the code. An attempt with the right captcha is good for one password.
fn verdict(stage: &mut Stage, ask: &Ask) -> Result<(), u32> {
    let era = stage.world.options.era;
    // That the page of QR codes answered so is a guess.
    let hiding = era.hiding().ok_or(10_006_u32)?;
    if ["u", "p", "aid"].iter().any(|field| ask.field(field).is_empty()) {
        return Err(7);
    }
    let shown = [ask.cookie("verifysession"), ask.cookie("ptvfsession")];
    let shown = shown.into_iter().find(|session| !session.is_empty()).ok_or(24_u32)?;
    let said = ask.field("pt_verifysession_v1");
    let at = stage.password_attempts.iter().position(|attempt| attempt.session == shown).ok_or(5_u32)?;
    if era.check_arguments() > 3 && said != shown {
        return Err(5);
    }
    let captcha = ask.field("verifycode");
    let attempt = stage.password_attempts.get(at).ok_or(5_u32)?;
    if !captcha.eq_ignore_ascii_case(&attempt.text) {
        return Err(4);
    }
    stage.password_attempts.remove(at);
    let account = &stage.world.account;
    let is_theirs = ask.field("u") == account.number.to_string();
    let is_right = digest::is_right(hiding, &account.password, account.number, captcha, ask.field("p"));
    if is_theirs && is_right { Ok(()) } else { Err(3) }
}

/// `GET web2.qq.com/web2/get_msg_tip`: the heartbeat of old pages; what it answered is not known.
pub(super) async fn get_msg_tip() -> Response {
    javascript("{}".to_owned())
}
