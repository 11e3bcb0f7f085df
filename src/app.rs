//! Wires the rooms of the house together and runs them until shutdown.
//!
//! The order of a start is database, listener, `/versions`, `/whoami`, ping: each step finds out something that would
//! make the next one's failure a riddle.

mod doctor;
mod start;

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::base::{self, Clock, Shutdown, telemetry};
use crate::cli::Exit;
use crate::config::Config;
use crate::config::logging::{LogFile, Logging};

pub use crate::cli::Fatal;
pub use doctor::doctor;
pub use start::{House, start};

/// How long tasks may take to end once they were told to: longer than QQ may take to answer a message that has left.
const PATIENCE: Duration = Duration::from_secs(35);

/// Runs the bridge until it is told to stop: the first signal asks the tasks to end, the second does not wait for them.
/// `complaint` is said first.
pub async fn run(config: Config, complaint: Option<&str>) -> Result<(), Fatal> {
    start_logging(&config.logging)?;
    if let Some(complaint) = complaint {
        warn!("{complaint}");
    }
    let mut signals = Signals::watch()?;
    let shutdown = Shutdown::new();
    let house = tokio::select! {
        house = start(config, Clock::system(), shutdown.clone()) => house?,
        () = signals.told_to_stop() => return Ok(()),
    };
    info!(address = %house.address, "the bridge is running");
    signals.told_to_stop().await;
    info!("stopping");
    tokio::select! {
        () = house.stop(PATIENCE) => {}
        () = signals.told_to_stop() => warn!("told twice: not waiting any longer"),
    }
    Ok(())
}

fn start_logging(settings: &Logging) -> Result<(), Fatal> {
    let format = |json| if json { telemetry::Format::Json } else { telemetry::Format::Pretty };
    let LogFile { path, keep, json, .. } = &settings.file;
    let file = match path.as_str() {
        "" => None,
        path => {
            let opened = base::LogFile::open(Path::new(path), settings.file.most_bytes(), *keep);
            let fault = |why| Fatal::new(Exit::Logging, format!("logging.file.path is \"{path}\": {why}"));
            Some((opened.map_err(fault)?, format(*json)))
        }
    };
    telemetry::start(&settings.min_level, format(settings.json), file)
        .map_err(|why| Fatal::new(Exit::Logging, format!("logging.min_level: {why}")))
}

/// SIGINT and SIGTERM from now on: one that comes between two waits is not missed.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn watch() -> Result<Self, Fatal> {
        let watch = |kind| signal(kind).map_err(|why| Fatal::new(Exit::Failure, format!("signals: {why}")));
        Ok(Self { interrupt: watch(SignalKind::interrupt())?, terminate: watch(SignalKind::terminate())? })
    }

    /// Returns at the next of them.
    async fn told_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
