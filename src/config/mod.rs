//! What was written in the YAML file: one struct per section.

pub mod appservice;
pub mod bridge;
pub mod homeserver;
pub mod logging;
pub mod matrix;
pub mod qq;
pub mod store;

use serde::Deserialize;

pub use appservice::{AppService, Bot};
pub use bridge::{Bridge, Language, Permission};
pub use homeserver::Homeserver;
pub use logging::Logging;
pub use matrix::Matrix;
pub use qq::{Network, WebQq};
pub use store::{Database, DatabaseKind};

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
    /// `matrix:`, how we behave in rooms.
    pub matrix: Matrix,
    /// `logging:`, what the process says.
    pub logging: Logging,
}
