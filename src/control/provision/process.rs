//! One login through the API: the steps that it has shown so far, and whoever waits for the next.
//!
//! A step has an id that no other step of the login has. Asking again what comes after a step gives the same answer, or
//! what has come after that: an answer that was lost on its way can be asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

use super::answer::Refused;
use crate::base::{Secret, Shutdown};

/// How long a client waits for the next step before it is shown the same once more: less than the minute after which
/// proxies cut it off.
const PATIENCE: Duration = Duration::from_secs(45);
/// How many requests may wait for one login.
const MOST_WAITING: usize = 8;

/// What a person wrote into the fields of a step.
pub(super) type Input = HashMap<String, Secret>;

/// What a step wants of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To show something and ask at once what comes next.
    DisplayAndWait,
    /// To have fields filled in.
    UserInput,
    /// Nothing more.
    Complete,
}

impl Kind {
    const ALL: [Self; 3] = [Self::DisplayAndWait, Self::UserInput, Self::Complete];

    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DisplayAndWait => "display_and_wait",
            Self::UserInput => "user_input",
            Self::Complete => "complete",
        }
    }

    /// The kind called `name`.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A login.
#[derive(Debug)]
pub(super) struct Process {
    id: String,
    /// Ends with the login; ending it cancels the login.
    pub(super) part: Shutdown,
    shown: watch::Sender<Shown>,
    input: Mutex<Option<oneshot::Sender<Input>>>,
    waiting: Semaphore,
}

/// What can be seen of it.
#[derive(Debug, Default)]
struct Shown {
    steps: Vec<Step>,
    /// Why it came to nothing.
    failure: Option<Refused>,
}

#[derive(Debug)]
struct Step {
    id: String,
    kind: Kind,
    body: Value,
}

impl Shown {
    /// What a client is told that knows all steps before `place`; `None` while it has to wait.
    fn since(&self, place: usize) -> Option<Result<Value, Refused>> {
        let last = self.steps.last().filter(|_| self.steps.len() > place);
        match (&self.failure, last) {
            (Some(failure), _) => Some(Err(failure.clone())),
            (None, last) => last.map(|step| Ok(step.body.clone())),
        }
    }
}

impl Process {
    /// A login that has shown nothing yet.
    pub(super) fn new(part: Shutdown) -> Self {
        let id = hex::encode(rand::random::<[u8; 16]>());
        let (shown, _) = watch::channel(Shown::default());
        Self { id, part, shown, input: Mutex::default(), waiting: Semaphore::new(MOST_WAITING) }
    }

    /// Its name, which nobody can guess.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether nothing more happens in it.
    pub(super) fn is_over(&self) -> bool {
        let shown = self.shown.borrow();
        shown.failure.is_some() || shown.steps.last().is_some_and(|step| step.kind == Kind::Complete)
    }

    /// Shows a step called `name`, with `parameters` of its kind.
    pub(super) fn show(&self, name: &str, kind: Kind, instructions: &str, parameters: &Value) {
        self.shown.send_modify(|shown| {
            let id = format!("webqq.{name}.{}", shown.steps.len() + 1);
            let body = json!({
                "login_id": self.id,
                "type": kind.name(),
                "step_id": id,
                "txn_id": format!("{}.{id}", self.id),
                "instructions": instructions,
                kind.name(): parameters,
            });
            shown.steps.push(Step { id, kind, body });
        });
    }

    /// Shows a step with fields; what the person writes into them comes out.
    pub(super) async fn ask(&self, name: &str, instructions: &str, parameters: &Value) -> Option<Input> {
        let (input, written) = oneshot::channel();
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
        self.show(name, Kind::UserInput, instructions, parameters);
        written.await.ok()
    }

    /// It has come to nothing; what it was before stays.
    pub(super) fn fail(&self, why: Refused) {
        if !self.is_over() {
            self.shown.send_modify(|shown| shown.failure = Some(why));
        }
    }

    /// The first step.
    pub(super) async fn first(&self) -> Result<Value, Refused> {
        self.next(0).await
    }

    /// What comes after the step `id`, which is of `kind`; `input` is what the person wrote into it.
    pub(super) async fn after(&self, id: &str, kind: Kind, input: Input) -> Result<Value, Refused> {
        let (place, seen) = {
            let shown = self.shown.borrow();
            if let Some(failure) = &shown.failure {
                return Err(failure.clone());
            }
            let place = shown.steps.iter().position(|step| step.id == id);
            let place = place.ok_or_else(|| Refused::bad_state("Step ID does not match"))?;
            let step = shown.steps.get(place).filter(|step| step.kind == kind);
            let step = step.ok_or_else(|| Refused::bad_state("Step type does not match"))?;
            if kind == Kind::UserInput && place + 1 == shown.steps.len() {
                self.submit(step, input)?;
            }
            (place, step.body.clone())
        };
        if kind == Kind::UserInput {
            return self.next(place + 1).await;
        }
        timeout(PATIENCE, self.next(place + 1)).await.unwrap_or(Ok(seen))
    }

