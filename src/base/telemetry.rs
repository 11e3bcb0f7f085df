//! What the process says about itself: log lines on standard error and in a file, never a secret or a message text.

use std::io::IsTerminal as _;
use std::sync::Mutex;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::LogFile;

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

/// Starts logging from `level` up (`error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,hyper=debug`) to
/// standard error, and to `file` as well if there is one.
///
/// Fails when `level` cannot be understood or when logging runs already.
pub fn start(level: &str, format: Format, file: Option<(LogFile, Format)>) -> Result<(), Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|why| Error::Level { level: level.to_owned(), why: why.to_string() })?;
    let colours = std::io::stderr().is_terminal();
    let console = lines(format, std::io::stderr, colours);
    let file = file.map(|(file, format)| lines(format, Mutex::new(file), false));
    tracing_subscriber::registry().with(vec_of(console, file)).with(filter).try_init().map_err(|_| Error::Running)
}

/// One layer or two.
fn vec_of(one: Lines, other: Option<Lines>) -> Vec<Lines> {
    std::iter::once(one).chain(other).collect()
}

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

/// Lines of `format`, written to `to`.
fn lines<W>(format: Format, to: W, colours: bool) -> Lines
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(to).with_ansi(colours);
    match format {
        Format::Pretty => lines.boxed(),
        Format::Json => lines.json().boxed(),
    }
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
