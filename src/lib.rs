//! matrix-webqq: a Matrix application service that lets people chat with their QQ friends, groups and discussions.
//!
//! The house has six floors. A floor looks down only; rooms on floor 2 have never heard of each other.
//!
//! ```text
//!  5  main · cli · app            the front door: choose what runs, wire the rooms, wait for shutdown
//!  4  control/ watch/   sim/      people's commands · what operators see · a pretend WebQQ, standing apart
//!  3  bridge/                     the two journeys: receive · open · translate · deliver
//!  2  qq/    matrix/    store/    three rooms that have never heard of each other
//!  1  config/                     what was written in the YAML file
//!  0  base/                       clock, backoff, secret, shutdown, telemetry, metrics
//! ```

pub mod app;
pub mod base;
pub mod bridge;
pub mod cli;
pub mod config;
pub mod control;
pub mod matrix;
pub mod qq;
pub mod sim;
pub mod store;
pub mod watch;
