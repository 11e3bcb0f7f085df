//! Requests: kept until they are answered, and answered once.

use super::*;

on_every_database! {
    a_request_is_kept_once_and_has_a_number_of_its_own
    a_request_is_answered_once
    requests_outlive_the_process
}

async fn ask(store: &Store, login: &'static str, key: &'static str) -> Option<i64> {
    let add = write!(store, tx => tx.add_request(login, key, "what", "who", "ticket").await);
    add.await.unwrap().map(|row| row.id)
}

async fn open(store: &Store, login: &'static str) -> Vec<i64> {
    let rows = read!(store, tx => tx.open_requests(login).await).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

async fn a_request_is_kept_once_and_has_a_number_of_its_own(place: &Place) {
    let store = place.open().await;
    let one = ask(&store, "10001", "a").await.unwrap();
    assert_eq!(ask(&store, "10001", "a").await, None, "told twice");
    let other = ask(&store, "10002", "a").await.unwrap();
    let next = ask(&store, "10001", "b").await.unwrap();
    assert!(one != other && one < next);
    assert_eq!(open(&store, "10001").await, [one, next]);
    let row = read!(store, tx => tx.request(one).await).await.unwrap().unwrap();
    assert_eq!((row.what.as_str(), row.who.as_str(), row.ticket.as_str()), ("what", "who", "ticket"));
    assert_eq!((row.login.as_str(), row.state, row.created_at_ms), ("10001", RequestState::Open, NOON));
    assert_eq!(read!(store, tx => tx.request(404).await).await.unwrap(), None);
}

async fn a_request_is_answered_once(place: &Place) {
    let store = place.open().await;
    let id = ask(&store, "10001", "a").await.unwrap();
    let answers = join_all((0..4).map(|_| write!(store, tx => tx.answer_request(id).await))).await;
    assert_eq!(answers.into_iter().filter(|answer| *answer.as_ref().unwrap()).count(), 1);
    assert_eq!(open(&store, "10001").await, [0_i64; 0]);
    for state in [RequestState::Failed, RequestState::Done] {
        write!(store, tx => tx.close_request(id, state).await).await.unwrap();
        assert!(!write!(store, tx => tx.answer_request(id).await).await.unwrap(), "{state:?}");
    }
    assert!(!write!(store, tx => tx.answer_request(404).await).await.unwrap());
    let missing = write!(store, tx => tx.close_request(404, RequestState::Done).await).await.unwrap_err();
    assert_eq!(missing, Error::Missing { table: "request", row: "404".to_owned() });
}

async fn requests_outlive_the_process(place: &Place) {
    let store = place.open().await;
    let (one, other) = (ask(&store, "10001", "a").await.unwrap(), ask(&store, "10001", "b").await.unwrap());
    assert!(write!(store, tx => tx.answer_request(one).await).await.unwrap());
    store.close().await;
    let store = place.open().await;
    assert_eq!(open(&store, "10001").await, [other]);
    assert_eq!(ask(&store, "10001", "b").await, None);
}
