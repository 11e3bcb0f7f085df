//! Pictures and files: what messages say about them, and how they come and go.
//!
//! Source: protocol dossier 8.1, 10.

mod address;
mod fetch;
#[cfg(test)]
mod hostile;
mod multipart;
mod offer;
mod outside;
mod portrait;
mod source;
mod upload;

pub(crate) use self::multipart::Multipart;
pub(crate) use self::offer::Offer;
pub(crate) use self::outside::{Outside, PATIENCE};
pub(crate) use self::source::{Picture, locate};
pub(crate) use self::upload::{Carrier, Uploaded, callback};
