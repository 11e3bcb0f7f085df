//! Pictures of people and groups.
//!
//! Source: protocol dossier 6.8. Which of the two ways of answering was usual is not known: friends and groups have a
//! picture here, and everybody else is redirected to one that they share.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};

use super::ask::Ask;
use super::reply::{add_header, not_found, png};
use crate::sim::numbers::Whom;
use crate::sim::people::lasting_number;
use crate::sim::picture::draw;
use crate::sim::stage::{Shared, Stage};

/// The side of a picture, in pixels.
const SIDE: u32 = 40;
/// Where the picture is that those without one share.
const SHARED: &str = "http://face0.web.qq.com/face/shared.png";

/// `GET face<0…9>.web.qq.com/cgi/svr/face/getface`.
pub(super) async fn getface(State(shared): State<Arc<Shared>>, ask: Ask) -> Response {
    match shared.look(|stage| whose(stage, &ask)) {
        Face::Own(name) => png(portrait(&name)),
        Face::Shared => {
            let mut elsewhere = StatusCode::FOUND.into_response();
            add_header(&mut elsewhere, LOCATION, SHARED);
            elsewhere
        }
        Face::Unknown => not_found().await.into_response(),
    }
}

/// `GET face0.web.qq.com/face/shared.png`: the picture of those who have none.
pub(super) async fn shared_picture() -> Response {
    png(draw(SIDE, SIDE, [190, 190, 190]))
}

/// Which picture is asked for.
enum Face {
    /// One that is drawn after this name.
    Own(String),
    /// The one of everybody who has none.
    Shared,
    /// Nobody's.
    Unknown,
}

fn whose(stage: &Stage, ask: &Ask) -> Face {
    let session = stage.sessions.iter().find(|session| session.vfwebqq.as_deref() == Some(ask.field("vfwebqq")));
    let (Some(session), Ok(number)) = (session, ask.field("uin").parse::<u32>()) else { return Face::Unknown };
    if number == stage.world.account.number {
        return Face::Own(stage.world.account.nick.clone());
    }
    let whom = session.channel.as_ref().and_then(|channel| channel.numbers.whom(number));
    match (ask.field("type"), whom) {
        ("1", Some(Whom::Person(name))) => {
            stage.world.friend(name).map_or(Face::Shared, |friend| Face::Own(friend.name.clone()))
        }
        ("4", Some(Whom::Code(name))) => Face::Own(name.clone()),
        _ => Face::Unknown,
    }
}

fn portrait(name: &str) -> Vec<u8> {
    let [red, green, blue, _] = lasting_number("portrait", name).to_le_bytes();
    draw(SIDE, SIDE, [red | 64, green | 64, blue | 64])
}
