//! The client API over HTTP, for one application service and its users.

use std::collections::BTreeMap;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::PretendHomeserver;
use super::fault::{Endpoint, Fault};
use super::rooms::{Refused, Wish};
use super::world::{Event, World};

/// Method, path below `/_matrix` with `*` for what varies, and what it is.
const ROUTES: &[(&str, &str, Endpoint)] = &[
    ("GET", "client/versions", Endpoint::Versions),
    ("GET", "client/v3/account/whoami", Endpoint::Whoami),
    ("POST", "client/v3/register", Endpoint::Register),
    ("PUT", "client/v3/profile/*/displayname", Endpoint::DisplayName),
    ("PUT", "client/v3/profile/*/avatar_url", Endpoint::AvatarUrl),
    ("POST", "client/v3/createRoom", Endpoint::CreateRoom),
    ("POST", "client/v3/rooms/*/join", Endpoint::Join),
    ("POST", "client/v3/rooms/*/invite", Endpoint::Invite),
    ("POST", "client/v3/rooms/*/leave", Endpoint::Leave),
    ("POST", "client/v3/rooms/*/forget", Endpoint::Forget),
    ("POST", "client/v3/rooms/*/kick", Endpoint::Kick),
    ("PUT", "client/v3/rooms/*/send/*/*", Endpoint::Send),
    ("PUT", "client/v3/rooms/*/redact/*/*", Endpoint::Redact),
    ("PUT", "client/v3/rooms/*/state/*/*", Endpoint::SetState),
    ("GET", "client/v3/rooms/*/state/*/*", Endpoint::GetState),
    ("GET", "client/v3/joined_rooms", Endpoint::JoinedRooms),
    ("GET", "client/v3/rooms/*/joined_members", Endpoint::JoinedMembers),
    ("GET", "client/v3/rooms/*/messages", Endpoint::Messages),
    ("GET", "client/v3/rooms/*/event/*", Endpoint::Event),
    ("POST", "media/v3/upload", Endpoint::Upload),
    ("GET", "client/v1/media/download/*/*", Endpoint::Download),
    ("POST", "client/v3/rooms/*/receipt/*/*", Endpoint::Receipt),
    ("PUT", "client/v3/rooms/*/typing/*", Endpoint::Typing),
    ("PUT", "client/v3/presence/*/status", Endpoint::Presence),
    ("PUT", "client/v3/user/*/account_data/*", Endpoint::SetAccountData),
    ("GET", "client/v3/user/*/account_data/*", Endpoint::GetAccountData),
    ("PUT", "client/v3/pushrules/global/*/*", Endpoint::SetPushRule),
    ("DELETE", "client/v3/pushrules/global/*/*", Endpoint::DeletePushRule),
    ("POST", "client/v1/appservice/*/ping", Endpoint::Ping),
];

/// One request, understood.
struct Request {
    endpoint: Endpoint,
    path: String,
    /// What stands in the path where [`ROUTES`] has `*`.
    args: Vec<String>,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    bytes: Bytes,
}

pub(super) fn router(homeserver: PretendHomeserver) -> Router {
    Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(homeserver)
}

async fn handle(
    State(homeserver): State<PretendHomeserver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let Some((endpoint, args)) = route(&method, uri.path()) else {
        return answer(Err(Refused::new(404, "M_UNRECOGNIZED", format!("{method} {uri}"))));
    };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let request = Request { endpoint, path: uri.path().to_owned(), args, query, headers, bytes };
    let fault = homeserver.change(|world| {
        if world.is_down {
            return Some(Fault::DropBefore);
        }
        world.requests.push(endpoint);
        world.asked_for.push(format!("{uri} {}", String::from_utf8_lossy(&request.bytes)));
        world.faults.take(endpoint)
    });
    match fault {
        Some(Fault::DropBefore) => lose_connection(),
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Refuse(code)) => answer(Err(Refused::new(400, code, "Not today"))),
        Some(Fault::Limit(ms)) => {
            let mut limited = Refused::new(429, "M_LIMIT_EXCEEDED", "Too many requests");
            limited.body["retry_after_ms"] = ms.into();
            answer(Err(limited))
        }
        Some(Fault::Drop) => {
            work(&homeserver, &request).await;
            lose_connection()
        }
        Some(Fault::Delay(late)) => {
            tokio::time::sleep(late).await;
            work(&homeserver, &request).await
        }
        None => work(&homeserver, &request).await,
    }
}

