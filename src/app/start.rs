//! A start in its order: database, listener, `/versions`, `/whoami`, ping, then the journeys.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::Fatal;
use crate::base::{Backoff, Clock, Seal, Shutdown};
use crate::bridge::Bridge;
use crate::cli::Exit;
use crate::config::Config;
use crate::control::{Control, provision};
use crate::matrix::listener::{self, Limits};
use crate::matrix::server::IsReady;
use crate::matrix::{self, Appservice, Homeserver, PingError, Public, Verdict};
use crate::store::Store;
use crate::watch;

/// How many times the homeserver is asked to call us back before that counts as a mistake in the setup.
const PINGS: u32 = 5;

/// A bridge that runs.
#[derive(Debug)]
pub struct House {
    /// Where the homeserver reaches it.
    pub address: SocketAddr,
    store: Store,
    shutdown: Shutdown,
}

impl House {
    /// Asks every task to end, waits for them for `patience`, and closes the database.
    pub async fn stop(self, patience: Duration) {
        self.shutdown.begin();
        if !self.shutdown.finish(patience).await {
            warn!("some tasks did not end in time; what they were doing is on disk");
        }
        self.store.close().await;
    }
}

fn seal(path: &str) -> Result<Seal, Fatal> {
    if path.is_empty() {
        return Ok(Seal::default());
    }
    let fault = |why| Fatal::new(Exit::ConfigInvalid, format!("database.secret_key_file is \"{path}\": {why}"));
    Seal::from_file(Path::new(path)).map_err(fault)
}

/// Starts the bridge. Waits for a homeserver that is not up yet; fails for what only a person can repair.
pub async fn start(config: Config, clock: Clock, shutdown: Shutdown) -> Result<House, Fatal> {
    let store = Store::open(&config.database, clock.clone())
        .await
        .map_err(|why| Fatal::new(Exit::Database, format!("database: {why}")))?;
    let seal = seal(&config.database.secret_key_file)?;
    let homeserver = Homeserver::new(&config.homeserver, &config.appservice)
        .await
        .map_err(|why| Fatal::new(Exit::ConfigInvalid, why.to_string()))?;
    let (listener, address) = listen(&config).await?;
    let watchers = match config.metrics.own_address().filter(|_| config.metrics.enabled) {
        Some(own) => Some(listen_on(&own.to_string(), "metrics.listen").await?.0),
        None => None,
    };
    let (bridge, orders) = Bridge::new(config, (store.clone(), seal), homeserver, clock, shutdown.clone());
    let ready = Arc::new(AtomicBool::new(false));
    let control = Control::new(Arc::clone(&bridge));
    serve(&bridge, &control, listener, Arc::clone(&ready));
    if let Some(listener) = watchers {
        serve_router(&bridge, listener, watch::own_router(&bridge));
    }
    introduce(&bridge).await?;
    shutdown.spawn(control.obey(orders));
    bridge.start().await.map_err(|why| Fatal::new(Exit::Failure, why.to_string()))?;
    ready.store(true, Ordering::Relaxed);
    Ok(House { address, store, shutdown })
}

async fn listen(config: &Config) -> Result<(TcpListener, SocketAddr), Fatal> {
    let (host, port) = (&config.appservice.hostname, config.appservice.port);
    let wanted = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    listen_on(&wanted, "appservice.hostname or appservice.port").await
}

