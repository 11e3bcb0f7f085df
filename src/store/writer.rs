//! Group commit: one task owns the connection that writes, and one commit keeps everything that was waiting.
//!
//! A commit costs the disk one sync, whether it keeps one row or a thousand. So the writer takes all the work that is queued
//! (what piles up while the disk is busy with the commit before), does it in one transaction, commits, and only then answers.
//! Each piece of work stands behind a savepoint: one that fails is undone alone.
//!
//! Work that only follows from what is on the disk need not wait for it: when nothing else is queued, it is committed without a sync, and
//! is on the disk with the next commit that has one, which comes at the latest when nobody has asked for anything for a while. SQLite
//! writes commits one behind the other, so a machine that stops loses the last ones and never one from between. Nor need it be handed
//! to another thread, on SQLite, while nobody else writes: that would cost more than the work.
//!
//! Work for which nobody is in a hurry waits for company: it is kept with the next commit, whoever's that is, or after a moment.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;
use tracing::warn;

use super::database::{Database, Hold};
use super::error::Error;
use super::held::Held;
use super::tx::Tx;
use super::unsynced::mark_flushed;
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::METRICS;
use crate::config::DatabaseKind;

/// How long nothing is asked of the writer before what waits for company is done without.
const COMPANY: Duration = Duration::from_millis(100);

/// How many times that long nothing is asked of it before it has all that is committed put on the disk.
const LULL: u32 = 10;

/// How much work one commit may keep: what fails with it fails for all.
const BATCH: usize = 256;

/// A piece of work on an open transaction.
pub type Work<'t, T> = BoxFuture<'t, Result<T, Error>>;

/// Work, in the order in which it is to be done.
pub(super) type Jobs = Vec<Box<dyn Job>>;

/// What the writer is asked for.
pub(super) enum Order {
    /// Some work; and whether it is to be on the disk before it is answered.
    Do(Box<dyn Job>, Sync),
    /// See to what was committed without a sync, after a lull, and to what waits for company, after a moment.
    Watch,
    /// Finish what is queued, then end; answered at the end.
    Close(oneshot::Sender<()>),
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// It is on the disk.
    Now,
    /// It outlives the process; the machine, once something that is synced is committed.
    Later,
}

/// A piece of work and whoever waits for its answer.
pub(super) trait Job: Send {
    /// Does the work. `None` when it is to be undone; whoever waits was told why.
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Option<Kept>>;

    /// Tells whoever waits that the work was not even begun.
    fn refuse(self: Box<Self>, error: Error);
}

/// Work that is done; answers whoever waits once it is known whether the commit kept it.
pub(super) type Kept = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// The one kind of [`Job`].
pub(super) struct Queued<T, F> {
    work: F,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Queued<T, F> {
    /// The work, and where its answer will come out.
    pub(super) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (answer, waiting) = oneshot::channel();
        (Self { work, answer }, waiting)
    }
}

impl<T, F> Job for Queued<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
{
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Option<Kept>> {
        let Self { work, answer } = *self;
        Box::pin(async move {
            let done = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let done = done.unwrap_or(Err(Error::Panicked));
            // Whoever waits may have gone away; the work counts all the same.
            match done.and_then(|value| tx.spoiled().cloned().map_or(Ok(value), Err)) {
                Ok(value) => Some(kept(answer, value)),
                Err(error) => {
                    drop(answer.send(Err(error)));
                    None
                }
            }
        })
    }

    fn refuse(self: Box<Self>, error: Error) {
        drop(self.answer.send(Err(error)));
    }
}

/// Keeps `value` back until it is known whether the commit kept it.
fn kept<T: Send + 'static>(answer: oneshot::Sender<Result<T, Error>>, value: T) -> Kept {
    Box::new(move |committed| drop(answer.send(committed.map(|()| value))))
}

/// The writer and those who wait for it.
pub(super) struct Desk {
    /// As long as the number of callers at most, since each waits for its answer.
    queue: mpsc::UnboundedSender<Order>,
    held: Held,
    /// How many pieces of work are queued or being done.
    waiting: Arc<AtomicUsize>,
    /// Whether the task that owns the queue sleeps until something is queued: then it has to hear of commits made elsewhere.
    sleeps: Arc<AtomicBool>,
    /// `None` once it is closed.
    writer: Arc<Mutex<Option<Writer>>>,
    commits: Arc<AtomicU64>,
}

