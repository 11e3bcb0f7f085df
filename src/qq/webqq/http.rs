//! Speaks HTTP as QQ's own page did: its headers, its cookies, one kept connection; tells "never sent" from "no answer".

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use reqwest::redirect::Policy;
use serde::Serialize;
use url::Url;

use super::era::Era;
use super::jar::Jar;
use super::{Error, Settings};
use crate::base::metrics::METRICS;

pub(crate) use super::era::Site;

/// A browser of the time: QQ answers 100101 to lists without one. Source: protocol dossier 2.2.
const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/70.0.3538.110 Safari/537.36";
const CONNECT: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(30);
/// Shorter than what servers keep, so that a send rarely meets a connection that is just being closed.
const KEEP_IDLE: Duration = Duration::from_secs(30);
/// No list of QQ's comes near it: one of ten thousand people has 2 MiB.
const MOST_BYTES: usize = 8 << 20;
/// Why an answer was not read to its end.
pub(crate) const TOO_LONG: &str = "too long";

/// One request.
pub(crate) struct Ask {
    site: Site,
    to: To,
    /// In the place of the host of the site.
    host: Option<String>,
    form: Option<serde_json::Result<String>>,
    /// What the form says beside `r`.
    beside: Vec<(&'static str, String)>,
    patience: Duration,
    most_bytes: usize,
}

enum To {
    /// Path and query on the host of the era.
    Path(String),
    Address(Url),
}

impl Ask {
    /// `GET` of `path` on `site`.
    pub(crate) fn get(site: Site, path: &str, query: &[(&str, &str)]) -> Self {
        let mut to = path.to_owned();
        if !query.is_empty() {
            to.push('?');
            to.push_str(&url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish());
        }
        Self {
            site,
            to: To::Path(to),
            host: None,
            form: None,
            beside: Vec::new(),
            patience: ANSWER,
            most_bytes: MOST_BYTES,
        }
    }

    /// `POST` of the form `r=<json>` to `path` on `site`.
    pub(crate) fn post(site: Site, path: &str, r: &impl Serialize) -> Self {
        let form = Some(serde_json::to_string(r));
        Self {
            site,
            to: To::Path(path.to_owned()),
            host: None,
            form,
            beside: Vec::new(),
            patience: ANSWER,
            most_bytes: MOST_BYTES,
        }
    }

    /// `GET` of an address that QQ gave during the login. Always over TLS: the address is a ticket.
    pub(crate) fn follow(mut url: Url) -> Self {
        // Cannot fail between http and https, and leaves anything else as it is.
        let _ = url.set_scheme("https");
        Self {
            site: Site::Login,
            to: To::Address(url),
            host: None,
            form: None,
            beside: Vec::new(),
            patience: ANSWER,
            most_bytes: MOST_BYTES,
        }
    }

    /// Says more fields beside `r`.
    pub(crate) fn beside(mut self, fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.beside.extend(fields);
        self
    }

    /// What it is counted under: the last word of the path, never what an address that QQ gave says.
    fn endpoint(&self) -> &str {
        let To::Path(path) = &self.to else { return "ticket" };
        path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default()
    }

    /// Whether it is a form for the channel.
    pub(crate) fn posts_to_channel(&self) -> bool {
        self.site == Site::Channel && self.form.is_some()
    }

    /// The same of another host.
    pub(crate) fn on_host(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }

    /// Waits for the answer at most this long.
    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Reads at most so much of the answer.
    pub(crate) fn at_most(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where a redirect leads; it is never followed.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Why `body` is not all of it.
    pub(crate) torn: Option<String>,
}

/// Why nothing came back. Holds no address: addresses hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request certainly did not reach QQ.
    NotSent(String),
    /// It may have.
    Lost(String),
    /// It may have, and QQ took longer than allowed.
    TimedOut,
}

impl Fault {
    /// For calls that may be repeated.
    pub(crate) fn unreachable(self, endpoint: &'static str) -> Error {
        let why = match self {
            Self::NotSent(why) | Self::Lost(why) => why,
            Self::TimedOut => "timed out".to_owned(),
        };
        Error::Unreachable { endpoint, why }
    }
}

/// Which QQ is asked.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Of which time it is.
    pub(crate) era: &'static Era,
    /// Gets every call in QQ's place, with the host name that the call was meant for.
    pub(crate) server: Option<Url>,
}

impl Service {
    /// As configured.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { era: Era::of(settings.era), server: settings.server.clone() }
    }
}

/// The connection to QQ of one login.
pub(crate) struct Http {
    client: reqwest::Client,
    service: Service,
    /// The addresses of the sites, which every call begins with.
    roots: Mutex<HashMap<&'static str, Url>>,
    /// Cookies, as a browser would keep them.
    pub(crate) jar: Jar,
}