/// Listens where `key` says.
async fn listen_on(wanted: &str, key: &str) -> Result<(TcpListener, SocketAddr), Fatal> {
    let listening = async {
        let listener = TcpListener::bind(wanted).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    listening.await.map_err(|why| {
        let message = format!("cannot listen on {wanted} ({why}): change {key}, or stop what listens there");
        Fatal::new(Exit::NoListener, message)
    })
}

fn serve(bridge: &Arc<Bridge>, control: &Arc<Control>, listener: TcpListener, ready: Arc<AtomicBool>) {
    let is_ready: IsReady = Arc::new(move || ready.load(Ordering::Relaxed));
    let (sink, namesake) = (Arc::clone(bridge), Arc::clone(bridge));
    let appservice = Appservice {
        hs_token: bridge.config.appservice.hs_token.clone(),
        sink: Arc::new(move |transaction| sink.receive_from_matrix(transaction)),
        knows_user: Arc::new(move |user| {
            let bridge = Arc::clone(&namesake);
            async move { bridge.knows_ghost(&user).await }.boxed()
        }),
        is_ready: Arc::clone(&is_ready),
        public: bridge.links.clone().map(|links| {
            let most_bytes = bridge.config.bridge.media.most_bytes();
            Public::new(bridge.homeserver.clone(), links, bridge.clock.clone(), most_bytes)
        }),
    };
    let api = provision::router(Arc::clone(control), is_ready);
    let router = matrix::server::router(appservice).merge(watch::router(bridge)).merge(api);
    serve_router(bridge, listener, router);
}

fn serve_router(bridge: &Bridge, listener: TcpListener, router: axum::Router) {
    let shutdown = bridge.shutdown.clone();
    bridge.shutdown.spawn(async move { listener::serve(listener, router, Limits::default(), &shutdown).await });
}

/// Makes sure that the homeserver and we know each other, in both directions.
async fn introduce(bridge: &Bridge) -> Result<(), Fatal> {
    let homeserver = &bridge.homeserver;
    let versions = patiently(bridge, || homeserver.versions()).await?;
    info!(newest = versions.last().map_or("none", String::as_str), "the homeserver answers");
    let us = patiently(bridge, || homeserver.whoami()).await?;
    let domain = &bridge.config.homeserver.domain;
    if us.server_name() != domain.as_str() {
        let why = format!("homeserver.domain is {domain}, but the homeserver calls itself {}", us.server_name());
        return Err(Fatal::new(Exit::WrongAccount, why));
    }
    ping(bridge).await?;
    let bot = homeserver.bot();
    patiently(bridge, || bot.ensure_registered()).await?;
    let name = &bridge.config.appservice.bot.displayname;
    if !name.is_empty()
        && let Err(why) = bot.set_display_name(name).await
    {
        warn!(%why, "the bot's display name could not be set");
    }
    Ok(())
}

/// Asks until the homeserver answers; gives up on a refusal.
async fn patiently<T, F>(bridge: &Bridge, ask: impl Fn() -> F) -> Result<T, Fatal>
where
    F: Future<Output = Result<T, matrix::Error>>,
{
    let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
    let mut failures = 0;
    loop {
        let why = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) if why.is_token_refused() => {
                let fix = "run `matrix-webqq -g` again, give the registration to the homeserver and restart it";
                return Err(Fatal::new(Exit::TokenRefused, format!("{why}; {fix}")));
            }
            Err(why) if why.verdict() == Verdict::GiveUp => {
                return Err(Fatal::new(Exit::TokenRefused, why.to_string()));
            }
            Err(why) => why,
        };
        failures += 1;
        warn!(%why, failures, "the homeserver does not answer yet; trying again");
        let waited = bridge.shutdown.unless_asked(tokio::time::sleep(backoff.delay(failures))).await;
        if waited.is_none() {
            return Err(Fatal::new(Exit::HomeserverUnreachable, "stopped before the homeserver answered"));
        }
    }
}

/// Has the homeserver call us back. A homeserver that is too old to do so is taken as it is.
async fn ping(bridge: &Bridge) -> Result<(), Fatal> {
    let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
    let mut failures = 0;
    loop {
        let transaction = format!("start-{}", bridge.clock.now_ms());
        let why = match bridge.homeserver.ping(&transaction).await {
            Ok(took) => {
                info!(?took, "the homeserver reaches us");
                return Ok(());
            }
            Err(PingError::Unsupported) => {
                warn!("the homeserver is too old to be asked whether it reaches us");
                return Ok(());
            }
            Err(why) => why,
        };
        failures += 1;
        let fatal = failures >= PINGS || !matches!(why, PingError::Homeserver(_) | PingError::CannotReachUs);
        if fatal {
            return Err(Fatal::new(ping_exit(&why), format!("{why}; {}", super::doctor::fix(&why, &bridge.config))));
        }
        warn!(%why, failures, "the homeserver does not reach us yet; trying again");
        tokio::time::sleep(backoff.delay(failures)).await;
    }
}

pub(super) fn ping_exit(why: &PingError) -> Exit {
    match why {
        PingError::TokenRefused => Exit::TokenRefused,
        PingError::WrongId => Exit::WrongAccount,
        _ => Exit::UnreachableForHomeserver,
    }
}
