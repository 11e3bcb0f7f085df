//! What keeps a bridge from working on a PostgreSQL server, found out without a change to its database.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;

use super::connection::Connection;
use super::database::{lock_of_bridge, postgres_options};
use super::error::Error;
use super::schema;
use super::tx::{Fields, Record, Tx, sql};
use crate::base::Clock;
use crate::config::DatabaseKind;

/// How long a server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a bridge cannot work on a server, with what a person does about it. Never holds the password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Nobody answers there, or not as PostgreSQL does.
    #[error("{0}; is the server running, does it listen there, and are host and port right?")]
    Unreachable(String),
    /// It does not know us.
    #[error(
        "{0}; make the role with `CREATE ROLE … LOGIN PASSWORD '…'`, or correct name and password in database.uri \
         (@ / : in a password are written as %40 %2F %3A), and see that pg_hba.conf lets it in from here"
    )]
    Login(String),
    /// There is no such database.
    #[error("{why}; make it: `CREATE DATABASE \"{name}\" OWNER \"{role}\" ENCODING 'UTF8' TEMPLATE template0`")]
    NoDatabase {
        /// The server's words.
        why: String,
        /// The database.
        name: String,
        /// Whom it is to belong to.
        role: String,
    },
    /// It cannot keep every text.
    #[error(
        "its encoding is {0}, which cannot hold every message: make another with `ENCODING 'UTF8' TEMPLATE template0`, \
         and name that in database.uri"
    )]
    Encoding(String),
    /// Nothing can be written.
    #[error("it is read only: name the primary server in database.uri, not one that follows it")]
    ReadOnly,
    /// We may not make our tables.
    #[error(
        "the role \"{0}\" may make no tables there: give it the database with `ALTER DATABASE … OWNER TO \"{0}\"`, or \
         `GRANT USAGE, CREATE ON SCHEMA public TO \"{0}\"`"
    )]
    NoRight(String),
    /// What is there cannot be read as ours.
    #[error("{0}; give the bridge a database of its own, whose tables belong to the role in database.uri")]
    NotOurs(Error),
    /// A newer version has been here, or another bridge is.
    #[error(transparent)]
    Refused(Error),
}

/// Looks at the server that `uri` names as a bridge would that starts there.
pub async fn try_postgres(uri: &str) -> Result<(), Obstacle> {
    let options = postgres_options(uri).map_err(Obstacle::Refused)?;
    let connection = match tokio::time::timeout(PATIENCE, Box::pin(options.connect())).await {
        Ok(Ok(connection)) => Connection::Postgres(Box::new(connection)),
        Ok(Err(why)) => return Err(not_let_in(&why, &options)),
        Err(_) => return Err(Obstacle::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    let mut tx = Tx::new(connection, Clock::system(), "BEGIN");
    let tried = look(&mut tx).await;
    tx.close().await;
    tried
}

/// Source for the codes: PostgreSQL manual, appendix A.
fn not_let_in(why: &sqlx::Error, options: &PgConnectOptions) -> Obstacle {
    const NO_PASSWORD_OR_ROLE: [&str; 2] = ["28000", "28P01"];
    const NO_DATABASE: &str = "3D000";
    let code = why.as_database_error().and_then(DatabaseError::code);
    let said = why.as_database_error().map_or_else(|| why.to_string(), |refusal| refusal.message().to_owned());
    match code.as_deref() {
        Some(code) if NO_PASSWORD_OR_ROLE.contains(&code) => Obstacle::Login(said),
        Some(NO_DATABASE) => {
            let role = options.get_username().to_owned();
            Obstacle::NoDatabase { why: said, name: options.get_database().unwrap_or(&role).to_owned(), role }
        }
        Some(_) => Obstacle::Refused(Error::Unavailable { why: said }),
        None => Obstacle::Unreachable(said),
    }
}

/// What the server says of itself.
struct Server {
    encoding: String,
    role: String,
    is_read_only: bool,
    may_create: bool,
    has_tables: bool,
}

impl Record for Server {
    const TABLE: &'static str = "(server)";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            encoding: fields.text("encoding")?,
            role: fields.text("role")?,
            is_read_only: fields.flag("is_read_only")?,
            may_create: fields.flag("may_create")?,
            has_tables: fields.flag("has_tables")?,
        })
    }
}

/// No schema is ours to see: that of nobody may be written to.
const SERVER: &str = "SELECT current_setting('server_encoding') AS encoding, current_user::TEXT AS role, \
     (current_setting('transaction_read_only') = 'on')::INT::BIGINT AS is_read_only, \
     COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)::INT::BIGINT AS may_create, \
     (to_regclass('meta') IS NOT NULL)::INT::BIGINT AS has_tables";

async fn look(tx: &mut Tx) -> Result<(), Obstacle> {
    let Some(server) = tx.one::<Server>(sql(SERVER)).await.map_err(Obstacle::Refused)? else { return Ok(()) };
    match server {
        Server { encoding, .. } if encoding != "UTF8" => return Err(Obstacle::Encoding(encoding)),
        Server { is_read_only: true, .. } => return Err(Obstacle::ReadOnly),
        Server { may_create: false, role, .. } => return Err(Obstacle::NoRight(role)),
        Server { has_tables: false, .. } => {}
        _ => match schema::is_known(tx, DatabaseKind::Postgres).await {
            Ok(()) => {}
            Err(too_new @ Error::TooNew { .. }) => return Err(Obstacle::Refused(too_new)),
            Err(why) => return Err(Obstacle::NotOurs(why)),
        },
    }
    match is_free(tx).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Obstacle::Refused(Error::InUse)),
        Err(why) => Err(Obstacle::Refused(why)),
    }
}

/// Whether no bridge holds the lock of a writer. It is ours for a moment, for which a start would wait.
async fn is_free(tx: &mut Tx) -> Result<bool, Error> {
    const TRY: &str = concat!("SELECT pg_try_advisory_lock(", lock_of_bridge!(), ")::INT::BIGINT AS value");
    Ok(tx.count(sql(TRY)).await? == 1)
}
