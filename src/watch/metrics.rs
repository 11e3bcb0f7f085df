//! `/metrics`: what was counted, and what one look at the database shows.

use crate::base::metrics::{
    BUILD, LEDGER, LOGIN_POLL_AGE, LOGIN_SESSION_AGE, LOGIN_UP, LOGINS, METRICS, Page, QUEUE_AGE, QUEUE_DEPTH, Sample,
    UPTIME,
};
use crate::bridge::watch::View;
use crate::bridge::{Bridge, Error};
use crate::store::LoginState;

/// The page.
pub(super) async fn page(bridge: &Bridge) -> Result<String, Error> {
    let view = bridge.view().await?;
    let mut page = Page::default();
    page.family(&BUILD);
    page.sample(&BUILD, &[env!("CARGO_PKG_VERSION")], 1_u64);
    page.family(&UPTIME);
    page.sample(&UPTIME, &[], view.uptime);
    queues(&mut page, &view);
    logins(&mut page, &view);
    ledger(&mut page, &view);
    METRICS.write(&mut page);
    Ok(page.finish())
}

fn queues(page: &mut Page, view: &View) {
    page.family(&QUEUE_DEPTH);
    for queue in &view.queues {
        for (state, count) in &queue.states {
            page.sample(&QUEUE_DEPTH, &[queue.way.label(), state], *count);
        }
    }
    page.family(&QUEUE_AGE);
    for queue in &view.queues {
        page.sample(&QUEUE_AGE, &[queue.way.label()], queue.oldest.unwrap_or_default());
    }
}

fn logins(page: &mut Page, view: &View) {
    let states =
        [("connected", LoginState::Connected), ("lost", LoginState::Lost), ("logged_out", LoginState::LoggedOut)];
    page.family(&LOGINS);
    for (label, state) in states {
        let count = view.logins.iter().filter(|login| login.row.state == state).count();
        page.sample(&LOGINS, &[label], u64::try_from(count).unwrap_or(u64::MAX));
    }
    let connected = || view.logins.iter().filter(|login| login.row.state == LoginState::Connected);
    page.family(&LOGIN_UP);
    for login in &view.logins {
        page.sample(&LOGIN_UP, &[&login.number.to_string()], login.is_up);
    }
    page.family(&LOGIN_POLL_AGE);
    for login in connected() {
        page.sample(&LOGIN_POLL_AGE, &[&login.number.to_string()], login.silent_for);
    }
    page.family(&LOGIN_SESSION_AGE);
    for login in connected() {
        page.sample(&LOGIN_SESSION_AGE, &[&login.number.to_string()], login.session_age.unwrap_or_default());
    }
}

fn ledger(page: &mut Page, view: &View) {
    page.family(&LEDGER);
    for (way, audit) in &view.books {
        for (state, count) in audit.counts() {
            page.sample(&LEDGER, &[way.label(), state], count);
        }
        let lost = i64::try_from(audit.lost()).unwrap_or(i64::MAX);
        page.sample(&LEDGER, &[way.label(), "lost"], Sample::Count(lost));
    }
}
