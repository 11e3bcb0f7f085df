//! The page as HTML: no script, and nothing of it comes from elsewhere. Everything that others wrote is escaped.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::words::Words;
use crate::base::metrics::Way;
use crate::bridge::codes::Code;
use crate::bridge::watch::{FailureView, LoginView, QueueView, View};
use crate::matrix::html::escape;
use crate::store::{Audit, LoginState};
use crate::watch::Reason;

/// After how many seconds a browser asks again.
const AGAIN_S: u32 = 15;

/// And while a code is on show: it does not stay for long.
const CODE_AGAIN_S: u32 = 5;

/// The whole page.
pub(super) fn status(
    words: &Words,
    reasons: &[Reason],
    view: &View,
    failures: &[FailureView],
    codes: &[Code],
) -> String {
    let uptime = words.say("page.uptime", &[("time", &words.time(view.uptime))]);
    let foot = format!("<footer>matrix-webqq {} · {uptime}</footer>", env!("CARGO_PKG_VERSION"));
    let parts = [
        health(words, reasons),
        shown_codes(words, codes),
        logins(words, view),
        queues(words, view),
        books(words, view),
    ];
    let main = parts.concat();
    let failed = failed(words, failures);
    page(words, ("", Some(AGAIN_S)), &format!("{}{main}{failed}{foot}", head(words, true)))
}

/// What is wrong, when the database does not tell more.
pub(super) fn trouble(words: &Words, reasons: &[Reason]) -> String {
    page(words, ("", Some(AGAIN_S)), &format!("{}{}", head(words, true), health(words, reasons)))
}

/// Asks for the secret.
pub(super) fn door(words: &Words, too_many: bool) -> String {
    let warning =
        if too_many { format!("<p class=bad>{}</p>", words.say("page.too_many", &[])) } else { String::new() };
    let form = format!(
        "<form class=door method=post action=\"{}\"><label for=secret>{}</label>{warning}\
         <input id=secret name=secret type=password autocomplete=current-password required autofocus>\
         <button class=main>{}</button><p class=faint>{}</p></form>",
        words.here("status"),
        words.say("page.secret", &[]),
        words.say("page.enter", &[]),
        words.say("page.secret.where", &[]),
    );
    page(words, ("", None), &format!("{}{form}", head(words, false)))
}

/// A code alone, for whoever was given its address.
pub(super) fn code(words: &Words, code: &Code) -> String {
    let body = format!(
        "{}<section class=alone>{}<p>{}</p></section>",
        head(words, false),
        picture(words, code),
        words.say("page.code.scan", &[("owner", &code.owner)]),
    );
    page(words, ("../", Some(CODE_AGAIN_S)), &body)
}

/// What its address leads to afterwards.
pub(super) fn no_code(words: &Words) -> String {
    let body =
        format!("{}<section class=alone><p>{}</p></section>", head(words, false), words.say("page.code.gone", &[]));
    page(words, ("../", None), &body)
}

/// `up` leads to where the style is; a browser asks again after `again` seconds.
fn page(words: &Words, (up, again): (&str, Option<u32>), body: &str) -> String {
    let again = again.map(|s| format!("<meta http-equiv=refresh content={s}>")).unwrap_or_default();
    format!(
        "<!DOCTYPE html><html lang={}><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\"><meta name=robots content=noindex>{again}\
         <title>{}</title><link rel=icon href=\"data:,\"><link rel=stylesheet href=\"{up}page.css\"></head>\
         <body><main>{body}</main></body></html>",
        words.tag(),
        words.say("page.title", &[]),
    )
}

/// The title, the other language, and where one has come in the way out.
fn head(words: &Words, is_inside: bool) -> String {
    let (tag, name) = words.other();
    let out = if is_inside {
        format!(
            "<form method=post action=\"{}\"><button>{}</button></form>",
            words.here("leave"),
            words.say("page.leave", &[])
        )
    } else {
        String::new()
    };
    format!(
        "<header><h1>{}</h1><nav><a href=\"?lang={tag}\" lang={tag}>{name}</a>{out}</nav></header>",
        words.say("page.title", &[])
    )
}

