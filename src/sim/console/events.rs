//! GET /api/events: what changes, as it changes, for the page.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::api::{captcha_view, qr_view};
use crate::sim::handle::Handle;

/// Changes that come together are told together.
const GATHER: Duration = Duration::from_millis(30);
/// A QR code grows old without a change.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Tells everything once (`"fresh": true`), then what is new.
pub(super) async fn events(State(handle): State<Handle>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = handle.shared.changes();
    let teller = Teller { handle, changes, told: 0, before: Value::Null };
    Sse::new(unfold(teller, Teller::next)).keep_alive(KeepAlive::default())
}

struct Teller {
    handle: Handle,
    changes: watch::Receiver<()>,
    /// The last line that was told.
    told: u64,
    /// QR code and session as they were told.
    before: Value,
}

impl Teller {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let fresh = self.before.is_null();
        loop {
            self.changes.borrow_and_update();
            if let Some(news) = self.news(fresh) {
                return Some((Ok(Event::default().data(news.to_string())), self));
            }
            let shutdown = self.handle.shared.shutdown.clone();
            let changes = &mut self.changes;
            shutdown.unless_asked(tokio::time::timeout(LOOK_AGAIN, changes.changed())).await?.ok();
            shutdown.unless_asked(tokio::time::sleep(GATHER)).await?;
        }
    }

    fn news(&mut self, fresh: bool) -> Option<Value> {
        let spoken = self.handle.spoken(self.told);
        let mut session = self.handle.session();
        session.calls.clear();
        let now = json!({"qr": qr_view(&self.handle), "captcha": captcha_view(&self.handle), "session": session});
        if spoken.is_empty() && now == self.before {
            return None;
        }
        self.told = spoken.last().map_or(self.told, |line| line.n);
        let part = |name: &str| now.get(name).cloned();
        let (qr, captcha, session) = (part("qr"), part("captcha"), part("session"));
        let news = json!({"fresh": fresh, "spoken": spoken, "qr": qr, "captcha": captcha, "session": session});
        self.before = now;
        Some(news)
    }
}