/// Ends the connection's task without a word, so that the connection is closed without an answer.
fn lose_connection() -> ! {
    std::panic::resume_unwind(Box::new("connection lost on order"))
}

async fn work(homeserver: &PretendHomeserver, request: &Request) -> Response {
    if request.endpoint == Endpoint::Ping {
        return answer(ping(homeserver, request).await);
    }
    if request.endpoint == Endpoint::Download {
        return download(homeserver, request);
    }
    answer(homeserver.change(|world| {
        let who = who(world, request)?;
        let once = matches!(request.endpoint, Endpoint::Send | Endpoint::Redact);
        let key = format!("{} {}", shown_token(request), request.path);
        if let Some(before) = world.answered.get(&key).filter(|_| once) {
            return Ok(before.clone());
        }
        let done = act(world, &who, request)?;
        if once {
            world.answered.insert(key, done.clone());
        }
        Ok(done)
    }))
}

fn download(homeserver: &PretendHomeserver, request: &Request) -> Response {
    let found = homeserver.see(|world| {
        who(world, request)?;
        world.media(&format!("mxc://{}", request.args.join("/"))).cloned().ok_or_else(nothing)
    });
    match found {
        Ok((mime, bytes)) => ([("content-type", mime)], bytes).into_response(),
        Err(refused) => answer(Err(refused)),
    }
}

fn answer(result: Result<Value, Refused>) -> Response {
    match result {
        Ok(body) => Json(body).into_response(),
        Err(Refused { status, body }) => (status, Json(body)).into_response(),
    }
}

fn route(method: &Method, path: &str) -> Option<(Endpoint, Vec<String>)> {
    let path: Vec<&str> = path.strip_prefix("/_matrix/")?.split('/').collect();
    ROUTES.iter().find_map(|(verb, pattern, endpoint)| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let mut pairs = pattern.iter().zip(&path);
        let fits = method == verb && pattern.len() == path.len() && pairs.all(|(want, is)| *want == "*" || want == is);
        let args = pattern.iter().zip(&path).filter(|(want, _)| **want == "*").map(|(_, is)| percent_decoded(is));
        fits.then(|| (*endpoint, args.collect()))
    })
}

