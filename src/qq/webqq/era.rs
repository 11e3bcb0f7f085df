//! What differed between the periods of WebQQ, in one table: hosts, pages, logins, numbers, hashes.
//!
//! Source: protocol dossier 0.2 (the eras), 2.1 and 2.2 (hosts, referers), 3 (passwords), 6.1 (hashes), 7.1 and 9.1 (forms).

use super::list_hash::ListHash;
use crate::config;

/// One of QQ's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// Whether a password login needs a captcha.
    Check,
    /// Logins.
    Login,
    /// Pictures of captchas.
    Captcha,
    /// Lists.
    Lists,
    /// The channel.
    Channel,
    /// The page itself, which only the heartbeat asks.
    Page,
    /// Pictures of friends.
    Offpics,
    /// Pictures of groups.
    Pictures,
    /// Pictures of people.
    Faces,
}

/// What a password login looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordForm {
    /// 2011 and 2012: the fewest fields.
    Plain,
    /// 2013: with `daid`, `login_sig` and the version of the page.
    Signed,
    /// From mid 2014: the same, and what the cipher needs.
    Enciphered,
}

/// One period.
#[expect(clippy::struct_excessive_bools, reason = "independent columns of a table")]
#[derive(Debug)]
pub(crate) struct Era {
    roots: Hosts,
    referers: Hosts,
    /// The application that the login servers know the page by.
    pub(crate) appid: &'static str,
    /// The page on which a login ends.
    pub(crate) landing: &'static str,
    /// The password login, if there is one.
    pub(crate) password: Option<PasswordForm>,
    /// Whether there is a QR login.
    pub(crate) qr: bool,
    /// Whether `pt4_auth` may give a new session to whom logged in before.
    pub(crate) resumes: bool,
    /// Whether clients choose a clientid, a text, and say it beside `r` as well.
    pub(crate) chooses_clientid: bool,
    /// Whether the ticket of the lists is that of login2, not of getvfwebqq.
    pub(crate) lists_by_login2: bool,
    /// How the hash of the friend list is made; where several were in use, the likeliest first.
    pub(crate) hashes: &'static [ListHash],
    /// Whether the group list wants the hash as well.
    pub(crate) groups_hashed: bool,
    /// Where the list of discussions is.
    pub(crate) discussions: (Site, &'static str),
    /// Whether polls tell which messages were read instead of showing `ptwebqq`.
    pub(crate) polls_with_ids: bool,
    /// Whether 109 and 110 end a session. Source: protocol dossier 14 row 7.
    pub(crate) offline_ends: bool,
    /// Whether QQ carries pictures of ours, and files for friends. Source: protocol dossier 10.
    pub(crate) carries_media: bool,
    /// Whether own words come back in groups and discussions.
    pub(crate) echoes: bool,
    /// Whether the page asks `get_msg_tip` every minute.
    pub(crate) heartbeat: bool,
}

/// One address for each [`Site`].
#[derive(Debug)]
struct Hosts {
    check: &'static str,
    login: &'static str,
    captcha: &'static str,
    lists: &'static str,
    channel: &'static str,
    page: &'static str,
    offpics: &'static str,
    pictures: &'static str,
    faces: &'static str,
}

impl Hosts {
    const fn of(&self, site: Site) -> &'static str {
        match site {
            Site::Check => self.check,
            Site::Login => self.login,
            Site::Captcha => self.captcha,
            Site::Lists => self.lists,
            Site::Channel => self.channel,
            Site::Page => self.page,
            Site::Offpics => self.offpics,
            Site::Pictures => self.pictures,
            Site::Faces => self.faces,
        }
    }
}

