//! The integration tests: one binary, so that it links once.

#[cfg(test)]
mod simulator;
mod support;