fn health(words: &Words, reasons: &[Reason]) -> String {
    if reasons.is_empty() {
        return format!("<p class=\"health good\" role=status>{}</p>", words.say("page.well", &[]));
    }
    let reasons = each(reasons, |reason| format!("<li>{}", reason_text(words, reason)));
    format!("<div class=\"health bad\" role=status>{}<ul>{reasons}</ul></div>", words.say("page.ill", &[]))
}

fn reason_text(words: &Words, reason: &Reason) -> String {
    match reason {
        Reason::Silent { login, age } => {
            words.say("page.ill.silent", &[("login", &login.to_string()), ("time", &words.time(*age))])
        }
        Reason::Stuck { way, age } => {
            words.say("page.ill.stuck", &[("way", &way_text(words, *way)), ("time", &words.time(*age))])
        }
        Reason::Database(why) => words.say("page.ill.database", &[("why", why)]),
        Reason::Homeserver(why) => words.say("page.ill.homeserver", &[("why", why)]),
    }
}

fn shown_codes(words: &Words, codes: &[Code]) -> String {
    if codes.is_empty() {
        return String::new();
    }
    let shown = |code: &Code| {
        format!("<figure>{}<figcaption>{}</figcaption></figure>", picture(words, code), escape(&code.owner))
    };
    let all = each(codes, shown);
    section(words, "page.codes", &format!("<div class=codes>{all}</div>"))
}

fn picture(words: &Words, code: &Code) -> String {
    let alt = words.say("page.code", &[]);
    format!("<img alt=\"{alt}\" src=\"data:image/png;base64,{}\">", STANDARD.encode(code.png.as_slice()))
}

fn logins(words: &Words, view: &View) -> String {
    if view.logins.is_empty() {
        return section(words, "page.logins", &format!("<p class=faint>{}</p>", words.say("page.logins.none", &[])));
    }
    let heads = ["page.login", "page.account", "page.owner", "page.state", "page.session", "page.poll"];
    let rows: Vec<Vec<String>> = view.logins.iter().map(|login| login_cells(words, login)).collect();
    section(words, "page.logins", &table(words, &heads, &rows))
}

fn login_cells(words: &Words, login: &LoginView) -> Vec<String> {
    let (class, state) = match login.row.state {
        LoginState::Connected => ("good", "page.state.connected"),
        LoginState::Lost => ("bad", "page.state.lost"),
        LoginState::LoggedOut => ("faint", "page.state.logged_out"),
    };
    vec![
        login.number.to_string(),
        format!("{} <span class=faint>{}</span>", escape(&login.row.nick), escape(&login.row.account)),
        escape(&login.row.owner),
        format!("<span class={class}>{}</span>", words.say(state, &[])),
        age(words, login.session_age),
        age(words, login.is_up.then_some(login.silent_for)),
    ]
}

fn queues(words: &Words, view: &View) -> String {
    let heads = ["page.way", "page.waiting", "page.oldest", "page.parked", "page.failed"];
    let cells = |queue: &QueueView| {
        let count = |state: &str| queue.states.get(state).copied().unwrap_or_default().to_string();
        let oldest = age(words, queue.oldest);
        vec![way_text(words, queue.way), queue.moving().to_string(), oldest, count("parked"), count("dead")]
    };
    let rows: Vec<Vec<String>> = view.queues.iter().map(cells).collect();
    section(words, "page.queues", &table(words, &heads, &rows))
}

/// Everything that arrived, under what became of it; the rows below the first make it up.
fn books(words: &Words, view: &View) -> String {
    let heads = [
        "page.way",
        "page.received",
        "page.bridged",
        "page.settled",
        "page.waiting",
        "page.parked",
        "page.failed",
        "page.dropped",
        "page.lost",
    ];
    let rows: Vec<Vec<String>> = view.books.iter().map(|(way, audit)| book_cells(words, *way, audit)).collect();
    let note = format!("<p class=faint>{}</p>", words.say("page.books.note", &[]));
    section(words, "page.books", &format!("{note}{}", table(words, &heads, &rows)))
}

