//! Jobs: kept until they are done, once for each room and kind.

use super::*;
use matrix_webqq::store::{JobKind, JobRow};

on_every_database! {
    a_job_is_kept_once_until_it_is_done
    a_job_that_was_given_up_is_not_done_until_it_is_wanted_again
    a_job_that_leads_elsewhere_replaces_the_first
    whoever_is_asked_into_a_room_is_met_besides_the_others
    jobs_that_were_wanted_together_are_counted_together
    a_room_that_a_portal_had_is_known_until_the_portal_has_none
}

async fn add(store: &Store, kind: JobKind, room: &'static str, target: Option<&'static str>) -> bool {
    write!(store, tx => tx.add_job(kind, 7, room, target, "@alice:hs").await).await.unwrap()
}

async fn open(store: &Store) -> Vec<JobRow> {
    read!(store, tx => tx.open_jobs().await).await.unwrap()
}

async fn a_job_is_kept_once_until_it_is_done(place: &Place) {
    let store = place.open().await;
    assert!(add(&store, JobKind::Empty, "!a", None).await);
    assert!(!add(&store, JobKind::Empty, "!a", None).await, "it is wanted already");
    let id = open(&store).await[0].id;
    write!(store, tx => tx.put_job_off(id, NOON, "why").await).await.unwrap();
    store.close().await;
    let store = place.open().await;
    let job = open(&store).await.pop().unwrap();
    assert_eq!((job.attempts, job.due_at_ms, job.error.as_deref()), (1, NOON, Some("why")));
    assert_eq!(
        (job.kind, job.portal, job.room_id.as_str(), job.asker.as_str()),
        (JobKind::Empty, 7, "!a", "@alice:hs")
    );
    assert_eq!(read!(store, tx => tx.rooms_being_left().await).await.unwrap(), ["!a"]);
    for _ in 0..2 {
        write!(store, tx => tx.finish_job(id).await).await.unwrap();
        assert!(open(&store).await.is_empty());
    }
}

async fn a_job_that_was_given_up_is_not_done_until_it_is_wanted_again(place: &Place) {
    let store = place.open().await;
    assert!(add(&store, JobKind::Leave, "!a", None).await);
    let id = open(&store).await[0].id;
    write!(store, tx => tx.fail_job(id, "no").await).await.unwrap();
    assert!(open(&store).await.is_empty());
    assert_eq!(read!(store, tx => tx.rooms_being_left().await).await.unwrap(), ["!a"], "we are still in it");
    assert!(add(&store, JobKind::Leave, "!a", None).await);
    assert_eq!(open(&store).await.len(), 1);
}

async fn a_job_that_leads_elsewhere_replaces_the_first(place: &Place) {
    let store = place.open().await;
    assert!(add(&store, JobKind::Follow, "!a", Some("!b")).await);
    assert!(!add(&store, JobKind::Follow, "!a", Some("!b")).await);
    assert!(add(&store, JobKind::Follow, "!a", Some("!c")).await);
    let jobs = open(&store).await;
    assert_eq!(jobs.iter().map(|job| job.target.as_deref()).collect::<Vec<_>>(), [Some("!c")]);
    write!(store, tx => tx.put_job_off(jobs[0].id, NOON, "why").await).await.unwrap();
    assert_eq!(write!(store, tx => tx.hurry_jobs("!b").await).await.unwrap(), 0);
    assert_eq!(write!(store, tx => tx.hurry_jobs("!c").await).await.unwrap(), 1);
    assert_eq!(open(&store).await[0].due_at_ms, 0);
    assert!(read!(store, tx => tx.rooms_being_left().await).await.unwrap().is_empty());
}

async fn whoever_is_asked_into_a_room_is_met_besides_the_others(place: &Place) {
    let store = place.open().await;
    for (ghost, is_new) in [("@a", true), ("@b", true), ("@a", false)] {
        assert_eq!(add(&store, JobKind::Meet, "!a", Some(ghost)).await, is_new, "{ghost}");
    }
    assert!(add(&store, JobKind::Meet, "!b", Some("@a")).await, "another room");
    let met = open(&store).await.into_iter().map(|job| (job.room_id, job.target.unwrap_or_default()));
    let expected = [("!a", "@a"), ("!a", "@b"), ("!b", "@a")].map(|(room, ghost)| (room.to_owned(), ghost.to_owned()));
    assert_eq!(met.collect::<Vec<_>>(), expected);
    let id = open(&store).await[1].id;
    write!(store, tx => tx.fail_job(id, "no").await).await.unwrap();
    assert!(add(&store, JobKind::Meet, "!a", Some("@b")).await, "it was given up");
    assert_eq!(open(&store).await.len(), 3);
}

async fn jobs_that_were_wanted_together_are_counted_together(place: &Place) {
    let store = place.open().await;
    for room in ["!a", "!b", "!c"] {
        assert!(add(&store, JobKind::Empty, room, None).await);
    }
    for room in ["!a", "!b"] {
        write!(store, tx => tx.join_batch(JobKind::Empty, room, "@bob:hs", "all").await).await.unwrap();
    }
    let jobs = open(&store).await;
    assert_eq!(jobs.iter().map(|job| job.batch.as_deref()).collect::<Vec<_>>(), [Some("all"), Some("all"), None]);
    let (first, second) = (jobs[0].id, jobs[1].id);
    assert_eq!(read!(store, tx => tx.left_of_batch("all").await).await.unwrap(), (2, 0));
    write!(store, tx => tx.finish_job(first).await).await.unwrap();
    write!(store, tx => tx.fail_job(second, "no").await).await.unwrap();
    assert_eq!(read!(store, tx => tx.left_of_batch("all").await).await.unwrap(), (0, 1));
    assert!(add(&store, JobKind::Empty, "!b", None).await);
    assert_eq!(open(&store).await[0].batch, None, "it is wanted anew, and by itself");
}

async fn a_room_that_a_portal_had_is_known_until_the_portal_has_none(place: &Place) {
    let store = place.open().await;
    let portal = write!(store, tx => tx.ensure_portal("1", "group:1", "group", "g", None).await).await.unwrap();
    let id = portal.id;
    write!(store, tx => tx.set_portal_room(id, "!a").await).await.unwrap();
    write!(store, tx => tx.move_portal(id, "!a", "!b").await).await.unwrap();
    assert_eq!(read!(store, tx => tx.portal_aliases().await).await.unwrap(), [("!a".to_owned(), id)]);
    let now = read!(store, tx => tx.portal(id).await).await.unwrap().unwrap();
    assert_eq!(now.room_id.as_deref(), Some("!b"));
    write!(store, tx => tx.forget_portal_room(id).await).await.unwrap();
    assert!(read!(store, tx => tx.portal_aliases().await).await.unwrap().is_empty());
    assert_eq!(read!(store, tx => tx.portal(id).await).await.unwrap().unwrap().room_id, None);
}