impl Desk {
    /// A desk for `writer`, and what has to run for those who queue.
    pub(super) fn new(writer: Writer) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, orders) = mpsc::unbounded_channel();
        let (waiting, sleeps) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (commits, held) = (Arc::clone(&writer.commits), writer.held.clone());
        let writer = Arc::new(Mutex::new(Some(writer)));
        let running = run(Arc::clone(&writer), orders, (Arc::clone(&waiting), Arc::clone(&sleeps)));
        (Self { queue, held, waiting, sleeps, writer, commits }, running)
    }

    /// Puts `job` at the end of the queue.
    pub(super) fn hand_in(&self, job: Box<dyn Job>, sync: Sync) -> Result<(), Error> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.queue.send(Order::Do(job, sync)).map_err(|_| Error::Closed)
    }

    /// Does `job`, which need not wait for the disk, here and now if nothing is queued before it; else it is queued.
    pub(super) async fn do_or_hand_in(&self, job: Box<dyn Job>) -> Result<(), Error> {
        match self.writer.try_lock() {
            Ok(mut writer) if self.waiting.load(Ordering::Acquire) == 0 => match writer.as_mut() {
                Some(writer) => {
                    writer.batch(vec![job], Sync::Later).await;
                    self.rouse();
                    Ok(())
                }
                None => Err(Error::Closed),
            },
            _ => self.hand_in(job, Sync::Later),
        }
    }

    /// Has `job` done with whatever is done next.
    pub(super) fn hold(&self, job: Box<dyn Job>) -> Result<(), Error> {
        self.held.add(job)?;
        self.rouse();
        Ok(())
    }

    /// Has the task that owns the queue see to what was left to it, if it sleeps.
    fn rouse(&self) {
        if self.sleeps.load(Ordering::Acquire) {
            // An error means that it has ended, with everything on the disk.
            self.queue.send(Order::Watch).unwrap_or_default();
        }
    }

    /// How many commits there were.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Finishes what is queued and lets go of the database.
    pub(super) async fn close(&self) {
        let (closer, ended) = oneshot::channel();
        if self.queue.send(Order::Close(closer)).is_ok() {
            // An error means that the writer has ended already.
            drop(ended.await);
        }
    }
}

/// The owner of the connection that writes.
pub(super) struct Writer {
    database: Arc<Database>,
    /// `None` after a failure; the next batch connects again.
    tx: Option<Tx>,
    /// Whether something is committed that may not be on the disk yet.
    unsynced: bool,
    held: Held,
    commits: Arc<AtomicU64>,
    _hold: Hold,
}

impl Writer {
    /// A writer on `tx`.
    pub(super) fn new(database: Arc<Database>, hold: Hold, tx: Tx) -> Self {
        Self { database, tx: Some(tx), unsynced: false, held: Held::new(), commits: Arc::default(), _hold: hold }
    }

    /// One transaction, one commit, for what waits for company and then for `jobs`.
    async fn batch(&mut self, jobs: Jobs, sync: Sync) {
        let mut all = self.held.take();
        all.extend(jobs);
        self.commit_all(all, sync).await;
    }

    async fn commit_all(&mut self, jobs: Jobs, sync: Sync) {
        if jobs.is_empty() {
            return;
        }
        let mut tx = match self.begin(sync).await {
            Ok(tx) => tx,
            Err(error) => return jobs.into_iter().for_each(|job| job.refuse(error.clone())),
        };
        let mut kept = Vec::with_capacity(jobs.len());
        let ended = match work_off(&mut tx, jobs, &mut kept).await {
            Ok(()) if kept.is_empty() => tx.roll_back().await,
            Ok(()) => commit(&mut tx).await,
            Err(error) => Err(error),
        };
        if ended.is_ok() {
            self.commits.fetch_add(u64::from(!kept.is_empty()), Ordering::Relaxed);
            // A commit of nothing syncs nothing.
            if !kept.is_empty() && tx.changed() > 0 {
                self.unsynced = sync == Sync::Later && self.database.kind() == DatabaseKind::Sqlite;
            }
            // After an error the connection is dropped with whatever is open on it.
            self.tx = Some(tx);
        }
        for answer in kept {
            answer(ended.clone());
        }
    }

