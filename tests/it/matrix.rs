//! The application-service library against a pretend homeserver.

mod asking;
mod pushing;
mod serving;
mod slow;

use std::sync::{Arc, Mutex};

use matrix_webqq::base::{Secret, Shutdown};
use matrix_webqq::matrix::listener::{Limits, serve};
use matrix_webqq::matrix::server::router;
use matrix_webqq::matrix::{Appservice, Homeserver, SinkError, Transaction};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::homeserver::PretendHomeserver;

/// The library, connected to `homeserver`.
async fn connect(homeserver: &PretendHomeserver) -> Homeserver {
    let appservice = homeserver.appservice_config("http://127.0.0.1:1");
    Homeserver::new(&homeserver.homeserver_config(), &appservice).await.unwrap()
}

/// A listening application service that keeps what it is given.
struct Bridge {
    url: String,
    taken: watch::Receiver<Vec<Transaction>>,
    /// How many of the next transactions are refused.
    refusals: Arc<Mutex<usize>>,
}

impl Bridge {
    async fn start(hs_token: &str) -> Self {
        Self::start_within(hs_token, Limits::default()).await
    }

    async fn start_within(hs_token: &str, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keep, taken) = watch::channel(Vec::new());
        let refusals = Arc::new(Mutex::new(0));
        let to_refuse = Arc::clone(&refusals);
        let shutdown = Shutdown::new();
        let app = router(Appservice {
            hs_token: Secret::new(hs_token),
            sink: Arc::new(move |transaction| {
                let result = take(&keep, &to_refuse, transaction);
                Box::pin(std::future::ready(result))
            }),
            knows_user: Arc::new(|user| Box::pin(std::future::ready(user == "@qq_10001:hs.test"))),
            is_ready: Arc::new(|| false),
            public: None,
        });
        let served = shutdown.clone();
        shutdown.spawn(async move { serve(listener, app, limits, &served).await });
        Self { url, taken, refusals }
    }

    /// The ids of all events taken so far, in order.
    fn event_ids(&self) -> Vec<String> {
        let taken = self.taken.borrow();
        taken.iter().flat_map(|transaction| &transaction.events).map(|event| event.event_id.clone()).collect()
    }
}

fn take(
    keep: &watch::Sender<Vec<Transaction>>,
    to_refuse: &Mutex<usize>,
    transaction: Transaction,
) -> Result<(), SinkError> {
    let mut to_refuse = to_refuse.lock().unwrap();
    if *to_refuse > 0 {
        *to_refuse -= 1;
        return Err(SinkError("the disk is full".to_owned()));
    }
    keep.send_modify(|taken| taken.push(transaction));
    Ok(())
}
