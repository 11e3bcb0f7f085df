//! Pushing transactions to the bridge: one at a time, the same one until it says 200.

use std::time::Duration;

use super::PretendHomeserver;

/// A Synapse waits 2, 4, 8 … 512 s; tests have no time.
const WAITS: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(50), Duration::from_millis(100)];

pub(super) async fn push_for_ever(homeserver: PretendHomeserver) {
    let http = reqwest::Client::new();
    loop {
        // Nothing looks at what was made for this wait.
        let mut changed = homeserver.inner.changed.subscribe();
        let Some(()) = push_next(&homeserver, &http).await else {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
    }
}

/// Pushes what is next until it is acknowledged; none when nothing is to be pushed, or nowhere.
async fn push_next(homeserver: &PretendHomeserver, http: &reqwest::Client) -> Option<()> {
    for attempt in 0.. {
        let next = homeserver.inner.world.lock().unwrap().next_push();
        let (url, push) = next?;
        let token = homeserver.see(|world| world.setup.hs_token.clone());
        let url = format!("{url}/_matrix/app/v1/transactions/{}", push.id);
        let answer = http.put(url).bearer_auth(token).json(&push.body).send().await;
        match answer.map(|answer| answer.status().is_success()) {
            Ok(true) => {
                homeserver.change(|world| world.under_way = None);
                return Some(());
            }
            Ok(false) => homeserver.change(|world| world.refused_pushes += 1),
            Err(_) => {}
        }
        tokio::time::sleep(WAITS[usize::min(attempt, WAITS.len() - 1)]).await;
    }
    None
}
