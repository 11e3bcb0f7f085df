//! Before a database of an earlier version is migrated, it is copied; what is in it stays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;
use matrix_webqq::store::JobKind;

/// One person, in the schema 3.
const PERSON: &str = "INSERT INTO \"user\" VALUES ('@alice:hs.test', '!room', NULL)";

/// Writes a database as the version left it whose newest migration was number `schema`, with `rows` in it.
fn old(path: &Path, schema: usize, rows: &str) {
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch("CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/sqlite");
    let mut scripts: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    scripts.sort();
    for script in &scripts[..schema] {
        database.execute_batch(&fs::read_to_string(script).unwrap()).unwrap();
    }
    database.execute("INSERT INTO meta VALUES ('schema', ?1)", [schema.to_string()]).unwrap();
    database.execute_batch(rows).unwrap();
}

fn one(path: &Path, query: &str) -> String {
    let database = rusqlite::Connection::open(path).unwrap();
    database.query_row(query, [], |row| row.get(0)).unwrap()
}

fn file(place: &Place) -> PathBuf {
    PathBuf::from(place.settings.uri.trim_start_matches("file:"))
}

fn copy_of(place: &Place) -> PathBuf {
    PathBuf::from(format!("{}.before-0004", file(place).display()))
}

fn files(place: &Place) -> usize {
    fs::read_dir(place.dir.path()).unwrap().count()
}

#[tokio::test]
async fn an_old_database_is_copied_once_before_it_is_migrated() {
    let place = Place::sqlite();
    old(&file(&place), 3, PERSON);
    // Whatever a copy that was cut off has left is no obstacle.
    fs::write(format!("{}.part", copy_of(&place).display()), "half a copy").unwrap();
    let store = place.open().await;
    let known = read!(store, tx => tx.user("@alice:hs.test").await).await.unwrap();
    assert_eq!(known.unwrap().control_room.as_deref(), Some("!room"));
    store.close().await;
    let copy = copy_of(&place);
    assert_eq!(one(&copy, "SELECT value FROM meta WHERE key = 'schema'"), "3");
    assert_eq!(one(&copy, "SELECT mxid FROM \"user\""), "@alice:hs.test");
    assert_ne!(one(&file(&place), "SELECT value FROM meta WHERE key = 'schema'"), "3");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let (before, count) = (fs::metadata(&copy).unwrap().modified().unwrap(), files(&place));
    place.open().await.close().await;
    assert_eq!((fs::metadata(&copy).unwrap().modified().unwrap(), files(&place)), (before, count));
}

#[tokio::test]
async fn a_new_database_is_not_copied() {
    let place = Place::sqlite();
    place.open().await.close().await;
    assert!(fs::read_dir(place.dir.path()).unwrap().all(|file| {
        let name = file.unwrap().file_name();
        !name.to_string_lossy().contains(".before-")
    }));
}

#[tokio::test]
async fn a_database_that_cannot_be_copied_is_not_migrated() {
    let place = Place::sqlite();
    old(&file(&place), 3, PERSON);
    fs::create_dir(format!("{}.part", copy_of(&place).display())).unwrap();
    let refused = Store::open(&place.settings, place.clock.clone()).await.err().unwrap();
    assert!(matches!(refused, Error::NoCopy { .. }), "{refused:?}");
    assert_eq!(one(&file(&place), "SELECT value FROM meta WHERE key = 'schema'"), "3");
}

#[tokio::test]
async fn jobs_of_an_earlier_version_stay_and_new_ones_get_numbers_of_their_own() {
    let place = Place::sqlite();
    let job = |id: u32| {
        format!(
            "INSERT INTO job VALUES ({id}, 'meet', 0, '!room{id}', '@ghost', '@alice', 'open', 2, 5, 'why', 9, 'batch');"
        )
    };
    old(&file(&place), 14, &[job(3).as_str(), &job(8), "DELETE FROM job WHERE id = 8;"].concat());
    let store = place.open().await;
    let add =
        |room: &'static str| write!(store, tx => tx.add_job(JobKind::Meet, 0, room, Some("@ghost"), "@alice").await);
    assert!(!add("!room3").await.unwrap(), "it is to be done already");
    assert!(add("!room").await.unwrap());
    let jobs = read!(store, tx => tx.open_jobs().await).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].id), (2, 3));
    assert!(jobs[1].id > 8, "{}", jobs[1].id);
    let kept = (
        jobs[0].attempts,
        jobs[0].due_at_ms,
        jobs[0].error.as_deref(),
        jobs[0].created_at_ms,
        jobs[0].batch.as_deref(),
    );
    assert_eq!(kept, (2, 5, Some("why"), 9, Some("batch")));
}
