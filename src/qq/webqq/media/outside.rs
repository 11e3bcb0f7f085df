//! Fetches from the servers that QQ redirects to: without cookies, and only from addresses of the world.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, REFERER};
use url::Url;

use super::address;
use super::multipart::Multipart;
use crate::qq::Error;
use crate::qq::webqq::http::{self, Answer, Fault, TOO_LONG};
use crate::qq::webqq::session::Link;

/// How many redirects are followed. The real service redirected once.
const MOST_HOPS: usize = 4;
/// The picture servers took 10 to 45 seconds. Source: protocol dossier 10.2.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Source: protocol dossier 2.2.
const FROM: &str = "http://w.qq.com/";
/// The page that uploaded. Source: protocol dossier 10.1.
const UPLOADER: &str = "http://web2.qq.com/";
/// What an upload is answered with is a line.
const MOST_PAGE_BYTES: usize = 1 << 16;

/// A way to servers that are not known beforehand.
pub(crate) struct Outside {
    client: reqwest::Client,
    server: Option<Url>,
    private_too: bool,
}

impl Outside {
    /// `server` gets every call in QQ's place; `private_too` allows addresses of one's own network.
    pub(crate) fn new(server: Option<Url>, private_too: bool) -> Result<Self, Error> {
        // Not through a proxy: the proxy would look names up, and nobody would look at what it found.
        let mut builder = http::builder().no_proxy();
        if server.is_none() {
            builder = builder.dns_resolver(Arc::new(Resolver { private_too }));
        }
        let client = builder.build().map_err(|why| Error::Settings(http::cause(why)))?;
        Ok(Self { client, server, private_too })
    }

    /// Follows `answer`, which came from `url`, to what it leads to, through addresses that `is_allowed` alone.
    pub(crate) async fn follow(
        &self,
        endpoint: &'static str,
        (mut url, mut answer): (Url, Answer),
        most_bytes: usize,
        is_allowed: impl Fn(&Url) -> bool,
    ) -> Result<Vec<u8>, Error> {
        for _ in 0..MOST_HOPS {
            if !matches!(answer.status, 301..=303 | 307 | 308) {
                return whole(endpoint, answer, most_bytes);
            }
            let to = answer.location.as_deref().and_then(|to| url.join(to).ok());
            url = to.ok_or(Error::MediaUnsafe("no address at all"))?;
            if !is_allowed(&url) {
                return Err(Error::MediaUnsafe("not a server of QQ"));
            }
            answer = self.get(&url, most_bytes).await?.map_err(|fault| fault.unreachable(endpoint))?;
        }
        Err(Error::MediaUnsafe("too many redirects"))
    }

    /// Posts `form` to one of QQ's own servers, with the cookies that it wants, and gives the page that it answers.
    pub(crate) async fn post(
        &self,
        endpoint: &'static str,
        url: &str,
        link: &Link,
        form: Multipart,
    ) -> Result<Vec<u8>, Error> {
        let url = Url::parse(url).map_err(|_| Error::MediaUnsafe("no address at all"))?;
        let (kind, body) = form.finish();
        let mut request =
            http::aimed(&self.client, Method::POST, self.server.as_ref(), &url).header(CONTENT_TYPE, kind);
        if let Some(cookies) = link.cookies(&url) {
            request = request.header(COOKIE, cookies);
        }
        let request = request.header(REFERER, UPLOADER).header(ORIGIN, UPLOADER.trim_end_matches('/'));
        let answer = match request.body(body).timeout(PATIENCE).send().await {
            Ok(response) => http::read(response, MOST_PAGE_BYTES).await,
            Err(why) => return Err(http::fault(why).unreachable(endpoint)),
        };
        whole(endpoint, answer, MOST_PAGE_BYTES)
    }

