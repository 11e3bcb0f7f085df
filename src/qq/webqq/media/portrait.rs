//! Fetches the pictures that people and groups show themselves by.
//!
//! Source: protocol dossier 6.8. Whatever answers, only Tencent's own servers are followed to.

use url::Url;

use crate::qq::webqq::api::getface::{self, ENDPOINT, Whose};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::Address;
use crate::qq::{Error, Media, Portrait};

/// Where pictures of people may lie. `qlogo.cn` is known from the dossier, `gtimg.cn` is a guess.
const HOMES: [&str; 3] = ["qq.com", "qlogo.cn", "gtimg.cn"];

impl WebQq {
    /// Fetches the picture of `whose`.
    pub(crate) async fn portrait_of(&self, whose: &Portrait, most_bytes: usize) -> Result<Media, Error> {
        let ask = getface::ask(&self.link, self.whose(whose)?);
        let url = self.link.address(&ask).ok_or(Error::MediaUnsafe("no address at all"))?;
        let answer = self.link.ask(ask.at_most(most_bytes)).await.map_err(|fault| fault.unreachable(ENDPOINT))?;
        let bytes = self.carrier.outside.follow(ENDPOINT, (url, answer), most_bytes, is_at_home).await?;
        Ok(Media { bytes })
    }

    fn whose(&self, portrait: &Portrait) -> Result<Whose, Error> {
        match portrait {
            Portrait::Person(contact) => {
                let Uin(uin) = self.roster.uin(contact).ok_or_else(|| Error::Unmatched(contact.to_string()))?;
                Ok(Whose::Person(uin))
            }
            Portrait::Group(chat) => {
                let code = match self.roster.address(chat) {
                    Some(Address::Group(gid)) => self.roster.code(gid),
                    _ => None,
                };
                code.map(Whose::Group).ok_or_else(|| Error::Unmatched(chat.to_string()))
            }
        }
    }
}

/// Whether `url` leads to one of Tencent's own servers.
fn is_at_home(url: &Url) -> bool {
    let belongs =
        |host: &str, home: &str| host.strip_suffix(home).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| HOMES.iter().any(|home| belongs(host, home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_of_qq_are_followed_to() {
        let at_home = |url: &str| is_at_home(&Url::parse(url).unwrap());
        for url in
            ["http://face3.web.qq.com/x", "https://q.qlogo.cn/g?b=qq", "http://qq.com/", "https://pub.idqqimg.qq.com/d"]
        {
            assert!(at_home(url), "{url}");
        }
        for url in [
            "http://evilqq.com/",
            "http://qq.com.example.org/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "ftp://face0.web.qq.com/",
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "http://user@example.org/qq.com",
            "http://xn--qq-com.example/",
        ] {
            assert!(!at_home(url), "{url}");
        }
    }
}
