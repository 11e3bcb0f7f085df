//! The integration tests: one binary, so that it links once.

mod cli;
mod floors;
mod journeys;
mod matrix;
mod samples;
mod simulator;
mod store;
mod support;
