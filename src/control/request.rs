//! `accept` and `deny`: what people want of an account. Each request is answered once, and the answer leaves through the outbox.

use super::link::logins;
use super::{Context, Error};
use crate::bridge::departure::{self, ToAsker};
use crate::bridge::route;
use crate::bridge::text::escape;
use crate::qq::{AccountId, Answer};
use crate::store::RequestRow;

/// Says yes to a request; without a number, lists those that wait.
pub(super) async fn accept(context: &Context, number: &str) -> Result<(), Error> {
    answer(context, number, Answer::Accept).await
}

/// Says no to a request, with a reason that may be empty.
pub(super) async fn deny(context: &Context, arguments: &str) -> Result<(), Error> {
    let (number, why) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    answer(context, number, Answer::Deny(why.trim().to_owned())).await
}

async fn answer(context: &Context, number: &str, answer: Answer) -> Result<(), Error> {
    let number = number.trim().trim_start_matches('#');
    let Ok(id) = number.parse::<i64>() else { return list(context).await };
    let owner = context.sender.clone();
    let found = context.bridge().store.read(move |tx| {
        Box::pin(async move {
            let Some(row) = tx.request(id).await? else { return Ok(None) };
            let theirs = tx.owner_of(&row.login).await?;
            Ok(Some(row).filter(|_| theirs.is_some_and(|theirs| theirs == owner)))
        })
    });
    let Some(row) = found.await? else { return context.reply_key("request.unknown", &[("n", number)]).await };
    let lane = route::lane_of_answers(&AccountId::new(&row.login));
    if !put(context, &row, answer, &lane).await? {
        return context.reply_key("request.answered", &[("n", number)]).await;
    }
    context.bridge().wake(&lane);
    if context.bridge().logins.live(&AccountId::new(&row.login)).is_none() {
        return context.reply_key("request.waits", &[("account", &row.login)]).await;
    }
    Ok(())
}

/// Takes the request and puts the answer into the outbox, both or neither. `false` when it was answered before.
async fn put(context: &Context, row: &RequestRow, answer: Answer, lane: &str) -> Result<bool, Error> {
    let to_asker = ToAsker {
        request: row.id,
        who: row.who.clone(),
        ticket: row.ticket.clone(),
        answer,
        sender: context.sender.clone(),
    };
    let (id, login, lane) = (row.id, row.login.clone(), lane.to_owned());
    let key = route::key(&["answer to", &id.to_string()]);
    let taken = context.bridge().store.write(move |tx| {
        Box::pin(async move {
            let taken = tx.answer_request(id).await?;
            if taken {
                departure::put(tx, lane, &login, &to_asker, &key).await?;
            }
            Ok(taken)
        })
    });
    Ok(taken.await?)
}

/// Lists the requests that wait for the sender's answer.
async fn list(context: &Context) -> Result<(), Error> {
    let mut waiting: Vec<RequestRow> = Vec::new();
    for login in logins(context).await? {
        let account = login.account;
        let read = context.bridge().store.read(move |tx| Box::pin(async move { tx.open_requests(&account).await }));
        waiting.extend(read.await?);
    }
    if waiting.is_empty() {
        return context.reply_key("request.none", &[]).await;
    }
    let lines: Vec<String> = waiting.iter().map(|row| format!("- {}: {}", row.id, escape(&row.what))).collect();
    let list = lines.join("\n");
    context.reply_key("request.list", &[("list", &list)]).await
}
