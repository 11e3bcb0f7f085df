//! What was written in the YAML file: one struct per section.
//!
//! [`Config::load`] reads the file, the environment and secrets' files ([`read`]), understands every option on its own
//! (`tree`, so that one mistake does not hide the next) and checks what it says ([`validate`]). Whatever is wrong is
//! a [`Fault`]: the option, where it stands, what is there (never a secret) and what to write instead.

pub mod appservice;
pub mod bridge;
pub mod edit;
pub mod environment;
mod era;
pub mod fault;
pub mod filter;
mod hint;
pub mod homeserver;
pub mod key;
mod locate;
pub mod logging;
pub mod matrix;
pub mod media;
pub mod members;
pub mod provisioning;
pub mod puppet;
pub mod qq;
pub mod read;
pub mod relay;
pub mod store;
pub mod template;
mod tree;
pub mod validate;
pub mod watch;

use std::path::Path;

use serde::Deserialize;

pub use appservice::{AppService, Bot};
pub use bridge::{Bridge, Language, Permission};
pub use environment::Environment;
pub use era::Era;
pub use fault::{Fault, Faults, Place};
pub use homeserver::Homeserver;
pub use key::Key;
pub use logging::Logging;
pub use matrix::Matrix;
pub use media::Media;
pub use members::{MemberSync, Members};
pub use provisioning::Provisioning;
pub use puppet::DoublePuppet;
pub use qq::{Network, WebQq};
pub use read::{Draft, Error, Loaded};
pub use relay::Relay;
pub use store::{Database, DatabaseKind};
pub use template::Template;
pub use watch::{Health, Metrics, StatusPage};

/// The example, every option with its default and the question that it answers.
pub const EXAMPLE: &str = include_str!("../../config/config.example.yaml");

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `network:`, the QQ side.
    pub network: Network,
    /// `bridge:`, what the bridge does with messages and people.
    pub bridge: Bridge,
    /// `database:`, where everything is kept.
    pub database: Database,
    /// `homeserver:`, whom we serve.
    pub homeserver: Homeserver,
    /// `appservice:`, who we are for the homeserver.
    pub appservice: AppService,
    /// `double_puppet:`, how people's own words come from themselves.
    pub double_puppet: DoublePuppet,
    /// `matrix:`, how we behave in rooms.
    pub matrix: Matrix,
    /// `provisioning:`, the API by which other programs log people in.
    pub provisioning: Provisioning,
    /// `logging:`, what the process says.
    pub logging: Logging,
    /// `metrics:`, what it counts.
    pub metrics: Metrics,
    /// `health:`, when it counts as ill.
    pub health: Health,
    /// `status_page:`, the page for whoever runs it.
    pub status_page: StatusPage,
}

impl Config {
    /// Reads the file `path` with the environment over it; fails unless the bridge can run with what they say.
    pub fn load(path: &Path) -> Result<Loaded, Error> {
        Draft::open(path)?.for_running()
    }

    /// Reads `text` alone; fails unless the bridge can run with what it says.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Draft::read(text.to_owned(), &Environment::default())?.for_running().map(|loaded| loaded.config)
    }
}
