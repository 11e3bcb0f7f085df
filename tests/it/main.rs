//! The integration tests: one binary, so that it links once.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod support;
