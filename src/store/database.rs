//! Which database: a file or a server, how to connect to it, and how to be its only bridge.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::connection::Connection;
use super::error::Error;
use super::tx::Tx;
use crate::base::Clock;
use crate::config::{Database as Settings, DatabaseKind};

/// How long a bridge that is just going away may take to let go of the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// FULL: a commit is on the disk before it is answered. The log is put into the file after 16 MiB: the pages that every message
/// changes are then written there once for many of them. The limit keeps the log small after a burst.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864;";
/// Whatever the writer commits, a reader forgets all pages that it kept: it keeps few.
const SQLITE_READER: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -256;";
/// The lock that says who is the only bridge of a schema.
macro_rules! lock_of_bridge {
    () => {
        "hashtext('matrix-webqq'), hashtext(current_schema())"
    };
}
pub(super) use lock_of_bridge;

/// Servers may be told to answer before the disk has it; not to us.
///
/// The lock says that we are the only bridge of this schema; it is held as long as the connection lives.
const POSTGRES_WRITER: &str = concat!(
    "SET synchronous_commit = on; SET lock_timeout = '2s'; SELECT pg_advisory_lock(",
    lock_of_bridge!(),
    "); SET lock_timeout = DEFAULT;"
);
const POSTGRES_READER: &str = "SET default_transaction_read_only = on;";

/// A database that can be connected to.
pub(super) struct Database {
    place: Place,
    clock: Clock,
}

enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<PgConnectOptions>),
}

