//! Pictures that were sent to the account, and the server that has them.
//!
//! Source: protocol dossier 10.2.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::ask::Ask;
use super::hosts::PICTURES;
use super::reply::{Outcome, Refusal, add_header, html, not_found};
use super::{admit, ptlogin};
use crate::sim::album::Kept;
use crate::sim::numbers::Whom;
use crate::sim::stage::{Shared, Stage};

/// A picture that is not there, or not any more.
const GONE: Refusal = Refusal(103);

/// `GET d.web2.qq.com/channel/get_offpic2`: redirects to the server that has it.
pub(super) async fn get_offpic2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        admit::to_channel(stage, &ask, &Value::Null)?;
        let kept = stage.album.by_key(ask.field("file_path")).ok_or(GONE)?;
        let mut response = (StatusCode::FOUND, html(String::new())).into_response();
        add_header(&mut response, LOCATION, &format!("http://{PICTURES}:80/?ver=2173&rkey={}", kept.rkey));
        Ok(response)
    })
}

/// `GET d1.web2.qq.com/channel/get_cface2` and `get_image2`: the picture itself.
pub(super) async fn get_cface2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        admit::to_channel(stage, &ask, &Value::Null)?;
        stage.album.by_key(ask.field("guid")).map(served).ok_or(GONE)
    })
}

/// `GET web2.qq.com/cgi-bin/get_group_pic`: by the group's code or the discussion's number, and the sender.
pub(super) async fn get_group_pic(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        if !names_a_place(stage, &ask)? {
            return Err(GONE);
        }
        stage.album.by_key(ask.field("pic")).map(served).ok_or(GONE)
    })
}

fn names_a_place(stage: &Stage, ask: &Ask) -> Result<bool, Refusal> {
    let (_, channel) = admit::to_lists(stage, ask, ask.field("vfwebqq"))?;
    let whom = |name: &str| channel.numbers.whom(ask.field(name).parse().ok()?);
    let is_place = match ask.field("type") {
        "0" => matches!(whom("gid"), Some(Whom::Code(_))),
        "1" => matches!(whom("gid"), Some(Whom::Discussion(_))),
        _ => false,
    };
    Ok(is_place && matches!(whom("uin"), Some(Whom::Person(_) | Whom::Echo)))
}

/// `GET 103.7.29.36/?rkey=…`, `GET 101.226.77.168/<name>?rkey=…`: anybody who knows the key gets it. The bare path is an
/// empty page.
pub(super) async fn by_rkey(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    if ask.field("rkey").is_empty() {
        return if ask.path() == "/" { ptlogin::blank_page().await } else { not_found().await };
    }
    let kept = shared.look(|stage| stage.album.by_rkey(ask.field("rkey")).cloned());
    match kept {
        Some(kept) => served(&kept),
        None => not_found().await,
    }
}

/// What is kept, as an answer.
pub(super) fn served(kept: &Kept) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kept.content_type()))], kept.bytes.clone()).into_response()
}
