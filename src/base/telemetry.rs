//! What the process says about itself: log lines on standard error, never a secret or a message text.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Shape of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Noise that is never useful: the SDK logs expected refusals such as `M_USER_IN_USE` as errors.
const QUIET: &str = "matrix_sdk::http_client=off,eyeball=warn,sqlx=warn,hyper=warn";

/// Starts logging from `level` up (`error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,hyper=debug`).
///
/// Fails when `level` cannot be understood or when logging runs already.
pub fn start(level: &str, format: Format) -> Result<(), Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|why| Error::Level { level: level.to_owned(), why: why.to_string() })?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match format {
        Format::Pretty => lines.try_init(),
        Format::Json => lines.json().try_init(),
    }
    .map_err(|_| Error::Running)
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is not one that exists.
    #[error("log level {level:?} is not understood ({why}); use error, warn, info, debug or trace")]
    Level {
        /// What was asked for.
        level: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was started twice.
    #[error("logging runs already")]
    Running,
}
