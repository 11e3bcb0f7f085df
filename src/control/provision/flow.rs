//! The ways to log in, as the API names them.

use serde_json::{Value, json};

use crate::bridge::Texts;
use crate::qq::Offers;

/// What a QQ number looks like, for clients to check what people write.
pub(super) const NUMBER: &str = "^[0-9]{5,10}$";

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// With a QR code.
    Qr,
    /// With number and password.
    Password,
}

impl Flow {
    /// The flow called `id`, where the network has it.
    pub(super) fn of(id: &str, offers: Offers) -> Option<Self> {
        Self::all(offers).find(|flow| flow.id() == id)
    }

    fn all(offers: Offers) -> impl Iterator<Item = Self> {
        let all = [(Self::Qr, offers.qr), (Self::Password, offers.password)];
        all.into_iter().filter(|(_, is_there)| *is_there).map(|(flow, _)| flow)
    }

    fn id(self) -> &'static str {
        match self {
            Self::Qr => "qr",
            Self::Password => "password",
        }
    }
}

/// The flows that there are.
pub(super) fn list(offers: Offers, texts: Texts) -> Value {
    let described = Flow::all(offers).map(|flow| {
        let (name, about) = match flow {
            Flow::Qr => ("provision.flow.qr", "provision.flow.qr.about"),
            Flow::Password => ("provision.flow.password", "provision.flow.password.about"),
        };
        json!({ "id": flow.id(), "name": texts.say(name, &[]), "description": texts.say(about, &[]) })
    });
    described.collect()
}

/// Whether `text` is as [`NUMBER`] says.
pub(super) fn is_number(text: &str) -> bool {
    (5..=10).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}