impl Era {
    /// The period that was configured.
    pub(crate) const fn of(era: config::Era) -> &'static Self {
        match era {
            config::Era::Y2012 => &Y2012,
            config::Era::Y2013 => &Y2013,
            config::Era::Y2014 => &Y2014,
            config::Era::SmartQq => &SMARTQQ,
        }
    }

    /// Where `site` is.
    pub(crate) const fn root(&self, site: Site) -> &'static str {
        self.roots.of(site)
    }

    /// From which page `site` is asked.
    pub(crate) const fn referer(&self, site: Site) -> &'static str {
        self.referers.of(site)
    }
}

const LOGIN_PAGE_2012: &str = "http://ui.ptlogin2.qq.com/cgi-bin/login?target=self&style=5&mibao_css=m_webqq&appid=1003903\
    &enable_qlogin=0&no_verifyimg=1&s_url=http%3A%2F%2Fwebqq.qq.com%2Floginproxy.html&f_url=loginerroralert\
    &strong_login=1&login_state=10&t=20110909003";
const LOGIN_PAGE_2013: &str = "https://ui.ptlogin2.qq.com/cgi-bin/login?daid=164&target=self&style=5&mibao_css=m_webqq\
    &appid=1003903&enable_qlogin=0&no_verifyimg=1&s_url=http%3A%2F%2Fweb2.qq.com%2Floginproxy.html\
    &f_url=loginerroralert&strong_login=1&login_state=10&t=20130516001";
const LOGIN_PAGE: &str = "https://ui.ptlogin2.qq.com/cgi-bin/login?daid=164&target=self&style=16&mibao_css=m_webqq\
    &appid=501004106&enable_qlogin=0&no_verifyimg=1&s_url=http%3A%2F%2Fw.qq.com%2Fproxy.html\
    &f_url=loginerroralert&strong_login=1&login_state=10&t=20131024001";

const Y2012: Era = Era {
    roots: Hosts {
        check: "http://check.ptlogin2.qq.com",
        login: "http://ptlogin2.qq.com",
        captcha: "http://captcha.qq.com",
        lists: "http://s.web2.qq.com",
        channel: "http://d.web2.qq.com",
        page: "http://webqq.qq.com",
        offpics: "http://d.web2.qq.com",
        pictures: "http://webqq.qq.com",
        faces: "http://face1.qun.qq.com",
    },
    referers: Hosts {
        check: LOGIN_PAGE_2012,
        login: LOGIN_PAGE_2012,
        captcha: LOGIN_PAGE_2012,
        lists: "http://d.web2.qq.com/proxy.html?v=20110331002&callback=2",
        channel: "http://d.web2.qq.com/proxy.html?v=20110331002&callback=1&id=3",
        page: "http://webqq.qq.com/",
        offpics: "http://webqq.qq.com/",
        pictures: "http://webqq.qq.com/",
        faces: "http://webqq.qq.com/",
    },
    appid: "1003903",
    landing: "http://webqq.qq.com/loginproxy.html",
    password: Some(PasswordForm::Plain),
    qr: false,
    resumes: false,
    chooses_clientid: true,
    lists_by_login2: true,
    hashes: &[],
    groups_hashed: false,
    discussions: (Site::Channel, "/channel/get_discu_list_new2"),
    polls_with_ids: true,
    offline_ends: true,
    carries_media: true,
    echoes: false,
    heartbeat: true,
};

const Y2013: Era = Era {
    roots: Hosts {
        check: "https://ssl.ptlogin2.qq.com",
        login: "https://ssl.ptlogin2.qq.com",
        captcha: "https://ssl.captcha.qq.com",
        page: "http://web2.qq.com",
        pictures: "http://web2.qq.com",
        ..Y2012.roots
    },
    referers: Hosts {
        check: LOGIN_PAGE_2013,
        login: LOGIN_PAGE_2013,
        captcha: LOGIN_PAGE_2013,
        lists: "http://s.web2.qq.com/proxy.html?v=20130916001&callback=1&id=1",
        channel: "http://d.web2.qq.com/proxy.html?v=20130916001&callback=1&id=2",
        page: "http://web2.qq.com/webqq.html",
        offpics: "http://web2.qq.com/webqq.html",
        pictures: "http://web2.qq.com/webqq.html",
        faces: "http://web2.qq.com/webqq.html",
    },
    landing: "http://web2.qq.com/loginproxy.html",
    password: Some(PasswordForm::Signed),
    hashes: &[ListHash::Q, ListHash::P, ListHash::N, ListHash::O],
    discussions: (Site::Lists, "/api/get_discus_list"),
    ..Y2012
};

