//! The command line: understands it, does the errands that need no network, and says what is left to do.

mod args;
mod check;
mod doublepuppet;
mod example;
pub mod exit;
mod file;
mod register;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};

use crate::config::{Config, Error};
use args::{Args, Command};
pub use check::compare;
pub use doublepuppet::compare_second;
pub use exit::{Exit, Fatal};

/// What is left to do.
#[derive(Clone, Debug)]
pub enum Errand {
    /// Run the bridge.
    Run {
        /// With these options.
        config: Box<Config>,
        /// What should be said before that.
        complaint: Option<String>,
    },
    /// Try everything that it needs.
    Doctor {
        /// With these options.
        config: Box<Config>,
        /// Against this registration, if there is one.
        registration: Option<PathBuf>,
    },
}

/// Does what `arguments` ask for (the first is the program's own name); `None` when that is all.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Errand>, Fatal> {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) if args.is_torn() => return Err(usage(&torn())),
        Ok(args) => args,
        Err(help) if !help.use_stderr() => return say(&help.to_string()).map(|()| None),
        Err(error) => return Err(usage(&error)),
    };
    match args.command {
        Some(Command::Check) => check::check(&args.config, args.registration())?,
        Some(Command::Doctor) => {
            let usual = Some(args.registration_or_usual()).filter(|usual| usual.exists());
            let registration = args.registration().or(usual).map(Path::to_owned);
            return Ok(Some(Errand::Doctor { config: Box::new(load(&args.config)?), registration }));
        }
        None if args.version => say(concat!("matrix-webqq ", env!("CARGO_PKG_VERSION")))?,
        None if args.version_json => say(&version_json())?,
        None if args.generate_example_config => example::write(&args.config)?,
        None if args.generate_registration => register::register(&args.config, args.registration_or_usual())?,
        None => {
            let (config, complaint) = (Box::new(load(&args.config)?), file::complaint(&args.config));
            return Ok(Some(Errand::Run { config, complaint }));
        }
    }
    Ok(None)
}

/// The configuration in `path`, ready to run with.
fn load(path: &Path) -> Result<Config, Fatal> {
    Config::load(path).map(|loaded| loaded.config).map_err(|error| unusable(path, &error))
}

/// Says why the configuration in `path` cannot be used.
fn unusable(path: &Path, error: &Error) -> Fatal {
    let path = path.display();
    match error {
        Error::Unreadable { .. } => {
            Fatal::new(Exit::ConfigUnreadable, format!("{error}; `matrix-webqq -e -c {path}` writes an example"))
        }
        Error::Yaml { .. } => Fatal::new(Exit::ConfigInvalid, format!("{path} cannot be used: {error}")),
        Error::Faults(faults) => {
            let exit = if faults.mention("homeserver.domain") { Exit::DomainUnset } else { Exit::ConfigInvalid };
            let message = format!("{path} cannot be used:\n{faults}\nEvery option: docs/configuration.md");
            Fatal::new(exit, message)
        }
    }
}

fn usage(error: &clap::Error) -> Fatal {
    let text = error.to_string();
    Fatal::new(Exit::Usage, text.strip_prefix("error: ").unwrap_or(&text).trim_end())
}

fn torn() -> clap::Error {
    Args::command().error(clap::error::ErrorKind::ArgumentConflict, "give a command or one of -e, -g and -v, not both")
}

fn version_json() -> String {
    serde_json::json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "url": env!("CARGO_PKG_REPOSITORY"),
    })
    .to_string()
}

/// Writes a line to standard output.
fn say(line: &str) -> Result<(), Fatal> {
    writeln!(std::io::stdout(), "{}", line.trim_end())
        .map_err(|why| Fatal::new(Exit::Failure, format!("cannot write to standard output: {why}")))
}
