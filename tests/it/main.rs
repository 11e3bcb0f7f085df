//! The integration tests: one binary, so that it links once.

mod cli;
mod floors;
mod samples;
mod simulator;
mod store;
mod support;
