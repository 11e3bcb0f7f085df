//! What the tests stand on.

pub(crate) mod homeserver;
pub(crate) mod house;
pub(crate) mod inside;
pub(crate) mod port;
pub(crate) mod postgres;
pub(crate) mod provisioning;
pub(crate) mod schema;
