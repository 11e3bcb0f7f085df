//! Jobs: what is to be done to rooms. They are on disk until they are done, so that they go on after a restart; each step
//! may be repeated. A job that fails is tried again and stops no other; one that is refused too often is told and given up, but for
//! the following of a room: that is tried for as long as there is something to follow.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::upgrade::LOOK_AGAIN;
use super::{Bridge, Error, Verdict, notice, route};
use crate::base::Backoff;
use crate::store::{self, JobKind, JobRow, Tx};

/// How long to wait before a job is tried again.
const AGAIN: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(5));

/// How often a job may be refused. What cannot be reached does not count.
const MOST_REFUSALS: u32 = 6;

/// How long to wait when nothing is due, at most.
const IDLE: Duration = Duration::from_hours(1);

/// How far a job came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is done.
    Done,
    /// It has to wait for something that is under way; look again after this.
    Wait(Duration),
}

impl Bridge {
    /// Does jobs until shutdown.
    pub(super) async fn do_jobs(self: Arc<Self>) {
        while !self.shutdown.is_asked() {
            let wait = self.do_due_jobs().await.unwrap_or_else(|error| {
                warn!(%error, "jobs could not be read; trying again");
                AGAIN.delay(1)
            });
            tokio::select! {
                () = self.shutdown.asked() => {}
                () = tokio::time::sleep(wait) => {}
                () = self.jobs.notified() => {}
            }
        }
    }

    /// Lets jobs that were put on disk be done.
    pub(super) fn hurry_jobs(&self) {
        self.jobs.notify_one();
    }

    /// Gives how long to wait for the next.
    async fn do_due_jobs(self: &Arc<Self>) -> Result<Duration, Error> {
        let jobs = self.store.read(|tx| Box::pin(async move { tx.open_jobs().await })).await?;
        let mut next = IDLE;
        for job in jobs {
            let early = u64::try_from(job.due_at_ms.saturating_sub(self.clock.now_ms())).unwrap_or_default();
            // No job is put off for longer: the clock was set back.
            if early > 0 && Duration::from_millis(early) <= IDLE {
                next = next.min(Duration::from_millis(early));
                continue;
            }
            if self.shutdown.is_asked() {
                break;
            }
            next = next.min(self.do_job(&job).await?);
        }
        Ok(next)
    }

    /// Does one; gives how long to wait for it.
    async fn do_job(self: &Arc<Self>, job: &JobRow) -> Result<Duration, Error> {
        let done = match job.kind {
            JobKind::Leave | JobKind::Empty => self.leave_room(job).await,
            JobKind::Follow => self.follow(job).await,
            JobKind::Meet => self.meet(job).await,
        };
        match done {
            Ok(Progress::Done) => self.finish(job).await.map(|()| IDLE),
            Ok(Progress::Wait(wait)) => Ok(wait),
            Err(error) => self.put_off(job, error).await,
        }
    }

    async fn finish(self: &Arc<Self>, job: &JobRow) -> Result<(), Error> {
        let (bridge, done) = (Arc::clone(self), job.clone());
        let told = self.store.write(move |tx| {
            Box::pin(async move {
                tx.finish_job(done.id).await?;
                bridge.put_batch_done(tx, &done).await
            })
        });
        told.await?.iter().for_each(|lane| self.wake(lane));
        info!(job = job.id, room = job.room_id, kind = ?job.kind, "a job is done");
        Ok(())
    }

    /// Tells whoever wanted `job` and others together, if it was the last of them. Gives the lane to wake.
    async fn put_batch_done(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<String>, store::Error> {
        let Some(batch) = &job.batch else { return Ok(None) };
        let (open, failed) = tx.left_of_batch(batch).await?;
        if open > 0 {
            return Ok(None);
        }
        let phrase = if failed == 0 { "portal.all.done" } else { "portal.all.done_but" };
        let text = self.texts_for(&job.asker).say(phrase, &[("failed", &failed.to_string())]);
        notice::put_in_control(tx, &job.asker, &text, &route::key(&["batch", batch])).await.map(Some)
    }

    async fn put_off(self: &Arc<Self>, job: &JobRow, error: Error) -> Result<Duration, Error> {
        let (id, why, failures) = (job.id, error.to_string(), job.attempts.saturating_add(1));
        warn!(job = id, room = job.room_id, %error, failures, "a job did not work");
        let mut wait = AGAIN.delay(failures);
        if error.verdict() == Verdict::GiveUp && failures >= MOST_REFUSALS {
            if job.kind != JobKind::Follow {
                return self.give_job_up(job, why, failures).await.map(|()| IDLE);
            }
            self.say_follows_later(job, &why).await?;
            wait = LOOK_AGAIN;
        }
        let due_ms = self.clock.ms_in(wait);
        self.store.write(move |tx| Box::pin(async move { tx.put_job_off(id, due_ms, &why).await })).await?;
        Ok(wait)
    }

    async fn give_job_up(self: &Arc<Self>, job: &JobRow, why: String, failures: u32) -> Result<(), Error> {
        let text = self.texts_for(&job.asker).say("portal.job_failed", &[("room", &job.room_id), ("why", &why)]);
        let key = route::key(&["job", &job.id.to_string(), &failures.to_string()]);
        let (bridge, job) = (Arc::clone(self), job.clone());
        let told = self.store.write(move |tx| {
            Box::pin(async move {
                tx.fail_job(job.id, &why).await?;
                let mut lanes = vec![notice::put_in_control(tx, &job.asker, &text, &key).await?];
                lanes.extend(bridge.put_batch_done(tx, &job).await?);
                Ok(lanes)
            })
        });
        told.await?.iter().for_each(|lane| self.wake(lane));
        Ok(())
    }

    /// Whoever upgrades a room may be anybody: the owner of the account is told, once for each room.
    async fn say_follows_later(self: &Arc<Self>, job: &JobRow, why: &str) -> Result<(), Error> {
        let Some(portal) = self.portals.by_id(job.portal) else { return Ok(()) };
        let Some(owner) = self.owner_of(&portal.account).await? else { return Ok(()) };
        let text = self.texts_for(owner.as_str()).say("follow.later", &[("room", &job.room_id), ("why", why)]);
        let key = route::key(&["follows later", &job.id.to_string(), job.target.as_deref().unwrap_or_default()]);
        let lane = self
            .store
            .write(move |tx| Box::pin(async move { notice::put_in_control(tx, owner.as_str(), &text, &key).await }));
        self.wake(&lane.await?);
        Ok(())
    }
}