impl Http {
    /// Nothing is asked yet.
    pub(crate) fn new(service: Service, jar: Jar) -> Result<Self, Error> {
        let builder = builder();
        // A server of one's own stands nearby; a proxy that leads to the world would not find it.
        let builder = if service.server.is_some() { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|why| Error::Settings(cause(why)))?;
        Ok(Self { client, service, roots: Mutex::default(), jar })
    }

    /// The cookie `name` that goes to `site`.
    pub(crate) fn cookie(&self, site: Site, name: &str) -> Option<String> {
        self.jar.value(&self.root(site).ok()?, name)
    }

    /// The address of `site`.
    fn root(&self, site: Site) -> Result<Url, url::ParseError> {
        let root = self.era().root(site);
        let mut known = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = known.get(root) {
            return Ok(url.clone());
        }
        let url = Url::parse(root)?;
        known.insert(root, url.clone());
        Ok(url)
    }

    /// Of which time the QQ is that is asked.
    pub(crate) fn era(&self) -> &'static Era {
        self.service.era
    }

    /// Asks once.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let answer = self.ask_uncounted(&ask).await;
        METRICS.qq.ended(ask.endpoint(), outcome(&answer), begun);
        answer
    }

    async fn ask_uncounted(&self, ask: &Ask) -> Result<Answer, Fault> {
        let url = &self.address(ask).map_err(|why| Fault::NotSent(why.to_string()))?;
        let request = self.request(ask, url)?;
        let response = request.send().await.map_err(fault)?;
        let cookies = response.headers().get_all(SET_COOKIE);
        self.jar.take(url, cookies.iter().filter_map(|header| header.to_str().ok()));
        Ok(read(response, ask.most_bytes).await)
    }

    fn request(&self, ask: &Ask, url: &Url) -> Result<reqwest::RequestBuilder, Fault> {
        let aimed = |method| aimed(&self.client, method, self.service.server.as_ref(), url);
        let mut request = match &ask.form {
            None => aimed(Method::GET),
            Some(r) => {
                let r = r.as_ref().map_err(|why| Fault::NotSent(why.to_string()))?;
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                let form = form.append_pair("r", r).extend_pairs(&ask.beside).finish();
                aimed(Method::POST)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(ORIGIN, self.era().root(ask.site))
                    .body(form)
            }
        };
        if let Some(cookies) = self.jar.header(url) {
            request = request.header(COOKIE, cookies);
        }
        Ok(request.header(REFERER, self.era().referer(ask.site)).timeout(ask.patience))
    }

    /// The address that `ask` means.
    pub(crate) fn address(&self, ask: &Ask) -> Result<Url, url::ParseError> {
        match &ask.to {
            To::Path(path) => {
                let mut url = self.root(ask.site)?.join(path)?;
                if let Some(host) = &ask.host {
                    url.set_host(Some(host))?;
                }
                Ok(url)
            }
            To::Address(url) => Ok(url.clone()),
        }
    }
}

/// A client as QQ's page was one: it follows no redirects.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(KEEP_IDLE)
}

/// A call for `url`, which goes to `server` in its place if there is one, with the name of the host that was meant.
pub(crate) fn aimed(
    client: &reqwest::Client,
    method: Method,
    server: Option<&Url>,
    url: &Url,
) -> reqwest::RequestBuilder {
    let request = client.request(method, target(server, url));
    match (server, url.host_str()) {
        (Some(_), Some(host)) => request.header(HOST, host),
        _ => request,
    }
}

fn target(server: Option<&Url>, url: &Url) -> Url {
    let Some(server) = server else { return url.clone() };
    let mut target = server.clone();
    target.set_path(&[server.path().trim_end_matches('/'), url.path()].concat());
    target.set_query(url.query());
    target
}

/// Reads an answer to its end, as far as it comes and fits.
pub(crate) async fn read(mut response: reqwest::Response, most_bytes: usize) -> Answer {
    let location = response.headers().get(LOCATION);
    // The servers for files write names in it as they are. Source: protocol dossier 10.4.
    let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    let mut answer = Answer { status: response.status().as_u16(), location, body: Vec::new(), torn: None };
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if answer.body.len() + bytes.len() <= most_bytes => answer.body.extend(bytes),
            Ok(Some(_)) => answer.torn = Some(TOO_LONG.to_owned()),
            Ok(None) => return answer,
            Err(why) => answer.torn = Some(cause(why)),
        }
        if answer.torn.is_some() {
            return answer;
        }
    }
}

