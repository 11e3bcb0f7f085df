//! Towards QQ: what a person answered to a request. QQ may be told the same twice, so that doubt needs no decision here.

use std::sync::Arc;

use crate::bridge::departure::{self, ToAsker};
use crate::bridge::lane::Next;
use crate::bridge::{Bridge, Error, notice, route};
use crate::qq::{self, Answer};
use crate::store::{OutboxRow, OutboxState, RequestState};

impl Bridge {
    /// Gives the answer at the head of a lane.
    pub(super) async fn answer_head(self: &Arc<Self>, lane: &str) -> Result<Next, Error> {
        let Some((row, live)) = self.head_to_qq(lane).await? else { return Ok(Next::End) };
        if let Some(wait) = self.until_due(&row) {
            return Ok(wait);
        }
        let to_asker: ToAsker = match departure::read(&row) {
            Ok(to_asker) => to_asker,
            Err(error) => return self.bury(&row, &error).await,
        };
        let seq = row.seq;
        let marked = self.store.write(move |tx| Box::pin(async move { tx.mark_sending(&[seq]).await })).await?;
        if marked.is_empty() && row.state != OutboxState::Sending {
            return Ok(Next::More);
        }
        let error = match live.network.answer(&to_asker.ticket, &to_asker.answer).await {
            Ok(()) => {
                self.close_answer(&row, to_asker, None).await?;
                return Ok(Next::More);
            }
            Err(error) => error,
        };
        match error.verdict() {
            qq::Verdict::GiveUp => {
                self.close_answer(&row, to_asker, Some(error.to_string())).await?;
                Ok(Next::More)
            }
            verdict => {
                let (due, why) = (self.clock.now_ms(), error.to_string());
                self.store.write(move |tx| Box::pin(async move { tx.mark_ready(seq, due, &why).await })).await?;
                if verdict == qq::Verdict::LogIn {
                    self.session_lost(&live, &error.to_string()).await;
                }
                Err(error.into())
            }
        }
    }

    /// Takes an answer out of its lane and tells the person who gave it what came of it, both or neither.
    async fn close_answer(
        self: &Arc<Self>,
        row: &OutboxRow,
        to_asker: ToAsker,
        failure: Option<String>,
    ) -> Result<(), Error> {
        let key = route::key(&["answered", &row.seq.to_string()]);
        let (who, texts) = (to_asker.who.as_str(), self.texts_for(&to_asker.sender));
        let text = match (&failure, &to_asker.answer) {
            (Some(why), _) => texts.say("request.failed", &[("who", who), ("why", why)]),
            (None, Answer::Accept) => texts.say("request.accepted", &[("who", who)]),
            (None, Answer::Deny(_)) => texts.say("request.denied", &[("who", who)]),
        };
        let seq = row.seq;
        let closed = self.store.write(move |tx| {
            Box::pin(async move {
                if let Some(why) = &failure {
                    tx.mark_dead(seq, why).await?;
                    tx.close_request(to_asker.request, RequestState::Failed).await?;
                } else {
                    tx.mark_sent(seq, None).await?;
                    tx.close_request(to_asker.request, RequestState::Done).await?;
                }
                notice::put_in_control(tx, &to_asker.sender, &text, &key).await
            })
        });
        self.wake(&closed.await?);
        Ok(())
    }
}
