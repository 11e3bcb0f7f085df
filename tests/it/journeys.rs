//! Whole journeys through the real binary, as scenes.

mod attachments;
mod audit;
mod chat;
mod commands;
mod contacts;
mod content;
mod crash;
mod events;
mod files;
mod identity;
mod login;
mod odd;
mod outages;
mod password;
mod pictures;
mod queue;
mod sending;
mod status;
