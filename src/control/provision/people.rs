//! `GET contacts` and `resolve_identifier/{identifier}`, `POST search_users` and `create_dm/{identifier}`: who there is to
//! talk to.
//!
//! Answers call people what the account calls them: they are for the person alone whose account it is.

use std::slice;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use matrix_sdk::ruma::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Refused};
use super::auth::{self, Person};
use super::{Provision, body, words};
use crate::bridge::login::Live;
use crate::control::chats::{Entry, chats};
use crate::qq::{AccountId, Chat, ContactId};
use crate::store::{LoginRow, LoginState};

/// The person's logins that are not logged out, by account.
pub(super) async fn logins_of(provision: &Provision, person: &Person) -> Result<Vec<LoginRow>, Refused> {
    let owner = person.0.clone();
    let rows = provision.bridge().store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
    Ok(rows.into_iter().filter(|row| row.state != LoginState::LoggedOut).collect())
}

/// The person's login `account`.
pub(super) async fn login_of(provision: &Provision, person: &Person, account: &str) -> Result<LoginRow, Refused> {
    let rows = logins_of(provision, person).await?;
    rows.into_iter().find(|row| row.account == account).ok_or_else(|| Refused::not_found("Login"))
}

/// The connection through which `uri` asks: that of `login_id`, else the person's preferred one, else their
/// first.
async fn live(provision: &Provision, person: &Person, uri: &Uri) -> Result<Arc<Live>, Refused> {
    let logins = &provision.bridge().logins;
    let live = match auth::login_id(uri) {
        Some(account) => logins.live(&AccountId::new(login_of(provision, person, &account).await?.account)),
        None => provision.bridge().meant_by(&person.0).await?.into_iter().next(),
    };
    live.ok_or_else(Refused::not_logged_in)
}

/// Somebody to talk to.
struct Somebody {
    id: ContactId,
    /// What the account calls them.
    name: String,
    /// What they call themselves.
    nick: String,
    /// The chat with them, if they are a friend.
    chat: Option<Chat>,
}

impl Somebody {
    fn is_called(&self, fits: impl Fn(&str) -> bool) -> bool {
        fits(&self.name.to_lowercase()) || fits(&self.nick.to_lowercase())
    }
}

/// The friends of `live`, by name.
async fn friends(live: &Arc<Live>) -> Result<Vec<Somebody>, Refused> {
    let friend = |Entry { chat, nick, .. }: Entry| {
        Some(Somebody { id: chat.peer.clone()?, name: chat.name.clone(), nick, chat: Some(chat) })
    };
    let mut friends: Vec<Somebody> = chats(slice::from_ref(live)).await?.into_iter().filter_map(friend).collect();
    friends.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(friends)
}

/// `people` as the API tells of them.
async fn told(provision: &Provision, live: &Live, people: &[Somebody]) -> Result<Vec<Value>, Refused> {
    let bridge = provision.bridge();
    let ids: Vec<ContactId> = people.iter().map(|somebody| somebody.id.clone()).collect();
    let avatars = bridge.pictures_of(&ids).await?;
    let mut told = Vec::with_capacity(people.len());
    for (somebody, avatar) in people.iter().zip(avatars) {
        let chat = somebody.chat.as_ref();
        let portal = chat.and_then(|chat| bridge.portals.by_chat(&live.account, &chat.id));
        let room = portal.and_then(|portal| portal.room.clone()).map(|room| room.to_string());
        let mut one = json!({
            "id": somebody.id.as_str(),
            "name": somebody.name,
            "mxid": bridge.homeserver.ghost_id(somebody.id.as_str())?,
        });
        if let Some(fields) = one.as_object_mut() {
            let more = [("avatar_url", avatar), ("dm_room_mxid", room)];
            fields.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))));
        }
        told.push(one);
    }
    Ok(told)
}

/// Whom `identifier` means: a ghost, an id of ours, or what one friend only is called.
async fn find(provision: &Provision, live: &Arc<Live>, identifier: &str) -> Result<Somebody, Refused> {
    let ghost = UserId::parse(identifier).ok().and_then(|user| provision.bridge().homeserver.contact_of(&user));
    let id = ghost.unwrap_or_else(|| identifier.to_owned());
    let mut friends = friends(live).await?;
    if let Some(place) = friends.iter().position(|friend| friend.id.as_str() == id) {
        return Ok(friends.swap_remove(place));
    }
    let wanted = identifier.to_lowercase();
    let called: Vec<usize> =
        (0..).zip(&friends).filter(|(_, friend)| friend.is_called(|name| name == wanted)).map(|(at, _)| at).collect();
    if let [only] = called[..] {
        return Ok(friends.swap_remove(only));
    }
    // Somebody of a group, whom QQ lets no chat begin with.
    let known = live.network.contact(&ContactId::new(id)).await.map_err(|_| Refused::not_found("Identifier"))?;
    let name = known.markname.unwrap_or_else(|| known.nick.clone());
    Ok(Somebody { id: known.id, name, nick: known.nick, chat: None })
}

/// `GET /_matrix/provision/v3/contacts`
pub(super) async fn contacts(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Answer {
    let live = live(&provision, &person, &uri).await?;
    let friends = friends(&live).await?;
    Ok(Json(json!({ "contacts": told(&provision, &live, &friends).await? })))
}

#[derive(Deserialize)]
struct Search {
    query: String,
}

/// `POST /_matrix/provision/v3/search_users`
pub(super) async fn search(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    uri: Uri,
    request: Request,
) -> Answer {
    let wanted = body::<Search>(request).await?.query.to_lowercase();
    let live = live(&provision, &person, &uri).await?;
    let mut friends = friends(&live).await?;
    friends.retain(|friend| friend.is_called(|name| name.contains(&wanted)));
    Ok(Json(json!({ "results": told(&provision, &live, &friends).await? })))
}

/// `GET /_matrix/provision/v3/resolve_identifier/{identifier}`
pub(super) async fn resolve(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    uri: Uri,
    identifier: Result<Path<String>, PathRejection>,
) -> Answer {
    let live = live(&provision, &person, &uri).await?;
    let somebody = find(&provision, &live, &words(identifier)?).await?;
    one(&provision, &live, somebody).await
}

async fn one(provision: &Provision, live: &Live, somebody: Somebody) -> Answer {
    let told = told(provision, live, &[somebody]).await?;
    Ok(Json(told.into_iter().next().unwrap_or_default()))
}

/// `POST /_matrix/provision/v3/create_dm/{identifier}`
pub(super) async fn create_dm(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    uri: Uri,
    identifier: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    let live = live(&provision, &person, &uri).await?;
    let somebody = find(&provision, &live, &words(identifier)?).await?;
    let chat = somebody.chat.clone().ok_or_else(|| Refused::not_found("Chat"))?;
    let bridge = provision.bridge();
    let is_there = bridge.portals.by_chat(&live.account, &chat.id).is_some_and(|portal| portal.room.is_some());
    bridge.open_chat(&live.account, chat).await?;
    let status = if is_there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, one(&provision, &live, somebody).await?).into_response())
}
