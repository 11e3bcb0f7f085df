//! `GET /_matrix/client/v3/account/whoami` with somebody else's access token: whose it is.
//!
//! Source: Matrix specification 1.17, client-server API, "Current account information".

use std::time::Duration;

use matrix_sdk::ruma::OwnedUserId;
use reqwest::StatusCode;
use serde::Deserialize;

use super::client::Homeserver;
use super::error::Error;
use crate::base::Secret;

const REQUEST: &str = "whoami of a person";
const PATIENCE: Duration = Duration::from_secs(15);
/// More than any such answer has.
const MOST_BYTES: usize = 16 << 10;

#[derive(Deserialize)]
struct Whoami {
    user_id: OwnedUserId,
    #[serde(default)]
    is_guest: bool,
}

impl Homeserver {
    /// Whose access token `token` is; `None` when it is nobody's, a guest's, or one of ours.
    pub async fn owner_of(&self, token: &Secret) -> Result<Option<OwnedUserId>, Error> {
        let unsendable = || Error::Unsendable { request: REQUEST, why: "no address".to_owned() };
        let url = self.url("_matrix/client/v3", ["account", "whoami"]).ok_or_else(unsendable)?;
        let broken = |why: reqwest::Error| Error::of_transport(REQUEST, &why);
        let mut response = self.get_as(url, token, PATIENCE).await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Ok(None),
            status => return Err(Error::of_status(REQUEST, status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(unintelligible("it is too long"));
            }
        }
        let whoami: Whoami = serde_json::from_slice(&body).map_err(|_| unintelligible("it names no user"))?;
        Ok(Some(whoami.user_id).filter(|user| !whoami.is_guest && !self.is_ours(user)))
    }
}

fn unintelligible(why: &str) -> Error {
    Error::Unintelligible { request: REQUEST, why: why.to_owned() }
}
