//! Whole journeys through the real binary, as scenes.

mod chat;
mod commands;
mod contacts;
mod content;
mod crash;
mod login;
mod odd;
mod pictures;
mod sending;