    async fn next(&self, place: usize) -> Result<Value, Refused> {
        let _place =
            self.waiting.try_acquire().map_err(|_| Refused::limited("Too many requests wait for this login"))?;
        let mut shown = self.shown.subscribe();
        // It does not end before this does.
        let shown = shown.wait_for(|shown| shown.since(place).is_some()).await;
        shown.ok().and_then(|shown| shown.since(place)).unwrap_or_else(|| Err(Refused::cancelled()))
    }

    /// Takes `input` to whoever asked. It is taken once; whoever says it again waits for what came of it.
    fn submit(&self, step: &Step, input: Input) -> Result<(), Refused> {
        let fields = step.body.pointer("/user_input/fields").and_then(Value::as_array).into_iter().flatten();
        for field in fields.filter_map(|field| field.get("id")?.as_str()) {
            if input.get(field).is_none_or(Secret::is_empty) {
                return Err(Refused::bad_json(["The field ", field, " is missing"].concat()));
            }
        }
        if let Some(asked) = self.input.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever asked may have gone, as when the login was cancelled: then that is what comes next.
            let _ = asked.send(input);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process() -> Process {
        Process::new(Shutdown::new())
    }

    fn input(pairs: &[(&str, &str)]) -> Input {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect()
    }

    async fn wait(process: &Process, step: &str) -> Result<Value, Refused> {
        process.after(step, Kind::DisplayAndWait, Input::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_again_gets_the_same_answer_or_what_came_after_it() {
        let process = process();
        process.show("qr", Kind::DisplayAndWait, "", &json!({ "type": "qr" }));
        let first = process.first().await.unwrap();
        assert_eq!((&first["step_id"], &first["login_id"]), (&json!("webqq.qr.1"), &json!(process.id())));
        process.show("scanned", Kind::DisplayAndWait, "", &json!({ "type": "nothing" }));
        assert_eq!(wait(&process, "webqq.qr.1").await.unwrap()["step_id"], "webqq.scanned.2");
        assert_eq!(wait(&process, "webqq.qr.1").await.unwrap()["step_id"], "webqq.scanned.2");
        process.show("qr", Kind::DisplayAndWait, "", &json!({ "type": "qr" }));
        for step in ["webqq.qr.1", "webqq.scanned.2"] {
            assert_eq!(wait(&process, step).await.unwrap()["step_id"], "webqq.qr.3");
        }
        process.show("complete", Kind::Complete, "", &json!({ "user_login_id": "1" }));
        process.fail(Refused::timed_out());
        assert_eq!(wait(&process, "webqq.qr.1").await.unwrap()["complete"]["user_login_id"], "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_before_a_proxy_cuts_it_off_with_the_same_step() {
        let process = process();
        process.show("qr", Kind::DisplayAndWait, "", &json!({ "type": "qr" }));
        let begun = tokio::time::Instant::now();
        assert_eq!(wait(&process, "webqq.qr.1").await, process.first().await);
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_is_taken_once_and_only_when_it_is_complete() {
        let process = process();
        let fields = json!({ "fields": [{ "id": "number" }, { "id": "password" }] });
        let asked = async {
            let written = process.ask("password", "", &fields).await.unwrap();
            process.show("complete", Kind::Complete, "", &json!({}));
            written["password"].expose().to_owned()
        };
        let answered = async {
            process.first().await.unwrap();
            let submit = |pairs| process.after("webqq.password.1", Kind::UserInput, input(pairs));
            for bad in [&[][..], &[("number", "1")], &[("number", "1"), ("password", "")]] {
                assert!(submit(bad).await.is_err(), "{bad:?}");
            }
            let good = [("number", "1"), ("password", "x")];
            let (one, other) = tokio::join!(submit(&good), submit(&[("number", "1"), ("password", "y")]));
            assert_eq!(one.unwrap()["type"], "complete");
            assert_eq!(other.unwrap()["type"], "complete");
        };
        assert_eq!(tokio::join!(asked, answered).0, "x");
    }

    #[tokio::test(start_paused = true)]
    async fn another_step_or_kind_is_refused_and_a_failure_is_told_to_everybody() {
        let process = process();
        process.show("qr", Kind::DisplayAndWait, "", &json!({ "type": "qr" }));
        assert_eq!(wait(&process, "webqq.qr.2").await, Err(Refused::bad_state("Step ID does not match")));
        let other = process.after("webqq.qr.1", Kind::UserInput, Input::new()).await;
        assert_eq!(other, Err(Refused::bad_state("Step type does not match")));
        let failing = async { process.fail(Refused::cancelled()) };
        let (waited, ()) = tokio::join!(wait(&process, "webqq.qr.1"), failing);
        assert_eq!(waited, Err(Refused::cancelled()));
        process.fail(Refused::timed_out());
        assert_eq!(process.first().await, Err(Refused::cancelled()), "the first failure counts");
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait_for_one_login() {
        let process = process();
        let waiting = futures_util::future::join_all((0..=MOST_WAITING).map(|_| process.first()));
        let (answers, ()) = tokio::join!(waiting, async { process.fail(Refused::cancelled()) });
        let limited =
            answers.iter().filter(|answer| **answer == Err(Refused::limited("Too many requests wait for this login")));
        assert_eq!(limited.count(), 1);
    }
}
