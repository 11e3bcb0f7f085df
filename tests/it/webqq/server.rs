//! A server that answers as it is told and remembers what it was asked: QQ as a script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use matrix_webqq::base::Shutdown;
use serde_json::{Value, json};
use url::Url;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) endpoint: String,
    pub(crate) host: String,
    pub(crate) cookie: String,
    pub(crate) query: HashMap<String, String>,
    /// The fields of the form.
    pub(crate) form: HashMap<String, String>,
    /// The JSON of the form field `r`.
    pub(crate) r: Value,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    status: u16,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    /// Bytes that are announced and never come.
    missing: usize,
}

/// A body with status 200.
pub(crate) fn body(body: impl Into<Vec<u8>>) -> Answer {
    Answer { status: 200, body: body.into(), ..Answer::default() }
}

/// A status without a body.
pub(crate) fn status(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

/// `{"retcode": 0, "result": …}`
#[expect(clippy::needless_pass_by_value, reason = "it is always made on the spot")]
pub(crate) fn result(result: Value) -> Answer {
    body(json!({"retcode": 0, "result": result}).to_string() + "\n")
}

/// `{"retcode": …}`
pub(crate) fn retcode(retcode: i64) -> Answer {
    body(json!({"retcode": retcode, "errmsg": "error!!!"}).to_string())
}

impl Answer {
    pub(crate) fn cookie(mut self, cookie: &str) -> Self {
        self.headers.push((SET_COOKIE.as_str(), cookie.to_owned()));
        self
    }

    pub(crate) fn redirect(mut self, to: &str) -> Self {
        self.headers.push((LOCATION.as_str(), to.to_owned()));
        self
    }

    /// The connection breaks before the last bytes.
    pub(crate) fn torn(mut self) -> Self {
        self.missing = 10;
        self
    }

    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        if self.missing == 0 {
            return response.body(Body::from(self.body)).unwrap();
        }
        let length = self.body.len() + self.missing;
        let end = stream::once(async {
            // What came before is written out while the rest is not there yet.
            tokio::task::yield_now().await;
            Err(std::io::Error::other("torn"))
        });
        let parts = stream::iter([Ok(Bytes::from(self.body))]).chain(end);
        response.header(CONTENT_LENGTH, length).body(Body::from_stream(parts)).unwrap()
    }
}

#[derive(Default)]
struct Script {
    always: HashMap<String, Answer>,
    once: HashMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    address: Url,
    shutdown: Shutdown,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shutdown = Shutdown::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let stop = shutdown.clone();
        shutdown.spawn(async move {
            stop.unless_asked(axum::serve(listener, router).into_future()).await;
        });
        Self { script, address, shutdown }
    }

    pub(crate) fn address(&self) -> Url {
        self.address.clone()
    }

    /// From now on, and after what was said with [`Server::then`].
    pub(crate) fn always(&self, endpoint: &str, answer: Answer) {
        self.script.lock().unwrap().always.insert(endpoint.to_owned(), answer);
    }

    /// Once, after those said before.
    pub(crate) fn then(&self, endpoint: &str, answer: Answer) {
        self.script.lock().unwrap().once.entry(endpoint.to_owned()).or_default().push_back(answer);
    }

    /// Everything that was asked of `endpoint`.
    pub(crate) fn asked(&self, endpoint: &str) -> Vec<Asked> {
        self.script.lock().unwrap().asked.iter().filter(|asked| asked.endpoint == endpoint).cloned().collect()
    }

    /// The endpoints in the order in which they were asked, and forgets them.
    pub(crate) fn order(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked).into_iter().map(|asked| asked.endpoint).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, content) = request.into_parts();
    let form = axum::body::to_bytes(content, 1 << 20).await.unwrap();
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<HashMap<_, _>>();
    let header = |name| header(&parts.headers, name);
    let endpoint = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let form = pairs(&form);
    let asked = Asked {
        host: header(HOST.as_str()),
        cookie: header(COOKIE.as_str()),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        r: form.get("r").map(|r| serde_json::from_str(r).unwrap()).unwrap_or_default(),
        form,
        endpoint: endpoint.clone(),
    };
    let answer = {
        let mut script = script.lock().unwrap();
        script.asked.push(asked);
        let once = script.once.get_mut(&endpoint).and_then(VecDeque::pop_front);
        once.or_else(|| script.always.get(&endpoint).cloned()).unwrap_or_else(|| status(404))
    };
    answer.into_response()
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