/// As long as this lives, no other bridge can open the database's file; PostgreSQL has a lock of its own.
pub(super) struct Hold(#[expect(dead_code, reason = "an open file is a locked file")] Option<File>);

impl Database {
    /// Finds the database that `settings` name, creates its file, and locks it.
    pub(super) async fn find(settings: &Settings, clock: Clock) -> Result<(Self, Hold), Error> {
        let (place, lock) = match settings.kind {
            DatabaseKind::Sqlite => {
                let path = PathBuf::from(sqlite_path(&settings.uri)?);
                let prepared = tokio::task::spawn_blocking(move || prepare(&path)).await;
                let (path, lock) = prepared.map_err(|_| Error::Panicked)??;
                (Place::Sqlite(path), Some(lock))
            }
            DatabaseKind::Postgres => (Place::Postgres(Box::new(postgres_options(&settings.uri)?)), None),
        };
        Ok((Self { place, clock }, Hold(lock)))
    }

    /// Which one it is.
    pub(super) fn kind(&self) -> DatabaseKind {
        match self.place {
            Place::Sqlite(_) => DatabaseKind::Sqlite,
            Place::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Sqlite(path) => Some(path),
            Place::Postgres(_) => None,
        }
    }

    /// The one connection that writes.
    pub(super) async fn writer(&self) -> Result<Tx, Error> {
        match self.place {
            Place::Sqlite(_) => self.connect("BEGIN IMMEDIATE", SQLITE_WRITER).await,
            Place::Postgres(_) => self.connect("BEGIN", POSTGRES_WRITER).await,
        }
    }

    /// One more connection that reads. A transaction on it sees one moment of the database.
    pub(super) async fn reader(&self) -> Result<Tx, Error> {
        match self.place {
            Place::Sqlite(_) => self.connect("BEGIN", SQLITE_READER).await,
            Place::Postgres(_) => self.connect("BEGIN ISOLATION LEVEL REPEATABLE READ", POSTGRES_READER).await,
        }
    }

    /// Closes the connection that writes, after it put everything into the one file.
    pub(super) async fn leave(&self, mut tx: Tx) {
        if matches!(self.place, Place::Sqlite(_)) {
            // If it fails, the next start finds the log and goes on from there.
            drop(tx.script("PRAGMA wal_checkpoint(TRUNCATE)").await);
        }
        tx.close().await;
    }

    async fn connect(&self, begin: &'static str, setup: &'static str) -> Result<Tx, Error> {
        let connection = match &self.place {
            Place::Sqlite(path) => {
                // Each connection is used by one caller at a time; the file was made by `prepare`.
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::sqlite(rusqlite::Connection::open_with_flags(path, flags)?)?
            }
            Place::Postgres(options) => Connection::Postgres(Box::new(Box::pin(options.connect()).await?)),
        };
        let mut tx = Tx::new(connection, self.clock.clone(), begin);
        tx.script(setup).await?;
        Ok(tx)
    }
}

/// The path in `file:PATH`, `sqlite:PATH`, `sqlite://PATH` or `PATH`.
fn sqlite_path(uri: &str) -> Result<&str, Error> {
    // Copied from bridges that need to be told; ours always begins so.
    let uri = uri.trim().trim_end_matches("?_txlock=immediate");
    let path = ["sqlite://", "file://", "sqlite:", "file:"].iter().find_map(|scheme| uri.strip_prefix(scheme));
    match path.unwrap_or(uri) {
        "" => Err(Error::Settings("names no file".to_owned())),
        ":memory:" => Err(Error::Settings("a database in memory forgets everything; name a file".to_owned())),
        path if path.contains('?') => {
            Err(Error::Settings("options after `?` are not known; leave them out".to_owned()))
        }
        path if path.contains("://") => Err(Error::Settings("is not a file; is `database.type` right?".to_owned())),
        path => Ok(path),
    }
}

pub(super) fn postgres_options(uri: &str) -> Result<PgConnectOptions, Error> {
    let options = PgConnectOptions::from_url(&postgres_url(uri)?);
    let options = options.map_err(|_| Error::Settings("not understood".to_owned()))?;
    Ok(options.disable_statement_logging())
}

fn postgres_url(uri: &str) -> Result<Url, Error> {
    let url = Url::parse(uri).map_err(|why| Error::Settings(format!("is not a URL ({why})")))?;
    match url.scheme() {
        "postgres" | "postgresql" => Ok(url),
        _ => Err(Error::Settings("does not begin with postgres://; is `database.type` right?".to_owned())),
    }
}

/// Creates the file of the database if there is none, and locks it against a second bridge. Gives its real path.
fn prepare(path: &Path) -> Result<(PathBuf, File), Error> {
    open_private(path).map_err(|why| unusable(path, &why))?;
    let path = path.canonicalize().map_err(|why| unusable(path, &why))?;
    // A file of its own: closing the database's file would drop the locks that SQLite holds on it.
    let mut beside = path.clone().into_os_string();
    beside.push(".lock");
    let lock = open_private(Path::new(&beside)).map_err(|why| unusable(Path::new(&beside), &why))?;
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok((path, lock)),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse),
            Err(TryLockError::Error(why)) => return Err(unusable(&path, &why)),
        }
    }
}

/// Opens a file that, when it is new, nobody else may read. SQLite gives the files that it puts beside it the same mode.
pub(super) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unusable(path: &Path, why: &std::io::Error) -> Error {
    Error::Settings(format!("{} cannot be used: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_in_any_of_the_usual_ways() {
        for (uri, path) in [
            ("file:matrix-webqq.db", "matrix-webqq.db"),
            ("file:/var/lib/x.db?_txlock=immediate", "/var/lib/x.db"),
            ("sqlite:x.db", "x.db"),
            ("sqlite:///var/lib/x.db", "/var/lib/x.db"),
            ("data/x.db", "data/x.db"),
        ] {
            assert_eq!(sqlite_path(uri).unwrap(), path, "{uri}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused_before_anything_is_created() {
        for uri in ["", "file:", "sqlite::memory:", "x.db?mode=ro", "postgres://localhost/x"] {
            assert!(matches!(sqlite_path(uri), Err(Error::Settings(_))), "{uri}");
        }
        assert!(matches!(postgres_url("file:x.db"), Err(Error::Settings(_))));
    }
}
