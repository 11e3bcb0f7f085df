//! The homeserver, as an application service sees it.
