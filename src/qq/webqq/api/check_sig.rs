//! `GET ptlogin4.web2.qq.com/check_sig`: the address that a successful login gives; sets the session's cookies.
//!
//! Source: protocol dossier 3.5, 4.5. It redirects to w.qq.com, which need not be there any more: only its cookies count.

use url::Url;

use super::Error;
use super::http::{Ask, Http};

const ENDPOINT: &str = "check_sig";

/// Fetches the cookies.
pub(crate) async fn ask(http: &Http, url: Url) -> Result<(), Error> {
    let answer = http.ask(Ask::follow(url)).await.map_err(|fault| fault.unreachable(ENDPOINT))?;
    if !(200..400).contains(&answer.status) {
        return Err(Error::Status { endpoint: ENDPOINT, status: answer.status });
    }
    tracing::debug!(redirects = answer.location.is_some(), "check_sig gave its cookies");
    Ok(())
}
