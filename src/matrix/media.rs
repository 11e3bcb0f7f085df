//! `POST /_matrix/media/v3/upload`: pictures and files, uploaded by one of our users.

use std::time::Duration;

use matrix_sdk::ruma::OwnedMxcUri;
use matrix_sdk::ruma::api::client::media::create_content;

use super::act_as::ActAs;
use super::error::Error;
use super::intent::Intent;

/// The least patience for an upload, plus a second for each of these bytes.
const PATIENCE: Duration = Duration::from_secs(30);
const BYTES_PER_SECOND: usize = 64 * 1024;

impl Intent {
    /// Uploads `bytes`. Repeating it after an ambiguous error leaves an unused copy at the homeserver, no more.
    pub async fn upload(&self, bytes: Vec<u8>, mime: &str, filename: Option<&str>) -> Result<OwnedMxcUri, Error> {
        let patience = patience(bytes.len());
        let mut request = create_content::v3::Request::new(bytes);
        request.content_type = Some(mime.to_owned());
        request.filename = filename.map(str::to_owned);
        let answer = self.homeserver().attempt(ActAs::user(self.user_id(), request), patience).await;
        answer.map(|answer| answer.content_uri).map_err(|error| Error::of("upload", &error))
    }
}

fn patience(bytes: usize) -> Duration {
    let seconds = u64::try_from(bytes / BYTES_PER_SECOND).unwrap_or(0);
    PATIENCE.saturating_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_the_upload() {
        assert_eq!(patience(10), Duration::from_secs(30));
        assert_eq!(patience(20 * 1024 * 1024), Duration::from_secs(30 + 320));
    }
}
