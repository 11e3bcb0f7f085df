pub mod hs;
pub mod metrics;
pub mod ops;
pub mod qq;
