//! Wires the rooms of the house together and runs them until shutdown.
//!
//! The order of a start is database, listener, `/versions`, `/whoami`, ping: each step finds out something that would
//! make the next one's failure a riddle.

mod doctor;
mod start;

use std::time::Duration;

use tracing::{info, warn};

use crate::base::{Clock, Shutdown, telemetry};
use crate::cli::Exit;
use crate::config::Config;

pub use crate::cli::Fatal;
pub use doctor::doctor;
pub use start::{House, start};

/// How long tasks may take to end once they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the bridge until it is told to stop: the first signal asks the tasks to end, the second does not wait for them.
/// `complaint` is said first.
pub async fn run(config: Config, complaint: Option<&str>) -> Result<(), Fatal> {
    let format = if config.logging.json { telemetry::Format::Json } else { telemetry::Format::Pretty };
    telemetry::start(&config.logging.min_level, format)
        .map_err(|why| Fatal::new(Exit::Logging, format!("logging.min_level: {why}")))?;
    if let Some(complaint) = complaint {
        warn!("{complaint}");
    }
    let shutdown = Shutdown::new();
    let house = tokio::select! {
        house = start(config, Clock::system(), shutdown.clone()) => house?,
        () = told_to_stop() => return Ok(()),
    };
    info!(address = %house.address, "the bridge is running");
    told_to_stop().await;
    info!("stopping");
    tokio::select! {
        () = house.stop(PATIENCE) => {}
        () = told_to_stop() => warn!("told twice: not waiting any longer"),
    }
    Ok(())
}

/// Returns at SIGINT or SIGTERM.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(why) => {
            warn!(%why, "SIGTERM cannot be watched; SIGINT can");
            // When neither can be, only SIGKILL stops us.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
