//! `GET whoami`, `capabilities`, `logins` and `login/flows`, `POST logout/{login}`: what there is, and how it does.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use serde_json::{Value, json};

use super::answer::{Answer, Refused, done};
use super::auth::Person;
use super::{Provision, flow, people, words};
use crate::bridge::Bridge;
use crate::qq::{self, AccountId, ContactId};
use crate::store::{LoginRow, LoginState};

/// What clients show for QQ: a letter of our own.
static ICON: &[u8] = include_bytes!("icon.png");

/// `GET /_matrix/provision/v3/whoami`
pub(super) async fn whoami(State(provision): State<Arc<Provision>>, Extension(person): Extension<Person>) -> Answer {
    let bridge = provision.bridge();
    let icon = bridge.own_picture(ICON).await?;
    let mxid = person.0.clone();
    let user = bridge.store.read(move |tx| Box::pin(async move { tx.user(&mxid).await })).await?;
    let rows = people::logins_of(&provision, &person).await?;
    let accounts: Vec<ContactId> = rows.iter().map(|row| ContactId::from(&AccountId::new(&row.account))).collect();
    let avatars = bridge.pictures_of(&accounts).await?;
    let logins: Vec<Value> = rows.iter().zip(avatars).map(|(row, avatar)| login(bridge, row, avatar)).collect();
    let mut all = json!({
        "network": {
            "displayname": "QQ",
            "network_url": "https://im.qq.com/",
            "network_icon": icon,
            "network_id": "qq",
            "beeper_bridge_type": "matrix-webqq",
        },
        "login_flows": flow::list(qq::offers(&bridge.config.network), bridge.texts_for(&person.0)),
        "homeserver": bridge.config.homeserver.domain,
        "bridge_bot": bridge.homeserver.bot_id(),
        "command_prefix": bridge.config.bridge.command_prefix,
        "logins": logins,
    });
    if let (Some(fields), Some(room)) = (all.as_object_mut(), user.and_then(|user| user.control_room)) {
        fields.insert("management_room".to_owned(), room.into());
    }
    Ok(Json(all))
}

/// One login. Times are in seconds on the wire, whatever bridgev2's own file says.
fn login(bridge: &Bridge, row: &LoginRow, avatar: Option<String>) -> Value {
    let event = match row.state {
        LoginState::Lost | LoginState::LoggedOut => "BAD_CREDENTIALS",
        LoginState::Connected => match bridge.logins.live(&AccountId::new(&row.account)) {
            None => "TRANSIENT_DISCONNECT",
            Some(live) if live.last_heard().is_none() => "CONNECTING",
            Some(_) => "CONNECTED",
        },
    };
    let since = row.since_ms / 1000;
    let mut state = json!({ "state_event": event, "timestamp": since });
    if let Some(fields) = state.as_object_mut().filter(|_| event == "BAD_CREDENTIALS") {
        fields.insert("error".to_owned(), "webqq-session-ended".into());
        fields.insert("message".to_owned(), bridge.texts_for(&row.owner).say("provision.lost", &[]).into());
    }
    let mut profile = json!({ "username": row.account, "name": row.nick });
    if let (Some(fields), Some(avatar)) = (profile.as_object_mut(), avatar) {
        fields.insert("avatar".to_owned(), avatar.into());
    }
    json!({
        // These two are what clients read before there was `state`.
        "state_event": event,
        "state_ts": since,
        "state": state,
        "id": row.account,
        "name": format!("{} ({})", row.nick, row.account),
        "profile": profile,
    })
}

/// `GET /_matrix/provision/v3/capabilities`
pub(super) async fn capabilities() -> Json<Value> {
    Json(json!({
        "resolve_identifier": {
            "create_dm": true,
            "lookup_phone": false,
            "lookup_email": false,
            "lookup_username": true,
            "any_phone": false,
            "contact_list": true,
            "search": true,
        },
        "group_creation": {},
    }))
}

/// `GET /_matrix/provision/v3/logins`
pub(super) async fn logins(State(provision): State<Arc<Provision>>, Extension(person): Extension<Person>) -> Answer {
    let rows = people::logins_of(&provision, &person).await?;
    let ids: Vec<String> = rows.into_iter().map(|row| row.account).collect();
    Ok(Json(json!({ "login_ids": ids })))
}

/// `GET /_matrix/provision/v3/login/flows`
pub(super) async fn flows(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
) -> Json<Value> {
    let bridge = provision.bridge();
    Json(json!({ "flows": flow::list(qq::offers(&bridge.config.network), bridge.texts_for(&person.0)) }))
}

/// `POST /_matrix/provision/v3/logout/{login}`
pub(super) async fn logout(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    account: Result<Path<String>, PathRejection>,
) -> Answer {
    let account = words(account)?;
    let mut rows = people::logins_of(&provision, &person).await?;
    if account != "all" {
        rows.retain(|row| row.account == account);
        if rows.is_empty() {
            return Err(Refused::not_found("Login"));
        }
    }
    for row in rows {
        provision.bridge().log_out(&AccountId::new(row.account)).await?;
    }
    Ok(done())
}
