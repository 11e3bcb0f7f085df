//! A pretend WebQQ, standing apart: it shares no wire code with the client.
//!
//! One listener speaks the WebQQ protocol of a chosen era, 2012 to 2018, for every qq.com host; another one shows the
//! console, a page and a JSON API with which a person or a test plays everybody else on QQ.
//!
//! ```text
//!  client ──HTTP──────────▶ wire ──────────┐
//!  client ──HTTPS──▶ proxy ──▲             ├──▶ stage: world · codes · sessions · mail · faults
//!  person ──HTTP──▶ console ──▶ handle ────┘
//!  test ───────────────────────▲
//! ```

mod act;
mod album;
mod captcha;
mod chat;
mod company;
mod console;
mod content;
mod digest;
mod era;
mod face;
mod fault;
mod handle;
mod list_hash;
mod loss;
mod numbers;
mod people;
mod picture;
mod proxy;
mod push;
mod qr;
mod rules;
mod session;
mod show;
mod stage;
mod talk;
mod token;
mod wire;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;

pub use act::{Act, Asked};
pub use album::Attached;
pub use era::Era;
pub use fault::{Fault, Trouble};
pub use handle::{Handle, Refused, SessionView};
pub use proxy::{AuthorityError, Proxy};
pub use qr::QrState;
pub use rules::{Idle, Rules};
pub use talk::{Heard, Spoken};
pub use world::{Account, Discussion, Friend, Group, Member, Picture, TextFile, World, WorldError};

use crate::base::{Clock, Shutdown};
use wire::Lines;

/// How long connections may take to end at shutdown.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a simulator needs to start. The default listens on free ports of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where the page and its API are.
    pub console: SocketAddr,
    /// Who lives there; [`World::example`] when not given.
    pub world: Option<World>,
    /// Other accounts of the same QQ, each with its own friends, groups and rules. Groups and discussions of one name are the
    /// same one, and a friend whose name is another account's nick is that account.
    pub others: Vec<World>,
    /// The same seed gives the same numbers and tokens.
    pub seed: Option<u64>,
    /// What time it is: what messages bear, and by which codes and sessions grow old and sending is paced.
    pub clock: Clock,
    /// A proxy in front, for clients that have QQ's addresses built in.
    pub proxy: Option<Proxy>,
}

impl Default for Options {
    fn default() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: anywhere,
            console: anywhere,
            world: None,
            others: Vec::new(),
            seed: None,
            clock: Clock::system(),
            proxy: None,
        }
    }
}

/// A running pretend WebQQ. It ends when dropped; [`Simulator::stop`] waits for that.
#[derive(Debug)]
pub struct Simulator {
    qq_addr: SocketAddr,
    console_addr: SocketAddr,
    proxy_addr: Option<SocketAddr>,
    handle: Handle,
    others: Vec<Handle>,
    shutdown: Shutdown,
}

impl Simulator {
    /// Starts all listeners.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let world = options.world.map_or_else(World::example, Ok)?;
        let seed = options.seed.unwrap_or_else(rand::random);
        let shutdown = Shutdown::new();
        let (shared, others) = company::gather(world, options.others, seed, &options.clock, &shutdown)?;
        let front = wire::front(&shared, &others);
        let handle = Handle { shared };
        let others = others.into_iter().map(|shared| Handle { shared }).collect();
        let qq = bind(options.listen).await?;
        let console = bind(options.console).await?;
        let (qq_addr, console_addr) = (address(&qq, options.listen)?, address(&console, options.console)?);
        let mut proxy_addr = None;
        if let Some(Proxy { listen, ca_dir }) = options.proxy {
            let listener = bind(listen).await?;
            proxy_addr = Some(address(&listener, listen)?);
            proxy::serve(listener, &ca_dir, front.clone(), &handle.shared)?;
        }
        wire::serve(Lines(qq), front, &shutdown);
        console::serve(console, handle.clone());
        Ok(Self { qq_addr, console_addr, proxy_addr, handle, others, shutdown })
    }

    /// Where clients connect.
    #[must_use]
    pub const fn qq_addr(&self) -> SocketAddr {
        self.qq_addr
    }

    /// Where the page is.
    #[must_use]
    pub const fn console_addr(&self) -> SocketAddr {
        self.console_addr
    }

    /// Where the proxy is, when there is one.
    #[must_use]
    pub const fn proxy_addr(&self) -> Option<SocketAddr> {
        self.proxy_addr
    }

    /// The hand that plays QQ, as the account of [`Options::world`] sees it. The console is its, too.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The hands that play QQ as the accounts of [`Options::others`] see it, in that order.
    #[must_use]
    pub fn others(&self) -> &[Handle] {
        &self.others
    }

    /// Ends held polls and all listeners, and waits for that.
    pub async fn stop(self) {
        self.shutdown.begin();
        if !self.shutdown.finish(PATIENCE).await {
            tracing::warn!("some connections did not end in time");
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

/// Why the simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The world cannot be.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The proxy has nobody who vouches for its hosts.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn address(listener: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen { address: asked, source })
}
