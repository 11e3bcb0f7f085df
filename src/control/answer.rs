//! Logins in progress: whose they are, what one asks of its person, and how the next message becomes the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::{Context, Control, Error};
use crate::base::{Secret, Shutdown};

/// A login in progress.
pub(super) struct InProgress {
    /// Ends with the login; ending it cancels the login.
    pub(super) part: Shutdown,
    /// Where it is.
    room: String,
    /// Whether nobody asked for it, for as long as that is so.
    is_offer: Arc<AtomicBool>,
    question: Option<Question>,
}

/// What is asked.
struct Question {
    /// Whether only an emptied message answers it.
    is_secret: bool,
    answer: oneshot::Sender<Secret>,
}

impl InProgress {
    /// A login that asks nothing yet.
    pub(super) fn new(part: Shutdown, room: &str, is_offer: Arc<AtomicBool>) -> Self {
        Self { part, room: room.to_owned(), is_offer, question: None }
    }

    /// Makes a login that was asked for of an offer; `false` when it is one already.
    pub(super) fn adopt(&self) -> bool {
        self.is_offer.swap(false, Ordering::Relaxed)
    }
}

impl Control {
    /// Begins a login of `sender` in `room`; `None` when they have one in progress.
    pub(super) fn begin_login(&self, sender: &str, room: &str, is_offer: &Arc<AtomicBool>) -> Option<Shutdown> {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        if logging_in.contains_key(sender) {
            return None;
        }
        let part = self.bridge.shutdown.part();
        logging_in.insert(sender.to_owned(), InProgress::new(part.clone(), room, Arc::clone(is_offer)));
        Some(part)
    }

    /// Begins a login outside of any room; it ends the one in progress.
    pub(super) fn begin_login_elsewhere(&self, sender: &str) -> Shutdown {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        let part = self.bridge.shutdown.part();
        let login = InProgress::new(part.clone(), "", Arc::default());
        if let Some(older) = logging_in.insert(sender.to_owned(), login) {
            older.part.begin();
        }
        part
    }

    /// Whether the login in progress was an offer, which it no longer is.
    pub(super) fn adopt_login(&self, sender: &str) -> bool {
        let logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        logging_in.get(sender).is_some_and(InProgress::adopt)
    }

    /// Cancels the login in progress; `false` when there is none.
    pub(super) fn end_login(&self, sender: &str) -> bool {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        logging_in.remove(sender).is_some_and(|login| {
            login.part.begin();
            true
        })
    }

    /// Forgets the login of `part`, which is over; saying so again does no harm to the next one.
    pub(super) fn close_login(&self, sender: &str, part: &Shutdown) {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended, as by `cancel`, has made room for the next one already.
        if !part.is_asked() {
            logging_in.remove(sender);
            part.begin();
        }
    }
}

impl Control {
    /// The next message of the person, which is an answer and no command.
    pub(super) fn ask(&self, sender: &str, is_secret: bool) -> oneshot::Receiver<Secret> {
        let (answer, received) = oneshot::channel();
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(login) = logging_in.get_mut(sender) {
            login.question = Some(Question { is_secret, answer });
        }
        received
    }

    /// Whether `words`, said by `sender` in `room`, answer a question; they are taken then.
    fn answer(&self, (sender, room): (&str, &str), is_secret: bool, words: Secret) -> bool {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logging_in.get_mut(sender).filter(|login| login.room == room);
        let asked = login.and_then(|login| login.question.take_if(|question| question.is_secret == is_secret));
        asked.is_some_and(|question| question.answer.send(words).is_ok())
    }
}

/// Takes an emptied message to the login that asked for it.
pub(super) async fn secret(context: &Context) -> Result<(), Error> {
    context.bridge().stop_awaiting(&context.room, &context.sender, None).await?;
    let words = context.bridge().take_secret(&context.event);
    let place = (context.sender.as_str(), context.room.as_str());
    if words.is_some_and(|words| context.control.answer(place, true, words)) {
        return Ok(());
    }
    context.reply_key("login.password.late", &[]).await
}

/// Whether `words` were read in a captcha that is on show.
pub(super) fn is_captcha(context: &Context, words: &str) -> bool {
    let place = (context.sender.as_str(), context.room.as_str());
    let words = words.strip_prefix("captcha ").unwrap_or(words).trim();
    words != "cancel" && context.control.answer(place, false, Secret::new(words))
}
