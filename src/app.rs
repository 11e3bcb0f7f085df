//! Wires the rooms of the house together and runs them until shutdown.

use crate::cli::Exit;
pub use crate::cli::Fatal;
use crate::config::Config;

/// Runs the bridge until it is told to stop.
#[expect(clippy::unused_async, reason = "the rooms move in next")]
pub async fn run(_config: Config) -> Result<(), Fatal> {
    Err(Fatal::new(Exit::Failure, "the bridge is not wired yet"))
}

/// Tries everything that the bridge needs and prints what it found.
#[expect(clippy::unused_async, reason = "the rooms move in next")]
pub async fn doctor(_config: Config) -> Result<(), Fatal> {
    Err(Fatal::new(Exit::Failure, "the bridge is not wired yet"))
}