/// What an answer is counted under.
fn outcome(answer: &Result<Answer, Fault>) -> &'static str {
    match answer {
        Ok(answer) if answer.torn.is_some() => "lost",
        Ok(answer) if answer.status >= 400 => "refused",
        Ok(_) => "ok",
        Err(Fault::NotSent(_)) => "unsent",
        Err(Fault::Lost(_)) => "lost",
        Err(Fault::TimedOut) => "timeout",
    }
}

/// Whether a request reached QQ that failed.
pub(crate) fn fault(error: reqwest::Error) -> Fault {
    if error.is_connect() || error.is_builder() {
        Fault::NotSent(cause(error))
    } else if error.is_timeout() {
        Fault::TimedOut
    } else {
        Fault::Lost(cause(error))
    }
}

/// The innermost cause: "connection refused", never an address.
pub(crate) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut inner = error.source();
    while let Some(source) = inner.and_then(std::error::Error::source) {
        inner = Some(source);
    }
    inner.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn to(server: &str) -> Http {
        let server = Some(Url::parse(server).unwrap());
        Http::new(Service::of(&Settings { server, ..Settings::default() }), Jar::default()).unwrap()
    }

    fn poll() -> Ask {
        Ask::post(Site::Channel, "/channel/poll2", &serde_json::json!({"a": "b c&"}))
    }

    /// A server that reads one request, answers `answer` and hangs up; gives what it read.
    async fn once(answer: &'static [u8]) -> (String, impl Future<Output = String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serve = async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("r=%7B") {
                assert!(socket.read_buf(&mut request).await.unwrap() > 0);
            }
            socket.write_all(answer).await.unwrap();
            String::from_utf8(request).unwrap()
        };
        (address, serve)
    }

    #[tokio::test]
    async fn a_call_to_another_server_keeps_qqs_host_headers_and_cookies() {
        let (address, serve) =
            once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b; Path=/; Domain=qq.com; Secure\r\n\r\n{}")
                .await;
        let http = to(&address);
        http.jar.take(
            &Url::parse("https://d1.web2.qq.com/").unwrap(),
            ["p_skey=s; Domain=web2.qq.com; Secure"].into_iter(),
        );
        let (answer, request) = tokio::join!(http.ask(poll()), serve);
        assert_eq!(answer.unwrap().body, b"{}");
        for line in [
            "POST /channel/poll2 HTTP/1.1",
            "host: d1.web2.qq.com",
            "cookie: p_skey=s",
            "origin: https://d1.web2.qq.com",
            "referer: https://d1.web2.qq.com/proxy.html?v=20151105001&callback=1&id=2",
            "content-type: application/x-www-form-urlencoded",
            "r=%7B%22a%22%3A%22b+c%26%22%7D",
        ] {
            assert!(request.lines().any(|sent| sent == line), "{line} in {request}");
        }
        assert_eq!(http.jar.value(&Url::parse("https://s.web2.qq.com/").unwrap(), "a").as_deref(), Some("b"));
    }

    #[tokio::test]
    async fn a_refused_connection_was_never_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert!(matches!(to(&address).ask(poll()).await, Err(Fault::NotSent(_))));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_before_the_answer_is_lost_and_one_that_breaks_in_it_gives_what_came() {
        let (address, serve) = once(b"").await;
        let http = to(&address);
        let (answer, _) = tokio::join!(http.ask(poll()), serve);
        let Err(Fault::Lost(why)) = answer else { panic!("lost") };
        assert!(!why.contains("127.0.0.1"), "{why}");

        let (address, serve) = once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"re").await;
        let http = to(&address);
        let (answer, _) = tokio::join!(http.ask(poll()), serve);
        let answer = answer.unwrap();
        assert_eq!((answer.body.as_slice(), answer.torn.is_some()), (b"{\"re".as_slice(), true));
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off_and_its_beginning_is_all_that_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = to(&format!("http://{}", listener.local_addr().unwrap()));
        let serve = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_buf(&mut Vec::new()).await.unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
            let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 1 << 16], b"\r\n"].concat();
            // Until whoever reads has had enough.
            while socket.write_all(&chunk).await.is_ok() {}
        };
        let (answer, ()) = tokio::join!(http.ask(poll()), serve);
        let answer = answer.unwrap();
        assert_eq!(answer.torn.as_deref(), Some("too long"));
        assert!(answer.body.len() <= MOST_BYTES && answer.body.len() > MOST_BYTES / 2);
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_timed_out_not_unsent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = to(&format!("http://{}", listener.local_addr().unwrap()));
        assert_eq!(http.ask(poll().patience(Duration::from_millis(20))).await.err(), Some(Fault::TimedOut));
    }
}
