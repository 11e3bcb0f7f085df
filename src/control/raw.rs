//! `raw`: an event of QQ that could not be shown, as it came. For administrators, and for nobody else to read.

use serde_json::{Value, json};

use super::{Context, Error};
use crate::bridge::route;
use crate::qq::{AccountId, Envelope};
use crate::store::InboxRow;

/// How much is shown: an event of Matrix holds 64 KiB, and the text goes into it twice.
const MOST_BYTES: usize = 16 << 10;

/// Shows one kept event in the administrator's control room.
pub(super) async fn raw(context: &Context, number: &str) -> Result<(), Error> {
    if !context.is_control_room().await? {
        return context.reply_key("raw.elsewhere", &[]).await;
    }
    let kept = match number.trim_start_matches('#').parse::<i64>() {
        Ok(seq) => context.bridge().store.read(move |tx| Box::pin(async move { tx.arrival(seq).await })).await?,
        Err(_) => None,
    };
    // What was shown to its receiver is not the administrator's to read.
    let Some(row) = kept.filter(is_odd) else { return context.reply_key("raw.none", &[("n", number)]).await };
    let text = serde_json::from_str::<Envelope>(&row.body).map_or(row.body, |envelope| envelope.body);
    context.answer(block(&text)).await
}

/// Whether a row came from QQ and could not be shown.
fn is_odd(row: &InboxRow) -> bool {
    row.error.is_some() && row.origin.starts_with(&route::from_qq(&AccountId::new("")))
}

/// A notice with `text` as it is, cut when it is too long.
fn block(text: &str) -> Value {
    let shown = text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or_default();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    let shown = [shown, cut].concat();
    let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({
        "msgtype": "m.notice",
        "body": shown,
        "format": "org.matrix.custom.html",
        "formatted_body": format!("<pre><code>{escaped}</code></pre>"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_shown_as_text_and_never_as_markup() {
        let shown = block("</code><b>&");
        assert_eq!(shown["body"], "</code><b>&");
        assert_eq!(shown["formatted_body"], "<pre><code>&lt;/code&gt;&lt;b&gt;&amp;</code></pre>");
        let long = block(&"字".repeat(MOST_BYTES));
        assert!(
            long["body"].as_str().unwrap().len() <= MOST_BYTES + 3 && long["body"].as_str().unwrap().ends_with('…')
        );
    }
}
