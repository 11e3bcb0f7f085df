//! The integration tests: one binary, so that it links once.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod deploying;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod store;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod support;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod webqq;
