//! A bridge inside the test, on a thread of its own: its time can stand still, pass as fast as it will, and jump.
//!
//! Its neighbours live in the time of the test. That is what a real bridge does whose machine sleeps, or whose clock is set.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc as blocking};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use matrix_webqq::app;
use matrix_webqq::base::{Clock, Shutdown};
use matrix_webqq::config::Config;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time;

/// How much passes at once when time passes quickly.
pub(crate) const STEP: Duration = Duration::from_secs(3);

/// How long the bridge may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bridge. It is stopped when this is dropped.
pub(crate) struct Inside {
    /// Its time of day.
    pub(crate) clock: Clock,
    orders: Option<mpsc::UnboundedSender<(Order, oneshot::Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
    /// A question that makes the bridge look at its database.
    question: String,
    asker: reqwest::Client,
}

/// What is to become of its time.
#[derive(Clone, Copy)]
enum Order {
    StandStill,
    Pass,
    GoOn,
}

impl Inside {
    /// Starts the bridge that `config` describes, which listens at `address`; it writes to `log`.
    pub(crate) fn start(config: PathBuf, log: PathBuf, address: &str) -> Self {
        let clock = Clock::movable();
        let (orders, ordered) = mpsc::unbounded_channel();
        let its_clock = clock.clone();
        let thread = thread::spawn(move || {
            let log = File::options().create(true).append(true).open(log).expect("a log");
            let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log));
            let lines = lines.with_env_filter("debug,hyper=info,sqlx=warn").finish();
            let _quiet = tracing::subscriber::set_default(lines);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(live(config, its_clock, ordered));
        });
        let question = format!("{address}/_matrix/app/v1/users/%40qq_1%3Ahs.test?access_token=hs-token-of-tests");
        // A connection that rests would be cut off soon, as time goes here.
        let asker = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { clock, orders: Some(orders), thread: Some(thread), question, asker }
    }

    /// Its time stands still from now on; what takes no time goes on.
    pub(crate) async fn stand_still(&self) {
        self.order(Order::StandStill).await;
    }

    /// Lets `span` pass while it stands still. The bridge does something after each step of it: it answers.
    pub(crate) async fn live(&self, span: Duration) {
        for _ in 0..span.as_secs().div_ceil(STEP.as_secs()) {
            self.order(Order::Pass).await;
            let answer = self.asker.get(&self.question).send().await.expect("the bridge answers");
            assert_eq!(answer.status(), 404, "there is no such ghost");
        }
    }

    /// Its time goes on as that of the test.
    pub(crate) async fn go_on(&self) {
        self.order(Order::GoOn).await;
    }

    async fn order(&self, order: Order) {
        let (done, is_done) = oneshot::channel();
        let orders = self.orders.as_ref().expect("it runs");
        assert!(orders.send((order, done)).is_ok(), "it runs");
        is_done.await.expect("it runs");
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.orders = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("it was started").expect("it ended well");
        }
    }
}

async fn live(config: PathBuf, clock: Clock, mut orders: mpsc::UnboundedReceiver<(Order, oneshot::Sender<()>)>) {
    let config = Config::load(&config).expect("a good configuration").config;
    let house = app::start(config, clock.clone(), Shutdown::new()).await.expect("the bridge starts");
    // A runtime whose time stands still lets it jump to the next timer as soon as nothing is to be done, and would not wait for
    // the network. It does not while something blocks.
    let mut block = None;
    while let Some((order, done)) = orders.recv().await {
        match order {
            Order::StandStill => {
                let (release, released) = blocking::channel::<()>();
                spawn_blocking(move || released.recv());
                block = Some(release);
                time::pause();
            }
            Order::Pass => {
                clock.shift(STEP.as_millis().try_into().expect("some seconds"));
                time::advance(STEP).await;
            }
            Order::GoOn => {
                time::resume();
                block = None;
            }
        }
        // Whoever gave the order may have given up.
        let _ = done.send(());
    }
    if block.take().is_some() {
        time::resume();
    }
    house.stop(PATIENCE).await;
}
