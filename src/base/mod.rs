//! The ground floor: what every room stands on and none of them owns.

pub mod backoff;
pub mod boot;
pub mod clock;
#[cfg(test)]
pub(crate) mod damage;
pub mod failpoint;
pub mod locks;
pub mod logfile;
pub mod metrics;
pub mod pile;
pub mod seal;
pub mod secret;
pub mod shutdown;
pub mod telemetry;

pub use backoff::Backoff;
pub use clock::Clock;
pub use failpoint::Failpoint;
pub use locks::Locks;
pub use logfile::LogFile;
pub use pile::Pile;
pub use seal::Seal;
pub use secret::Secret;
pub use shutdown::Shutdown;
