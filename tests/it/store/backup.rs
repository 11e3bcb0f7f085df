//! Before a database of an earlier version is migrated, it is copied.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;

/// The schema of an earlier version: its first three migrations.
const OLD: [&str; 3] = [
    include_str!("../../../src/store/migrations/sqlite/0001_the_house.sql"),
    include_str!("../../../src/store/migrations/sqlite/0002_portraits.sql"),
    include_str!("../../../src/store/migrations/sqlite/0003_requests.sql"),
];

/// Writes a database as an earlier version left it, with one person in it.
fn old(path: &Path) {
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch("CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)").unwrap();
    for script in OLD {
        database.execute_batch(script).unwrap();
    }
    let rows = "INSERT INTO meta VALUES ('schema', '3'); INSERT INTO \"user\" VALUES ('@alice:hs.test', '!room', NULL)";
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
    old(&file(&place));
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
    old(&file(&place));
    fs::create_dir(format!("{}.part", copy_of(&place).display())).unwrap();
    let refused = Store::open(&place.settings, place.clock.clone()).await.err().unwrap();
    assert!(matches!(refused, Error::NoCopy { .. }), "{refused:?}");
    assert_eq!(one(&file(&place), "SELECT value FROM meta WHERE key = 'schema'"), "3");
}
