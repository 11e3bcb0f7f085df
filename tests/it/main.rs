//! The integration tests: one binary, so that it links once.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

mod matrix;
mod support;
