//! A pretend homeserver on the loopback: it keeps a ledger of all that happens, and misbehaves on order.
//!
//! It speaks the part of the client API that an application service uses, pushes transactions as Synapse does, and
//! lets tests play the people. Its state outlives an outage, so that a bridge, even one that runs as a process of its
//! own, finds it again as it left it.

mod client_api;
mod fault;
mod human;
mod push;
mod rooms;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use matrix_webqq::base::{Secret, Shutdown};
use matrix_webqq::config;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::port::Port;
pub(crate) use fault::{Endpoint, Fault};
pub(crate) use human::Human;
pub(crate) use world::{Event, Setup, World};

/// Whoever waits longer than this waits for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// The homeserver; clones are the same one. It ends with its last clone's runtime.
#[derive(Clone)]
pub(crate) struct PretendHomeserver {
    inner: Arc<Inner>,
}

struct Inner {
    port: Port,
    world: Mutex<World>,
    /// Touched at every change of the world.
    changed: watch::Sender<()>,
    tasks: Shutdown,
    /// The listener, while it is up.
    up: Mutex<Option<Shutdown>>,
}

impl PretendHomeserver {
    /// Starts with nobody and nothing but the bridge's sender.
    pub(crate) async fn start() -> Self {
        Self::start_as(Setup::default()).await
    }

    /// Starts with another registration than the usual one.
    pub(crate) async fn start_as(setup: Setup) -> Self {
        let port = Port::reserve();
        let listener = port.listen().await;
        let inner = Inner {
            port,
            world: Mutex::new(World::new(setup)),
            changed: watch::Sender::new(()),
            tasks: Shutdown::new(),
            up: Mutex::new(None),
        };
        let homeserver = Self { inner: Arc::new(inner) };
        homeserver.listen(listener);
        let pusher = homeserver.clone();
        homeserver.inner.tasks.spawn(async move { push::push_for_ever(pusher).await });
        homeserver
    }

    /// Where its client API is.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.inner.port.address)
    }

    /// What a bridge has to be told about it.
    pub(crate) fn homeserver_config(&self) -> config::Homeserver {
        config::Homeserver { address: self.address(), domain: self.see(|world| world.setup.domain.clone()) }
    }

    /// What a bridge that listens at `address` has to be told about itself.
    pub(crate) fn appservice_config(&self, address: &str) -> config::AppService {
        self.see(|world| config::AppService {
            address: address.to_owned(),
            as_token: Secret::new(&world.setup.as_token),
            hs_token: Secret::new(&world.setup.hs_token),
            ..Default::default()
        })
    }

    /// Installs the registration's `url`. Whatever happened before is pushed now.
    pub(crate) fn connect_bridge(&self, url: &str) {
        self.change(|world| world.bridge_url = Some(url.to_owned()));
    }

    /// Stops listening and drops every connection. What is there stays there.
    pub(crate) async fn go_down(&self) {
        self.change(|world| world.is_down = true);
        if let Some(up) = self.inner.up.lock().unwrap().take() {
            up.begin();
        }
        self.wait_until("the listener to be closed", |world| !world.is_listening).await;
    }

    /// Listens again, on the same port.
    pub(crate) async fn come_back(&self) {
        let listener = tokio::time::timeout(PATIENCE, self.inner.port.listen()).await.expect("the port is free again");
        self.change(|world| world.is_down = false);
        self.listen(listener);
    }

    fn listen(&self, listener: TcpListener) {
        self.change(|world| world.is_listening = true);
        let up = self.inner.tasks.part();
        *self.inner.up.lock().unwrap() = Some(up.clone());
        let homeserver = self.clone();
        self.inner.tasks.spawn(async move {
            let router = client_api::router(homeserver.clone());
            up.unless_asked(async { axum::serve(listener, router).await }).await;
            homeserver.change(|world| world.is_listening = false);
        });
    }

    /// The next `times` requests to `endpoint` end in `fault`, after those that were ordered before.
    pub(crate) fn fail_next(&self, endpoint: Endpoint, times: usize, fault: Fault) {
        self.change(|world| world.faults.order(endpoint, times, fault));
    }

    /// Forgets which requests were sent before, as Synapse does when it restarts.
    pub(crate) fn forget_txn_ids(&self) {
        self.change(|world| world.answered.clear());
    }

    /// Counts transactions from 1 again, as a Synapse on `SQLite` does when it restarts.
    pub(crate) fn restart_transaction_ids(&self) {
        self.change(World::restart_transaction_ids);
    }

    /// Pushes `event_id` once more, in another transaction.
    pub(crate) fn push_again(&self, event_id: &str) {
        self.change(|world| world.push_again(event_id));
    }

    /// People who are invited enter at once from now on.
    pub(crate) fn let_people_join(&self) {
        self.change(|world| world.people_join = true);
    }

    /// People who are invited have to click from now on.
    pub(crate) fn let_people_click(&self) {
        self.change(|world| world.people_join = false);
    }

    /// Whoever shows `token` acts for `user` from now on; one of them at most.
    pub(crate) fn give_token(&self, user: &str, token: &str) {
        self.change(|world| world.tokens.insert(token.to_owned(), user.to_owned()));
    }

    /// Nobody acts by `token` any more, neither a person nor the second application service.
    pub(crate) fn revoke(&self, token: &str) {
        self.change(|world| {
            world.tokens.remove(token);
            world.second_service.take_if(|second| second == token);
        });
    }

    /// A second application service that may act for everybody shows `token`.
    pub(crate) fn install_second_service(&self, token: &str) {
        self.change(|world| world.second_service = Some(token.to_owned()));
    }

    /// A person of this server; made when there is none of that name.
    pub(crate) fn user(&self, name: &str) -> Human {
        Human::new(self.clone(), name)
    }

    /// Whoever made `room` lets `user` do more there.
    pub(crate) fn give_power(&self, room: &str, user: &str, level: i64) {
        self.change(|world| world.give_power(room, user, level));
    }

    /// Looks at the world as it is now.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.inner.world.lock().unwrap())
    }

    /// Everything that is in `room`, oldest first.
    pub(crate) fn timeline(&self, room: &str) -> Vec<Event> {
        self.see(|world| world.timeline(room).to_vec())
    }

    /// Every room, oldest first.
    pub(crate) fn rooms(&self) -> Vec<String> {
        self.see(World::room_ids)
    }

    /// Waits until `is_so`; `what` is said when that does not happen.
    pub(crate) async fn wait_until(&self, what: &str, mut is_so: impl FnMut(&World) -> bool) {
        self.wait_for(what, |world| is_so(world).then_some(())).await;
    }

    /// Waits until `seen` sees something, and gives it.
    pub(crate) async fn wait_for<T>(&self, what: &str, mut seen: impl FnMut(&World) -> Option<T>) -> T {
        let mut changed = self.inner.changed.subscribe();
        let watching = async {
            loop {
                if let Some(found) = self.see(&mut seen) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        let watched = tokio::time::timeout(PATIENCE, watching).await;
        watched.unwrap_or_else(|_| panic!("waited in vain for: {what}\n{}", self.see(World::story)))
    }

    /// Waits until the bridge has said 200 to all that happened.
    pub(crate) async fn all_is_pushed(&self) {
        self.wait_until("all to be pushed", World::is_all_pushed).await;
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.inner.world.lock().unwrap());
        self.inner.changed.send_replace(());
        changed
    }
}