fn book_cells(words: &Words, way: Way, audit: &Audit) -> Vec<String> {
    let settled = audit.answered + audit.obeyed + audit.told + audit.echoed + audit.quiet;
    let counts = [audit.received, audit.bridged, settled, audit.waiting, audit.parked, audit.failed, audit.dropped]
        .map(|n| n.to_string());
    let class = if audit.lost() == 0 { "good" } else { "bad" };
    let lost = format!("<span class={class}>{}</span>", audit.lost());
    [way_text(words, way)].into_iter().chain(counts).chain([lost]).collect()
}

fn failed(words: &Words, failures: &[FailureView]) -> String {
    if failures.is_empty() {
        return section(
            words,
            "page.failures",
            &format!("<p class=faint>{}</p>", words.say("page.failures.none", &[])),
        );
    }
    let heads = ["page.number", "page.way", "page.ago", "page.why"];
    let cells = |failure: &FailureView| {
        let why = format!("<span class=why>{}</span>", escape(&failure.why));
        vec![failure.seq.to_string(), way_text(words, failure.way), words.time(failure.age), why]
    };
    section(words, "page.failures", &table(words, &heads, &failures.iter().map(cells).collect::<Vec<_>>()))
}

/// Each cell says under which head it stands: a narrow screen shows it before the cell.
fn table(words: &Words, heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.iter().map(|key| words.say(key, &[])).collect();
    let row = |cells: &Vec<String>| {
        let cells: Vec<(&String, &String)> = heads.iter().zip(cells).collect();
        let cells = each(&cells, |(head, cell)| format!("<td data-head=\"{head}\"><span>{cell}</span></td>"));
        format!("<tr>{cells}</tr>")
    };
    let top = each(&heads, |head| format!("<th scope=col>{head}</th>"));
    let rows = each(rows, row);
    format!("<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>")
}

/// All of `things`, one after the other.
fn each<T>(things: &[T], shown: impl Fn(&T) -> String) -> String {
    things.iter().map(shown).collect()
}

fn section(words: &Words, title: &str, inside: &str) -> String {
    format!("<section><h2>{}</h2>{inside}</section>", words.say(title, &[]))
}

fn way_text(words: &Words, way: Way) -> String {
    let key = match way {
        Way::ToMatrix => "page.to_matrix",
        Way::ToQq => "page.to_qq",
    };
    words.say(key, &[])
}

fn age(words: &Words, age: Option<Duration>) -> String {
    age.map_or_else(|| "–".to_owned(), |age| words.time(age))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Language;

    #[test]
    fn what_others_wrote_is_shown_as_text_and_never_as_markup() {
        let words = Words::new(Language::En);
        let evil = "\"><script>alert(1)</script>";
        let code = Code { png: Arc::new(vec![1, 2, 3]), owner: evil.to_owned() };
        let failure = FailureView { way: Way::ToQq, seq: 7, why: evil.to_owned(), age: Duration::from_secs(61) };
        let view = View { uptime: Duration::ZERO, logins: Vec::new(), queues: Vec::new(), books: Vec::new() };
        let reasons = [Reason::Database(evil.to_owned())];
        let whole = status(&words, &reasons, &view, &[failure], std::slice::from_ref(&code));
        for page in [whole, super::code(&words, &code), trouble(&words, &reasons)] {
            assert!(
                !page.contains("<script") && !page.contains("\">&lt;") && page.contains("&lt;script&gt;"),
                "{page}"
            );
        }
    }

    #[test]
    fn a_row_of_the_books_makes_up_what_was_received() {
        let audit = Audit { received: 12, bridged: 3, told: 2, echoed: 1, parked: 1, failed: 4, ..Audit::default() };
        let cells = book_cells(&Words::new(Language::Zh), Way::ToQq, &audit);
        assert_eq!(cells[1..8], ["12", "3", "3", "0", "1", "4", "0"]);
        assert_eq!(cells[8], "<span class=bad>1</span>");
    }
}
