//! `/health`: well, or degraded and why. What counts is what got through, not whether there is a connection.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::base::metrics::Way;
use crate::bridge::Bridge;
use crate::bridge::watch::View;
use crate::config::Health as Limits;
use crate::store::LoginState;

/// For how long an answer is good: whoever asks all the time shall not make the bridge ask others as often.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How long the database and the homeserver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No poll of this login has ended well for so long.
    Silent {
        /// Its number.
        login: u32,
        /// How long.
        age: Duration,
    },
    /// The oldest of a queue has waited for so long.
    Stuck {
        /// Which queue.
        way: Way,
        /// How long.
        age: Duration,
    },
    /// The database takes nothing.
    Database(String),
    /// The homeserver does not answer.
    Homeserver(String),
}

impl Reason {
    fn to_json(&self) -> Value {
        match self {
            Self::Silent { login, age } => json!({
                "code": "login_silent", "login": login, "seconds": age.as_secs(),
                "message": format!("login {login}: no poll of QQ has ended well for {} s", age.as_secs()),
            }),
            Self::Stuck { way, age } => json!({
                "code": "queue_stuck", "direction": way.label(), "seconds": age.as_secs(),
                "message": format!("{}: the oldest has waited for {} s", way.label(), age.as_secs()),
            }),
            Self::Database(why) => json!({ "code": "database_refuses", "message": format!("the database: {why}") }),
            Self::Homeserver(why) => {
                json!({ "code": "homeserver_unreachable", "message": format!("the homeserver: {why}") })
            }
        }
    }
}

/// What is wrong with the bridge as `view` shows it.
#[must_use]
pub fn reasons(view: &View, limits: &Limits) -> Vec<Reason> {
    let should_be_live = view.logins.iter().filter(|login| login.row.state == LoginState::Connected);
    let silent = should_be_live
        .filter(|login| login.silent_for > limits.poll_age())
        .map(|login| Reason::Silent { login: login.number, age: login.silent_for });
    let stuck = view.queues.iter().filter_map(|queue| {
        let age = queue.oldest.filter(|age| *age > limits.queue_age())?;
        Some(Reason::Stuck { way: queue.way, age })
    });
    silent.chain(stuck).collect()
}

/// How the bridge does.
#[derive(Clone, Debug)]
pub(super) struct Health {
    view: Option<View>,
    /// What is wrong; nothing when it is well.
    pub(super) reasons: Vec<Reason>,
}

impl Health {
    /// For machines and people. Logins are numbers.
    pub(super) fn to_json(&self) -> Value {
        let reasons: Vec<Value> = self.reasons.iter().map(Reason::to_json).collect();
        let mut health = json!({
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "status": if reasons.is_empty() { "ok" } else { "degraded" },
            "reasons": reasons,
        });
        if let (Some(view), Some(fields)) = (&self.view, health.as_object_mut()) {
            fields.insert("uptime_seconds".to_owned(), view.uptime.as_secs().into());
            fields.insert("logins".to_owned(), logins(view));
            fields.insert("queues".to_owned(), queues(view));
        }
        health
    }
}

fn logins(view: &View) -> Value {
    let login = |login: &crate::bridge::watch::LoginView| {
        let state = match login.row.state {
            LoginState::Connected => "connected",
            LoginState::Lost => "lost",
            LoginState::LoggedOut => "logged_out",
        };
        json!({
            "login": login.number,
            "state": state,
            "last_poll_seconds": login.is_up.then_some(login.silent_for.as_secs()),
            "session_seconds": login.session_age.map(|age| age.as_secs()),
        })
    };
    view.logins.iter().map(login).collect()
}

fn queues(view: &View) -> Value {
    let queue = |queue: &crate::bridge::watch::QueueView| {
        let oldest = queue.oldest.map(|age| age.as_secs());
        (queue.way.label().to_owned(), json!({ "waiting": queue.moving(), "oldest_seconds": oldest }))
    };
    Value::Object(view.queues.iter().map(queue).collect())
}

/// Looks at the bridge, at most every second.
pub(super) struct Doctor {
    bridge: Arc<Bridge>,
    last: Mutex<Option<(Instant, Health)>>,
}

impl Doctor {
    /// Nothing was looked at yet.
    pub(super) fn new(bridge: Arc<Bridge>) -> Self {
        Self { bridge, last: Mutex::new(None) }
    }

    /// How the bridge does, or did a moment ago.
    pub(super) async fn look(&self) -> Health {
        let mut last = self.last.lock().await;
        if let Some((_, health)) = last.as_ref().filter(|(at, _)| at.elapsed() < GOOD_FOR) {
            return health.clone();
        }
        let health = examine(&self.bridge).await;
        *last = Some((Instant::now(), health.clone()));
        health
    }
}

async fn examine(bridge: &Bridge) -> Health {
    let late = |_| "no answer in time".to_owned();
    let database =
        async { timeout(PATIENCE, bridge.try_to_write()).await.map_err(late)?.map_err(|why| why.to_string()) };
    let homeserver =
        async { timeout(PATIENCE, bridge.homeserver.versions()).await.map_err(late)?.map_err(|why| why.to_string()) };
    let (database, homeserver, view) = tokio::join!(database, homeserver, bridge.view());
    let mut wrong = view.as_ref().map(|view| reasons(view, &bridge.config.health)).unwrap_or_default();
    let unreadable = view.as_ref().err().map(ToString::to_string);
    wrong.extend(database.err().or(unreadable).map(Reason::Database));
    wrong.extend(homeserver.err().map(Reason::Homeserver));
    Health { view: view.ok(), reasons: wrong }
}
