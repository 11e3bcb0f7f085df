//! Pictures that the client brings, as pages in its frames did.
//!
//! Source: protocol dossier 10.1.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, cookies};
use super::multipart::Form;
use super::reply::{Outcome, Refusal, html, result};
use crate::sim::album;
use crate::sim::numbers::Whom;
use crate::sim::session::Session;
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;

/// The official page sent no larger pictures.
const LARGEST: usize = 1 << 20;
/// More than any upload.
pub(super) const BODY_LIMIT: usize = 101 << 20;

/// An upload: its form, and the cookies that came with it.
pub(super) struct Upload {
    pub(super) form: Form,
    pub(super) skey: String,
}

impl Upload {
    pub(super) async fn read(request: Request) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let skey = cookies(&parts.headers).remove("skey").unwrap_or_default();
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.ok()?;
        Some(Self { form: Form::read(&kind, &body)?, skey })
    }

    /// The session whose cookie and list ticket it shows.
    pub(super) fn session<'a>(&self, stage: &'a Stage) -> Option<&'a Session> {
        let vfwebqq = Some(self.form.field("vfwebqq")).filter(|ticket| !ticket.is_empty());
        stage.sessions.iter().find(|session| session.skey == self.skey && session.vfwebqq.as_deref() == vfwebqq)
    }

    /// The file, if it came in the field `name`.
    pub(super) fn file(&self, name: &str) -> Option<(&str, &Bytes)> {
        let (field, filename, bytes) = self.form.file.as_ref()?;
        (field == name && !bytes.is_empty()).then_some((filename.as_str(), bytes))
    }

    /// Whether `fields` are as given.
    pub(super) fn has(&self, fields: &[(&str, &str)]) -> bool {
        fields.iter().all(|(name, value)| self.form.field(name) == *value)
    }

    /// Whether it is one of the account's own, for a person of this login.
    pub(super) fn is_offline(&self, stage: &Stage) -> bool {
        let channel = self.session(stage).and_then(|session| session.channel.as_ref());
        let peer = self.form.field("peeruin").parse().ok();
        let whom = channel.and_then(|channel| channel.numbers.whom(peer?));
        let own = stage.world.account.number.to_string();
        let fixed = [("appid", "1002101"), ("locallangid", "2052"), ("clientversion", "1409"), ("senderviplevel", "0")];
        if !self.has(&fixed) || self.form.field("fileid").is_empty() {
            return false;
        }
        self.form.field("skey") == self.skey && self.form.field("uin") == own && matches!(whom, Some(Whom::Person(_)))
    }
}

/// `POST weboffline.ftn.qq.com/ftn_access/upload_offline_pic`.
pub(super) async fn upload_offline_pic(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    offline(&shared, request, LARGEST, "parent.EQQ.Model.ChatMsg.callbackSendPic").await
}

/// Keeps what is brought for a friend, of at most `largest` bytes, and tells the page's function `callback` where. What a
/// wrong form was answered is not known: a guess.
pub(super) async fn offline(shared: &Shared, request: Request, largest: usize, callback: &str) -> Response {
    let upload = Upload::read(request).await;
    let kept = shared.change(|stage| {
        let upload = upload.as_ref().filter(|upload| upload.is_offline(stage))?;
        let (filename, bytes) = upload.file("file").filter(|(_, bytes)| bytes.len() <= largest)?;
        let path = stage.album.keep_under_path(&mut stage.rng, bytes.clone());
        Some(json!({
            "retcode": 0, "result": "OK", "progress": 100, "filesize": bytes.len(), "fileid": upload.form.field("fileid"),
            "filename": filename, "filepath": path,
        }))
    });
    let answer = kept.unwrap_or_else(|| json!({"retcode": -30_001, "result": "ERR", "progress": 0}));
    page(callback, &answer.to_string())
}

/// `POST up.web2.qq.com/cgi-bin/cface_upload`.
pub(super) async fn cface_upload(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let upload = Upload::read(request).await;
    let answer = shared.change(|stage| {
        let Some(upload) = upload.as_ref().filter(|upload| upload.session(stage).is_some()) else {
            return "{'ret':2,'msg':'get uin and skey error'}".to_owned();
        };
        let file = upload.file("custom_face").filter(|_| upload.has(&[("from", "control"), ("fileid", "1")]));
        let Some((_, bytes)) = file.filter(|(_, bytes)| bytes.len() <= LARGEST) else {
            return "{'ret':2,'msg':'oversize'}".to_owned();
        };
        let name = format!("{}.jPg", album::fingerprint(bytes));
        if stage.album.by_key(&name).is_some() {
            return format!("{{'ret':4,'msg':'{name} -6102 upload cface failed'}}");
        }
        stage.album.keep(&mut stage.rng, name.clone(), bytes.clone());
        format!("{{'ret':0,'msg':'{name}'}}")
    });
    page("parent.EQQ.Model.ChatMsg.callbackSendPicGroup", &answer)
}

/// `GET d1.web2.qq.com/channel/get_gface_sig2`: what a message with a picture has to show in a group.
pub(super) async fn get_gface_sig2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        let fresh = (token::letters(&mut stage.rng, 16), token::hex(&mut stage.rng, 56));
        let session = stage.session_mut(id).ok_or(Refusal(103))?;
        let (key, sig) = session.gface.get_or_insert(fresh);
        Ok(result(&json!({"reply": 0, "gface_key": key, "gface_sig": sig})))
    })
}

pub(super) fn page(callback: &str, argument: &str) -> Response {
    html(format!(
        "<head><script type=\"text/javascript\">document.domain='qq.com';{callback}({argument});</script></head><body></body>"
    ))
}
