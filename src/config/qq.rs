//! `network:`, the QQ side.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;

use super::era::Era;
use super::fault::Fault;
use super::template::{Template, TemplateError};

/// `network:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Display name of ghosts: fields `.Name` (nick) and `.ID`.
    pub displayname_template: String,
    /// `network.webqq:`
    pub webqq: WebQq,
}

/// What a display name may be made of.
const NAME_FIELDS: [&str; 2] = ["Name", "ID"];

impl Network {
    /// What the ghost of the contact `id` with the nick `name` (empty when not known) is called. Never empty.
    #[must_use]
    pub fn display_name(&self, name: &str, id: &str) -> String {
        let shown = self.template().map(|template| template.render(&[("Name", name), ("ID", id)])).unwrap_or_default();
        let shown = shown.trim();
        if shown.is_empty() { id.to_owned() } else { shown.to_owned() }
    }

    fn template(&self) -> Result<Template, TemplateError> {
        Template::parse(&self.displayname_template, &NAME_FIELDS)
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let template = &self.displayname_template;
        if let Err(why) = self.template() {
            faults.push(Fault::text("network.displayname_template", template, why.to_string()));
        } else if template.trim().is_empty() {
            let fix = "write a template such as {{or .Name .ID}} (QQ)";
            faults.push(Fault::unset("network.displayname_template", fix));
        }
        if let Some(server) = &self.webqq.server
            && (!matches!(server.scheme(), "http" | "https") || server.host().is_none())
        {
            faults.push(Fault::text("network.webqq.server", server.as_str(), SERVER_FIX));
        }
        if self.webqq.max_qr_codes == 0 {
            let fix = "write 1 or more, or nobody can ever log in";
            faults.push(Fault::text("network.webqq.max_qr_codes", "0", fix));
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self { displayname_template: "{{or .Name .ID}} (QQ)".to_owned(), webqq: WebQq::default() }
    }
}

/// `network.webqq:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebQq {
    /// Of which time the WebQQ is.
    pub era: Era,
    /// Every qq.com call goes here, with its original `Host` header; unset means the real host names.
    #[serde(deserialize_with = "server")]
    pub server: Option<Url>,
    /// Least time between two messages of one account, in milliseconds; 0 turns pacing off.
    pub send_interval_ms: u64,
    /// At most so much is added to that time, by chance, in milliseconds.
    pub send_jitter_ms: u64,
    /// How often friends, groups and discussions are listed anew, in milliseconds; 0 for only when somebody unknown speaks.
    pub list_refresh_ms: u64,
    /// How many QR codes one `login` shows before it gives up.
    pub max_qr_codes: u32,
    /// Whether pictures and files are fetched from addresses of one's own network when QQ says that they are there.
    pub private_media: bool,
}

impl WebQq {
    /// [`WebQq::send_interval_ms`] as a duration.
    #[must_use]
    pub fn send_interval(&self) -> Duration {
        Duration::from_millis(self.send_interval_ms)
    }

    /// [`WebQq::send_jitter_ms`] as a duration; none when pacing is off.
    #[must_use]
    pub fn send_jitter(&self) -> Duration {
        if self.send_interval_ms == 0 { Duration::ZERO } else { Duration::from_millis(self.send_jitter_ms) }
    }
}

impl Default for WebQq {
    fn default() -> Self {
        Self {
            era: Era::SmartQq,
            server: None,
            send_interval_ms: 3000,
            send_jitter_ms: 1000,
            list_refresh_ms: 600_000,
            max_qr_codes: 5,
            private_media: false,
        }
    }
}

const SERVER_FIX: &str = "write a URL such as http://127.0.0.1:9700, or leave it out for the real QQ";

/// A URL; empty text means unset.
fn server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    Url::parse(&text).map(Some).map_err(|_| serde::de::Error::custom(SERVER_FIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(template: &str) -> Network {
        Network { displayname_template: template.to_owned(), ..Network::default() }
    }

    #[test]
    fn a_ghost_always_has_a_name() {
        for (template, name, id, shown) in [
            ("{{or .Name .ID}} (QQ)", "小明", "10001", "小明 (QQ)"),
            ("{{or .Name .ID}} (QQ)", "", "10001", "10001 (QQ)"),
            ("{{.Name}}", "", "10001", "10001"),
            (" {{.Name}} ", " a ", "10001", "a"),
        ] {
            assert_eq!(network(template).display_name(name, id), shown, "{template}");
        }
    }

    #[test]
    fn faults_name_the_option() {
        let mut bad = network("{{.Alias}}");
        bad.webqq.max_qr_codes = 0;
        bad.webqq.server = Some(Url::parse("ftp://127.0.0.1").unwrap());
        let mut faults = Vec::new();
        bad.check(&mut faults);
        let keys: Vec<String> = faults.iter().map(|fault| fault.key.to_string()).collect();
        assert_eq!(keys, ["network.displayname_template", "network.webqq.server", "network.webqq.max_qr_codes"]);
        let mut none = Vec::new();
        Network::default().check(&mut none);
        assert_eq!(none, []);
    }
}
