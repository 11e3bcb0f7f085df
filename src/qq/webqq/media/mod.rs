//! Pictures: what messages say about them, and how they are fetched.
//!
//! Source: protocol dossier 8.1, 10.2.

mod address;
mod fetch;
mod outside;
mod source;

pub(crate) use self::outside::{Outside, PATIENCE};
pub(crate) use self::source::{Picture, locate};
