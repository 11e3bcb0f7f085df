//! `audit`: what arrived on either side against what became of it, so that people can see that nothing is lost.

use time::{Date, Month};

use super::link::logins;
use super::{Context, Error};
use crate::bridge::route;
use crate::bridge::text::escape;
use crate::qq::AccountId;
use crate::store::{Audit, LoginRow};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Shows the books of each login of the sender.
pub(super) async fn audit(context: &Context, since: &str) -> Result<(), Error> {
    let Some(since_ms) = moment(since, context.bridge().clock.now_ms()) else {
        return context.reply_key("audit.usage", &[]).await;
    };
    let rows = logins(context).await?;
    if rows.is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let mut lines = Vec::new();
    for row in &rows {
        lines.extend(books(context, row, since_ms).await?);
    }
    context.reply(&lines.join("\n")).await
}

async fn books(context: &Context, row: &LoginRow, since_ms: i64) -> Result<Vec<String>, Error> {
    let (origin, login) = (route::from_qq(&AccountId::new(&row.account)), row.account.clone());
    let read = context.bridge().store.read(move |tx| {
        Box::pin(async move {
            let from_qq = tx.audit(&origin, None, since_ms).await?;
            Ok((from_qq, tx.audit(route::FROM_MATRIX, Some(&login), since_ms).await?))
        })
    });
    let (from_qq, from_matrix) = read.await?;
    let mut lines = vec![format!("**{} ({})**", escape(&row.nick), row.account), String::new()];
    for (way, audit) in [("audit.from_qq", &from_qq), ("audit.from_matrix", &from_matrix)] {
        lines.push(format!("- {}", line(context, way, audit)));
        lines.extend(failures(audit).map(|ids| format!("  - {}", context.say("audit.failed", &[("ids", &ids)]))));
        if audit.lost() != 0 {
            let ids = listed(audit.lost_arrivals.iter().map(|seq| format!("#{seq}")));
            tracing::error!(account = row.account, way, lost = audit.lost(), ids, "the books do not agree");
            lines.push(format!("  - {}", context.say("audit.lost", &[("ids", &ids)])));
        }
    }
    lines.push(String::new());
    Ok(lines)
}

fn line(context: &Context, way: &str, audit: &Audit) -> String {
    let lost = audit.lost().to_string();
    let counts: Vec<(&str, String)> =
        audit.counts().into_iter().map(|(name, count)| (name, count.to_string())).collect();
    let mut values: Vec<(&str, &str)> = counts.iter().map(|(name, count)| (*name, count.as_str())).collect();
    values.push(("lost", &lost));
    context.say(way, &values)
}

/// By what `raw` and `queue` know what failed, if anything did.
fn failures(audit: &Audit) -> Option<String> {
    let arrivals = audit.failed_arrivals.iter().map(|seq| format!("`raw {seq}`"));
    let departures = audit.failed_departures.iter().map(|seq| format!("`retry {seq}`"));
    let ids = listed(arrivals.chain(departures));
    (!ids.is_empty()).then_some(ids)
}

fn listed(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join(", ")
}

/// The moment that `text` means, in milliseconds since 1970: so long ago (`30m`, `2h`, `3d`), a day (`2026-11-01`), or the
/// beginning when it is empty.
fn moment(text: &str, now_ms: i64) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    if let Some(begun_ms) = day(text) {
        return Some(begun_ms);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    now_ms.checked_sub(i64::from(number).checked_mul(unit)?)
}

/// The beginning of `year-month-day` in UTC, in milliseconds since 1970; none when there is no such day.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let day = Date::from_calendar_date(year.into(), month, day.try_into().ok()?).ok()?;
    day.midnight().assume_utc().unix_timestamp().checked_mul(1000).filter(|ms| *ms >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_so_long_ago_or_a_day() {
        let now = 1_700_000_000_000;
        let cases = [
            ("", Some(0)),
            ("30m", Some(now - 30 * MINUTE_MS)),
            ("2h", Some(now - 2 * HOUR_MS)),
            ("3d", Some(now - 3 * DAY_MS)),
            ("1970-01-01", Some(0)),
            ("2000-03-01", Some(951_868_800_000)),
            ("2026-11-01", Some(1_793_491_200_000)),
            ("2024-02-29", Some(1_709_164_800_000)),
            ("2023-02-29", None),
            ("2026-13-01", None),
            ("2026-00-01", None),
            ("2026-01-00", None),
            ("1969-12-31", None),
            ("yesterday", None),
            ("h", None),
            ("-3d", None),
            ("3字", None),
        ];
        for (text, moment_ms) in cases {
            assert_eq!(moment(text, now), moment_ms, "{text}");
        }
    }
}
