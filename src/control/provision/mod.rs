//! `/_matrix/provision/v3`: the API by which other programs log people in and start chats, as mautrix bridges have it.
//!
//! Facts of the wire are those of bridgev2, mautrix-go v0.26 (`provisioning.yaml` and the code beside it, which is newer than
//! its file); `docs/provisioning.json` says what of it there is here, and every answer in the tests is held against that.

mod answer;
mod auth;
mod code;
mod flow;
mod login;
mod people;
mod process;
mod whoami;

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest as _, Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CONTENT_TYPE, HeaderValue,
};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Control;
use crate::bridge::Bridge;
use crate::matrix::server::IsReady;
use crate::qq::AccountId;
use answer::{Answer, Refused};
use auth::{Doorman, Person};
use process::{Input, Kind, Process};

/// More than any body here has.
const BODY_BYTES: usize = 64 << 10;
/// How long one may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// What the API can do, for programs to read.
static DESCRIPTION: &str = include_str!("../../../docs/provisioning.json");

/// What is needed to answer.
struct Provision {
    control: Arc<Control>,
    is_ready: IsReady,
    doorman: Doorman,
    /// The last login of each person.
    processes: Mutex<HashMap<String, Arc<Process>>>,
}

impl Provision {
    fn bridge(&self) -> &Arc<Bridge> {
        &self.control.bridge
    }

    fn processes(&self) -> MutexGuard<'_, HashMap<String, Arc<Process>>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes. `is_ready` tells whether what the last process left was taken up.
pub fn router(control: Arc<Control>, is_ready: IsReady) -> Router {
    let provision = Arc::new(Provision { control, is_ready, doorman: Doorman::default(), processes: Mutex::default() });
    let routes = Router::new()
        .route("/whoami", get(whoami::whoami))
        .route("/capabilities", get(whoami::capabilities))
        .route("/logins", get(whoami::logins))
        .route("/login/flows", get(whoami::flows))
        .route("/login/start/{flow}", post(start))
        .route("/login/step/{process}/{step}/{kind}", post(step))
        .route("/login/cancel/{process}", post(cancel))
        .route("/logout/{login}", post(whoami::logout))
        .route("/contacts", get(people::contacts))
        .route("/search_users", post(people::search))
        .route("/resolve_identifier/{identifier}", get(people::resolve))
        .route("/create_dm/{identifier}", post(people::create_dm))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&provision), with_person))
        .route("/openapi.json", get(|| ready(([(CONTENT_TYPE, "application/json")], DESCRIPTION))))
        .with_state(provision)
        .method_not_allowed_fallback(|| unrecognized(StatusCode::METHOD_NOT_ALLOWED, "Invalid method for endpoint"))
        .fallback(|| unrecognized(StatusCode::NOT_FOUND, "Unrecognized endpoint"))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(for_browsers));
    Router::new().nest("/_matrix/provision/v3", routes)
}

fn unrecognized(status: StatusCode, error: &str) -> Ready<Refused> {
    ready(Refused::unrecognized(status, error))
}

/// Lets through whoever may log in.
async fn with_person(State(provision): State<Arc<Provision>>, mut request: Request, next: Next) -> Response {
    let person = provision.doorman.admit(provision.bridge(), request.headers(), request.uri()).await;
    let person = person.and_then(|person| if (provision.is_ready)() { Ok(person) } else { Err(Refused::not_ready()) });
    match person {
        Ok(person) => {
            request.extensions_mut().insert(person);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// Lets pages of any address call us: what opens the door is a token, which browsers do not send by themselves.
/// Source: Matrix specification 1.17, client-server API, "Web browser clients".
async fn for_browsers(request: Request, next: Next) -> Response {
    let is_question = request.method() == Method::OPTIONS;
    let mut response = if is_question { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let allowed = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "X-Requested-With, Content-Type, Authorization"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    response.headers_mut().extend(allowed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// What stands in the path where the route has names.
fn words<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Refused> {
    path.map(|Path(words)| words).map_err(|_| Refused::invalid("The path is not text"))
}

/// The body of `request`, understood.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Refused> {
    let read = timeout(BODY_PATIENCE, Bytes::from_request(request, &())).await.map_err(|_| Refused::too_slow())?;
    let bytes = read.map_err(|_| Refused::too_large())?;
    // What serde says of it may hold a password.
    serde_json::from_slice(&bytes).map_err(|why| match why.classify() {
        serde_json::error::Category::Data => Refused::bad_json("The body is not an object with texts"),
        _ => Refused::not_json(),
    })
}

/// `POST /_matrix/provision/v3/login/start/{flow}?login_id=…`
async fn start(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    uri: Uri,
    flow: Result<Path<String>, PathRejection>,
) -> Answer {
    let again = match auth::login_id(&uri) {
        Some(account) => Some(AccountId::new(people::login_of(&provision, &person, &account).await?.account)),
        None => None,
    };
    login::start(provision, person, &words(flow)?, again).await
}

/// `POST /_matrix/provision/v3/login/step/{process}/{step}/{kind}`
async fn step(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let (process, step, kind) = words(path)?;
    let kind = Kind::of(&kind);
    let kind = kind.ok_or_else(|| Refused::unrecognized(StatusCode::NOT_FOUND, "Invalid step type"))?;
    let input = if kind == Kind::UserInput { body::<Input>(request).await? } else { Input::new() };
    login::step(&provision, &person, (&process, &step, kind), input).await
}

/// `POST /_matrix/provision/v3/login/cancel/{process}`
async fn cancel(
    State(provision): State<Arc<Provision>>,
    Extension(person): Extension<Person>,
    process: Result<Path<String>, PathRejection>,
) -> Answer {
    login::cancel(&provision, &person, &words(process)?)
}