fn percent_decoded(segment: &str) -> String {
    // As a query it would also turn `+` into a space.
    let query = segment.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn shown_token(request: &Request) -> &str {
    let shown = request.headers.get("authorization").and_then(|header| header.to_str().ok()).unwrap_or("");
    shown.strip_prefix("Bearer ").unwrap_or_default()
}

/// Checks the token, and whom the application service acts for.
fn who(world: &World, request: &Request) -> Result<String, Refused> {
    let shown = shown_token(request);
    if request.endpoint == Endpoint::Versions && shown.is_empty() {
        return Ok(String::new());
    }
    if let Some(person) = world.tokens.get(shown) {
        // A person's token is for nobody else.
        return Ok(person.clone());
    }
    let is_second = world.second_service.as_deref() == Some(shown);
    if shown != world.setup.as_token && !is_second {
        return Err(Refused::new(401, "M_UNKNOWN_TOKEN", "Invalid access token passed."));
    }
    let Some(who) = request.query.get("user_id") else { return Ok(world.sender()) };
    if !is_second && !world.is_bridged(who) {
        return Err(Refused::forbidden(format!("Application service cannot masquerade as this user ({who}).")));
    }
    if !world.users.contains_key(who) {
        return Err(Refused::forbidden(format!("Application service has not registered this user ({who})")));
    }
    Ok(who.clone())
}

/// Does what is asked.
fn act(world: &mut World, who: &str, request: &Request) -> Result<Value, Refused> {
    let args: Vec<&str> = request.args.iter().map(String::as_str).collect();
    let body = || serde_json::from_slice::<Value>(&request.bytes).unwrap_or_default();
    // People cannot say when they said something, application services can.
    let is_person = world.tokens.contains_key(shown_token(request));
    let ts = request.query.get("ts").filter(|_| !is_person).and_then(|ts| ts.parse().ok());
    let event = |id: String| json!({ "event_id": id });
    match (request.endpoint, args.as_slice()) {
        (Endpoint::Versions, _) => Ok(json!({ "versions": ["v1.1", "v1.7", "v1.11"] })),
        (Endpoint::Whoami, _) => Ok(json!({ "user_id": who })),
        (Endpoint::Register, _) => register(world, &body()),
        (Endpoint::DisplayName, [user]) => {
            need_self(who, user)?;
            world.set_display_name(who, body()["displayname"].as_str().unwrap());
            Ok(json!({}))
        }
        (Endpoint::AvatarUrl, [user]) => {
            need_self(who, user)?;
            let url = body()["avatar_url"].as_str().unwrap().to_owned();
            world.users.entry(who.to_owned()).or_default().avatar_url = Some(url);
            world.enter_again(who);
            Ok(json!({}))
        }
        (Endpoint::Presence, [user]) => {
            need_self(who, user)?;
            world.presence.insert(who.to_owned(), body());
            Ok(json!({}))
        }
        (Endpoint::CreateRoom, _) => Ok(json!({ "room_id": world.create_room(who, &body()) })),
        (Endpoint::Join, [room]) => world.join(room, who).map(|()| json!({ "room_id": room })),
        (Endpoint::Invite, [room]) => world.invite(room, who, body()["user_id"].as_str().unwrap()).map(|()| json!({})),
        (Endpoint::Leave, [room]) => world.leave(room, who, body()).map(|()| json!({})),
        (Endpoint::Forget, [room]) if world.membership(room, who) != "join" => Ok(json!({})),
        (Endpoint::Kick, [room]) => world.kick(room, who, body()["user_id"].as_str().unwrap()).map(|()| json!({})),
        (Endpoint::Send, [room, kind, _]) => {
            world.send(room, who, Wish { kind, state_key: None, content: body(), ts }).map(event)
        }
        (Endpoint::Redact, [room, target, _]) => world.redact(room, who, target, &body()["reason"]).map(event),
        (Endpoint::SetState, [room, kind, key]) => world.send(room, who, Wish::state(kind, key, body())).map(event),
        _ => look(world, who, request.endpoint, &args, request),
    }
}

/// Does what changes no room.
fn look(world: &mut World, who: &str, endpoint: Endpoint, args: &[&str], request: &Request) -> Result<Value, Refused> {
    let body = || serde_json::from_slice::<Value>(&request.bytes).unwrap_or_default();
    match (endpoint, args) {
        (Endpoint::GetState, [room, kind, key]) => {
            world.need_joined(room, who)?;
            let is_whole = request.query.get("format").is_some_and(|format| format == "event");
            let found = world.state_event(room, kind, key).ok_or_else(nothing)?;
            Ok(if is_whole { found.to_json() } else { found.content.clone() })
        }
        (Endpoint::JoinedRooms, _) => {
            let rooms: Vec<_> =
                world.room_ids().into_iter().filter(|room| world.membership(room, who) == "join").collect();
            Ok(json!({ "joined_rooms": rooms }))
        }
        (Endpoint::JoinedMembers, [room]) => {
            world.need_joined(room, who)?;
            let names = world.members(room).into_iter().map(|user| {
                let name = json!({ "display_name": world.state(room, "m.room.member", &user)["displayname"] });
                (user, name)
            });
            Ok(json!({ "joined": names.collect::<BTreeMap<_, _>>() }))
        }
        (Endpoint::Messages, [room]) => messages(world, who, room, &request.query),
        (Endpoint::Event, [room, id]) => {
            world.need_joined(room, who)?;
            let found = world.timeline(room).iter().find(|event| event.id == *id);
            found.map(Event::to_json).ok_or_else(nothing)
        }
        (Endpoint::Upload, _) => {
            let number = world.next();
            let uri = format!("mxc://{}/media{number}", world.setup.domain);
            let mime = request.headers.get("content-type").and_then(|mime| mime.to_str().ok()).unwrap_or("").to_owned();
            world.media.insert(uri.clone(), (mime, request.bytes.to_vec()));
            Ok(json!({ "content_uri": uri }))
        }
        (Endpoint::Receipt, [room, "m.read", event]) => {
            world.need_joined(room, who)?;
            world.receipts.push((who.to_owned(), (*event).to_owned()));
            Ok(json!({}))
        }
        (Endpoint::Typing, [room, user]) => {
            need_self(who, user)?;
            world.need_joined(room, who)?;
            let typing = world.typing.entry((*room).to_owned()).or_default();
            typing.retain(|other| other != who);
            if body()["typing"] == true {
                typing.push(who.to_owned());
            }
            Ok(json!({}))
        }
        _ => settings(world, who, endpoint, args, &body()),
    }
}

/// Keeps or tells what people set for themselves.
fn settings(world: &mut World, who: &str, endpoint: Endpoint, args: &[&str], body: &Value) -> Result<Value, Refused> {
    match (endpoint, args) {
        (Endpoint::SetAccountData, [user, kind]) => {
            need_self(who, user)?;
            world.users.get_mut(who).ok_or_else(nothing)?.account_data.insert((*kind).to_owned(), body.clone());
            Ok(json!({}))
        }
        (Endpoint::GetAccountData, [user, kind]) => {
            need_self(who, user)?;
            world.users.get(who).and_then(|user| user.account_data.get(*kind)).cloned().ok_or_else(nothing)
        }
        (Endpoint::SetPushRule, [kind, rule]) => {
            let rules = &mut world.users.get_mut(who).ok_or_else(nothing)?.push_rules;
            rules.insert(format!("{kind}/{rule}"), body.clone());
            Ok(json!({}))
        }
        (Endpoint::DeletePushRule, [kind, rule]) => {
            let rules = &mut world.users.get_mut(who).ok_or_else(nothing)?.push_rules;
            rules.remove(&format!("{kind}/{rule}")).map(|_| json!({})).ok_or_else(nothing)
        }
        _ => Err(Refused::new(400, "M_INVALID_PARAM", format!("{endpoint:?} {args:?}"))),
    }
}

fn register(world: &mut World, order: &Value) -> Result<Value, Refused> {
    let user = world.user_id(order["username"].as_str().unwrap_or(""));
    if order["type"] != "m.login.application_service" || !world.is_bridged(&user) {
        return Err(Refused::new(400, "M_EXCLUSIVE", "This user ID is reserved by an application service."));
    }
    if world.users.contains_key(&user) {
        return Err(Refused::new(400, "M_USER_IN_USE", "User ID already taken."));
    }
    world.users.entry(user.clone()).or_default();
    Ok(json!({ "user_id": user }))
}

fn messages(world: &World, who: &str, room: &str, query: &BTreeMap<String, String>) -> Result<Value, Refused> {
    let number = |key: &str| query.get(key).and_then(|text| text.trim_start_matches('t').parse::<usize>().ok());
    let (chunk, end) = world.page_back(room, who, number("from"), number("limit").unwrap_or(10))?;
    let mut page = json!({ "chunk": chunk, "start": query.get("from").map_or("t", String::as_str) });
    if let Some(end) = end {
        page["end"] = format!("t{end}").into();
    }
    Ok(page)
}

fn need_self(who: &str, user: &str) -> Result<(), Refused> {
    if who == user { Ok(()) } else { Err(Refused::forbidden("Cannot do that for other users")) }
}

fn nothing() -> Refused {
    Refused::not_found("Not found")
}

/// Calls the bridge back, with Synapse's words for what goes wrong.
async fn ping(homeserver: &PretendHomeserver, request: &Request) -> Result<Value, Refused> {
    let (url, hs_token) = homeserver.see(|world| {
        who(world, request)?;
        if request.args.first() != Some(&world.setup.id) {
            return Err(Refused::forbidden("Mismatching application service ID in path"));
        }
        Ok((world.bridge_url.clone(), world.setup.hs_token.clone()))
    })?;
    let url =
        url.ok_or_else(|| Refused::new(400, "M_URL_NOT_SET", "The application service does not have a URL set"))?;
    let body: Value = serde_json::from_slice(&request.bytes).unwrap_or_default();
    let call = reqwest::Client::new().post(format!("{url}/_matrix/app/v1/ping")).bearer_auth(hs_token).json(&body);
    match call.send().await {
        Ok(answer) if answer.status().is_success() => Ok(json!({ "duration_ms": 1 })),
        Ok(answer) => {
            let mut refused = Refused::new(502, "M_BAD_STATUS", "The application service answered otherwise");
            refused.body["status"] = answer.status().as_u16().into();
            Err(refused)
        }
        Err(_) => Err(Refused::new(502, "M_CONNECTION_FAILED", "Failed to ping the application service")),
    }
}
