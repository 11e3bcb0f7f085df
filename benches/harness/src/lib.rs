//! A homeserver and a WebQQ that cost almost nothing, with a load generator on one clock.

pub mod hs;
pub mod metrics;
pub mod ops;
pub mod qq;
