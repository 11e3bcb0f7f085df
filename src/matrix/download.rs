//! `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`: pictures and files as they come, piece by piece.
//!
//! Homeservers before Matrix 1.11 have them at `/_matrix/media/v3/download`. matrix-sdk would hold all of it in memory;
//! its connections are used, its requests are not.

use std::time::Duration;

use bytes::Bytes;
use matrix_sdk::ruma::MxcUri;
use reqwest::StatusCode;

use super::client::Homeserver;
use super::error::Error;

const REQUEST: &str = "download";
/// The oldest path comes last.
const PATHS: [&str; 2] = ["_matrix/client/v1/media/download", "_matrix/media/v3/download"];
/// A large file on a slow line.
const PATIENCE: Duration = Duration::from_mins(10);

/// A picture or file on its way.
#[derive(Debug)]
pub struct Download {
    response: reqwest::Response,
    left: usize,
}

impl Homeserver {
    /// Asks for `media`; `None` when the homeserver does not have it, or it is longer than `most_bytes`.
    pub async fn download(&self, media: &MxcUri, most_bytes: usize) -> Result<Option<Download>, Error> {
        let unsendable = |why: String| Error::Unsendable { request: REQUEST, why };
        let (server, id) = media.parts().map_err(|why| unsendable(why.to_string()))?;
        for path in PATHS {
            let url = self.url(path, [server.as_str(), id]).ok_or_else(|| unsendable("no address".to_owned()))?;
            let response = self.get(url, PATIENCE).await.map_err(|why| Error::of_transport(REQUEST, &why))?;
            let length = response.content_length().unwrap_or(0);
            match response.status() {
                StatusCode::OK if usize::try_from(length).is_ok_and(|length| length <= most_bytes) => {
                    return Ok(Some(Download { response, left: most_bytes }));
                }
                StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                    return Err(Error::of_status(REQUEST, response.status()));
                }
                status if status.is_server_error() => return Err(Error::of_status(REQUEST, status)),
                // Too long, gone, or a path that it does not know.
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Download {
    /// Its length, if that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Its type, as its sender said.
    #[must_use]
    pub fn mime(&self) -> Option<&str> {
        self.response.headers().get(reqwest::header::CONTENT_TYPE)?.to_str().ok()
    }

    /// The next piece; `None` at its end. Fails when it breaks off, or gets longer than it may.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let broken = |why: String| Error::NoAnswer { request: REQUEST, why };
        let piece = self.response.chunk().await.map_err(|why| Error::of_transport(REQUEST, &why))?;
        let Some(piece) = piece else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len()).ok_or_else(|| broken("it is too long".to_owned()))?;
        Ok(Some(piece))
    }

    /// All of it.
    pub async fn whole(mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}