    /// Does what waits for company that has not come and, in a lull, has everything that is committed put on the disk.
    async fn look_around(&mut self, is_lull: bool) {
        self.batch(Vec::new(), Sync::Later).await;
        if !is_lull || !self.unsynced {
            return;
        }
        let (job, mut done) = Queued::new(mark_flushed);
        self.batch(vec![Box::new(job)], Sync::Now).await;
        if let Ok(Err(error)) = done.try_recv() {
            warn!(%error, "what is committed is not on the disk yet; it will be with the next commit");
        }
    }

    /// An open transaction, on a new connection if the old one is no good any more.
    async fn begin(&mut self, sync: Sync) -> Result<Tx, Error> {
        if let Some(mut tx) = self.tx.take()
            && tx.sync_commits(sync == Sync::Now).is_ok()
            && tx.begin().await.is_ok()
        {
            return Ok(tx);
        }
        let mut tx = self.database.writer().await?;
        tx.begin().await?;
        Ok(tx)
    }
}

/// Has `writer` do what is queued until it is told to close or nobody is left to queue anything.
async fn run(
    writer: Arc<Mutex<Option<Writer>>>,
    mut queue: mpsc::UnboundedReceiver<Order>,
    (waiting, sleeps): (Arc<AtomicUsize>, Arc<AtomicBool>),
) {
    let mut closers = Vec::new();
    let mut orders = Vec::new();
    let mut quiet = 0;
    loop {
        if timeout(COMPANY, queue.recv_many(&mut orders, BATCH)).await.is_err() {
            quiet += 1;
            let is_lull = quiet >= LULL;
            // Before the last look around: what comes after that is told.
            sleeps.store(is_lull, Ordering::Release);
            if let Some(writer) = writer.lock().await.as_mut() {
                writer.look_around(is_lull).await;
            }
            if !is_lull {
                continue;
            }
            queue.recv_many(&mut orders, BATCH).await;
            sleeps.store(false, Ordering::Release);
        }
        quiet = 0;
        if orders.is_empty() {
            break;
        }
        let mut jobs = Vec::with_capacity(orders.len());
        let mut sync = Sync::Later;
        for order in orders.drain(..) {
            match order {
                Order::Do(job, wanted) => {
                    jobs.push(job);
                    sync = if wanted == Sync::Now { Sync::Now } else { sync };
                }
                Order::Watch => {}
                Order::Close(closer) => {
                    queue.close();
                    closers.push(closer);
                }
            }
        }
        if jobs.is_empty() {
            continue;
        }
        let count = jobs.len();
        if let Some(writer) = writer.lock().await.as_mut() {
            writer.batch(jobs, sync).await;
        }
        waiting.fetch_sub(count, Ordering::AcqRel);
    }
    if let Some(mut writer) = writer.lock().await.take() {
        let last = writer.held.close();
        writer.commit_all(last, Sync::Later).await;
        if let Some(tx) = writer.tx.take() {
            writer.database.leave(tx).await;
        }
    }
    for closer in closers {
        closer.send(()).unwrap_or_default();
    }
}

async fn commit(tx: &mut Tx) -> Result<(), Error> {
    reach(Failpoint::BeforeCommit);
    let begun = Instant::now();
    tx.commit().await?;
    METRICS.committed(tx.changed(), begun.elapsed());
    reach(Failpoint::AfterCommit);
    Ok(())
}

/// Does all `jobs`. An error means that the transaction as a whole is lost.
async fn work_off(tx: &mut Tx, jobs: Jobs, kept: &mut Vec<Kept>) -> Result<(), Error> {
    let alone = jobs.len() == 1;
    let mut lost = Ok(());
    for job in jobs {
        if let Err(error) = &lost {
            job.refuse(Error::clone(error));
        } else if alone {
            kept.extend(job.run(tx).await);
        } else {
            lost = saved(tx, job, kept).await;
        }
    }
    lost
}

/// Does `job` behind a savepoint.
async fn saved(tx: &mut Tx, job: Box<dyn Job>, kept: &mut Vec<Kept>) -> Result<(), Error> {
    if let Err(error) = tx.save().await {
        job.refuse(error.clone());
        return Err(error);
    }
    match job.run(tx).await {
        Some(answer) => {
            kept.push(answer);
            tx.release().await
        }
        None => tx.undo().await,
    }
}