    /// Asks for `url` once, if it is an address that we go to.
    pub(crate) async fn get(&self, url: &Url, most_bytes: usize) -> Result<Result<Answer, Fault>, Error> {
        if let Some(why) = address::fault(url, self.private_too) {
            return Err(Error::MediaUnsafe(why));
        }
        let request = http::aimed(&self.client, Method::GET, self.server.as_ref(), url).header(REFERER, FROM);
        match request.timeout(PATIENCE).send().await {
            Ok(response) => Ok(Ok(http::read(response, most_bytes).await)),
            Err(why) if NotPublic::is_in(&why) => Err(Error::MediaUnsafe("a name for what is not public")),
            Err(why) => Ok(Err(http::fault(why))),
        }
    }
}

/// All of an answer, if that is what it is.
fn whole(endpoint: &'static str, answer: Answer, most_bytes: usize) -> Result<Vec<u8>, Error> {
    match answer.torn {
        Some(why) if why == TOO_LONG => return Err(Error::MediaTooLarge(most_bytes)),
        Some(why) => return Err(Error::Unreachable { endpoint, why }),
        None => {}
    }
    match answer.status {
        200 if answer.body.is_empty() => Err(Error::NoMedia { endpoint, why: "an empty answer".to_owned() }),
        200 => Ok(answer.body),
        status => Err(Error::Status { endpoint, status }),
    }
}

/// Looks names up and hands on the public addresses alone. What is connected to is what was looked at: nobody can change
/// the name's meaning in between.
struct Resolver {
    private_too: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_too = self.private_too;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fine: Vec<SocketAddr> = found.filter(|at| private_too || address::is_public(at.ip())).collect();
            if fine.is_empty() {
                return Err(NotPublic.into());
            }
            let fine: Addrs = Box::new(fine.into_iter());
            Ok(fine)
        })
    }
}

/// A name that stands for no public address.
#[derive(Debug, thiserror::Error)]
#[error("it stands for no public address")]
struct NotPublic;

impl NotPublic {
    fn is_in(error: &reqwest::Error) -> bool {
        let mut inner = std::error::Error::source(error);
        while let Some(source) = inner {
            let boxed = source.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if source.is::<Self>() || boxed.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>) {
                return true;
            }
            inner = source.source();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(to: &str) -> Answer {
        Answer { status: 302, location: Some(to.to_owned()), body: Vec::new(), torn: None }
    }

    async fn followed(outside: &Outside, to: &str) -> Error {
        let from = Url::parse("http://d1.web2.qq.com/channel/get_offpic2").unwrap();
        outside.follow("get_offpic2", (from, redirect(to)), 10, |_| true).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_redirect_into_our_own_network_is_refused_also_behind_a_name() {
        let outside = Outside::new(None, false).unwrap();
        for to in ["http://127.0.0.1:1/", "//[::1]/x", "http://localhost:1/", "file:///etc/passwd"] {
            let error = followed(&outside, to).await;
            assert!(matches!(error, Error::MediaUnsafe(_)), "{to}: {error}");
        }
    }

    #[tokio::test]
    async fn an_address_of_our_own_network_can_be_allowed() {
        let outside = Outside::new(None, true).unwrap();
        for to in ["http://127.0.0.1:1/", "http://localhost:1/"] {
            assert!(matches!(followed(&outside, to).await, Error::Unreachable { .. }), "{to}");
        }
    }

    #[test]
    fn only_a_whole_answer_of_a_bearable_length_counts() {
        let answer = |status, body: &str, torn: Option<&str>| {
            whole("x", Answer { status, location: None, body: body.into(), torn: torn.map(str::to_owned) }, 10)
        };
        assert_eq!(answer(200, "abc", None).unwrap(), b"abc");
        assert!(matches!(answer(200, "", None), Err(Error::NoMedia { .. })));
        assert!(matches!(answer(404, "abc", None), Err(Error::Status { status: 404, .. })));
        assert!(matches!(answer(200, "abc", Some("cut")), Err(Error::Unreachable { .. })));
        assert!(matches!(answer(200, "abc", Some(TOO_LONG)), Err(Error::MediaTooLarge(10))));
    }
}
