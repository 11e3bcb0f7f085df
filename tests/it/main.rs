//! The integration tests: one binary, so that it links once.
// `cfg(test)` is always so here; it tells clippy that the helpers are tests too.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod support;
