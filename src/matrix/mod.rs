//! An application-service library on matrix-sdk: the homeserver as bot and ghosts see it, and what it pushes to us.
//!
//! One [`Homeserver`] holds one `matrix_sdk::Client` with the `as_token`. It is never synced: matrix-sdk gives version
//! negotiation, TLS, the connection pool and the types; rooms, timelines and queues are the bridge's own.
//! Every request is tried once, so that an [`Error`] speaks of one attempt: retrying belongs to the outbox.

pub mod act_as;
pub mod client;
pub mod download;
pub mod error;
pub mod event;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod intent;
pub mod link;
pub mod listener;
pub mod media;
pub mod namespace;
pub mod past;
pub mod ping;
pub mod public;
pub mod query;
pub mod registration;
pub mod room;
pub mod sent;
pub mod server;
pub mod token;
pub mod transaction;

pub use client::Homeserver;
pub use download::Download;
pub use error::{Error, Refusal, Verdict};
pub use event::Event;
pub use intent::{Intent, Key, Presence};
pub use link::Links;
pub use namespace::Namespace;
pub use ping::PingError;
pub use public::Public;
pub use registration::Registration;
pub use room::{NewRoom, NewState};
pub use sent::FoundSent;
pub use server::{Appservice, Sink, SinkError};
pub use transaction::{Incoming, Transaction};