const Y2014: Era = Era {
    referers: Hosts { check: LOGIN_PAGE, login: LOGIN_PAGE, captcha: LOGIN_PAGE, ..Y2013.referers },
    appid: "501004106",
    landing: "http://w.qq.com/proxy.html",
    password: Some(PasswordForm::Enciphered),
    hashes: &[ListHash::P, ListHash::Q],
    groups_hashed: true,
    polls_with_ids: false,
    ..Y2013
};

const SMARTQQ: Era = Era {
    roots: Hosts {
        lists: "https://s.web2.qq.com",
        channel: "https://d1.web2.qq.com",
        page: "https://w.qq.com",
        offpics: "https://d.web2.qq.com",
        faces: "http://face0.web.qq.com",
        ..Y2014.roots
    },
    referers: Hosts {
        lists: "https://s.web2.qq.com/proxy.html?v=20130916001&callback=1&id=1",
        channel: "https://d1.web2.qq.com/proxy.html?v=20151105001&callback=1&id=2",
        page: "https://w.qq.com/",
        offpics: "http://w.qq.com/",
        faces: "http://w.qq.com/",
        ..Y2014.referers
    },
    password: None,
    qr: true,
    resumes: true,
    chooses_clientid: false,
    lists_by_login2: false,
    hashes: &[ListHash::P],
    offline_ends: false,
    carries_media: false,
    echoes: true,
    heartbeat: false,
    ..Y2014
};

#[cfg(test)]
mod tests {
    use super::*;

    const SITES: [Site; 9] = [
        Site::Check,
        Site::Login,
        Site::Captcha,
        Site::Lists,
        Site::Channel,
        Site::Page,
        Site::Offpics,
        Site::Pictures,
        Site::Faces,
    ];

    #[test]
    fn every_era_has_a_login_and_asks_qq_from_a_page_of_qq() {
        for era in config::Era::ALL.map(Era::of) {
            assert!(era.qr || era.password.is_some());
            for address in SITES.iter().flat_map(|site| [era.root(*site), era.referer(*site)]) {
                let url = url::Url::parse(address).unwrap();
                assert!(url.host_str().unwrap().ends_with(".qq.com"), "{address}");
            }
            assert_eq!(era.lists_by_login2, era.chooses_clientid, "both changed with SmartQQ");
        }
    }

    #[test]
    fn the_hosts_of_each_era_are_those_of_the_dossier() {
        let hosts = |era: &Era| SITES.map(|site| era.root(site).split_once("//").unwrap().1);
        let (lists, old) = ("s.web2.qq.com", "d.web2.qq.com");
        let (ssl, captcha) = ("ssl.ptlogin2.qq.com", "ssl.captcha.qq.com");
        let (page, check, captchas) = ("webqq.qq.com", "check.ptlogin2.qq.com", "captcha.qq.com");
        assert_eq!(
            hosts(&Y2012),
            [check, "ptlogin2.qq.com", captchas, lists, old, page, old, page, "face1.qun.qq.com"]
        );
        let page = "web2.qq.com";
        assert_eq!(hosts(&Y2013), [ssl, ssl, captcha, lists, old, page, old, page, "face1.qun.qq.com"]);
        assert_eq!(hosts(&Y2014), hosts(&Y2013));
        assert_eq!(
            hosts(&SMARTQQ),
            [ssl, ssl, captcha, lists, "d1.web2.qq.com", "w.qq.com", old, page, "face0.web.qq.com"]
        );
    }
}
