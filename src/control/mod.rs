//! Commands that people write to the bot: in their control room without a prefix, elsewhere with it.

mod admin;
mod answer;
mod audit;
mod chats;
mod command;
mod context;
mod elsewhere;
mod existing;
mod help;
mod join;
mod link;
mod list;
mod login;
mod matching;
mod person;
mod portal;
mod presence;
pub mod provision;
mod puppet;
mod queue;
mod raw;
mod relay;
mod request;
mod status;
mod sync;
mod whois;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::bridge::{Bridge, Order, Wish};
use crate::config::Permission;
use crate::matrix;
use answer::InProgress;

pub use command::{COMMANDS, Command, Section};
pub use context::Context;

/// Takes orders from people, one after the other for each room.
pub struct Control {
    bridge: Arc<Bridge>,
    /// Logins in progress, by the person who logs in.
    logging_in: Mutex<HashMap<String, InProgress>>,
}

impl Control {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(bridge: Arc<Bridge>) -> Arc<Self> {
        Arc::new(Self { bridge, logging_in: Mutex::default() })
    }

    /// Obeys until shutdown.
    pub async fn obey(self: Arc<Self>, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut rooms: HashMap<String, mpsc::UnboundedSender<Order>> = HashMap::new();
        while let Some(Some(order)) = self.bridge.shutdown.unless_asked(orders.recv()).await {
            let queue = rooms.entry(order.room.clone()).or_insert_with(|| self.room_queue());
            // It fails only when the room's task has ended: shutdown.
            let _ = queue.send(order);
        }
    }

    fn room_queue(self: &Arc<Self>) -> mpsc::UnboundedSender<Order> {
        let (queue, mut orders) = mpsc::unbounded_channel();
        let control = Arc::clone(self);
        self.bridge.shutdown.spawn(async move {
            while let Some(Some(order)) = control.bridge.shutdown.unless_asked(orders.recv()).await {
                control.obey_one(order).await;
            }
        });
        queue
    }

    async fn obey_one(self: &Arc<Self>, order: Order) {
        let context = Context::new(Arc::clone(self), &order);
        let done = match &order.wish {
            Wish::Join => join::join(&context).await,
            Wish::Secret => answer::secret(&context).await,
            Wish::ComeBack => {
                login::offer(&context);
                Ok(())
            }
            Wish::Command(words) => run(&context, words).await,
        };
        let Err(error) = done else { return };
        warn!(sender = order.sender, %error, "an order could not be carried out");
        let text = context.say("command.failed", &[("why", &error.to_string())]);
        if let Err(error) = context.reply(&text).await {
            warn!(%error, "and that could not be said");
        }
    }
}

/// Finds the command that `words` begin with, sees whether it is allowed, and runs it.
async fn run(context: &Context, words: &str) -> Result<(), Error> {
    let (name, arguments) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let name = name.to_lowercase();
    if context.permission == Permission::Block {
        return context.reply_key("command.blocked", &[("user", &context.sender)]).await;
    }
    if answer::is_captcha(context, words) {
        return Ok(());
    }
    if name.is_empty() {
        return help::help(context, "").await;
    }
    let Some(command) = command::find(&name) else {
        return help::unknown(context, &name).await;
    };
    if context.permission < command.least {
        return context.reply_key("command.forbidden", &[("name", command.name), ("user", &context.sender)]).await;
    }
    info!(sender = context.sender, command = command.name, "command");
    (command.run)(context, arguments.trim()).await
}

/// Why an order could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On one of the journeys.
    #[error(transparent)]
    Bridge(#[from] crate::bridge::Error),
    /// The homeserver.
    #[error(transparent)]
    Matrix(#[from] matrix::Error),
    /// QQ.
    #[error(transparent)]
    Qq(#[from] crate::qq::Error),
    /// A question was not answered.
    #[error("nobody answered")]
    Unanswered,
    /// The database.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}
