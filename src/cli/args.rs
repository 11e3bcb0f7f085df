//! What may stand on the command line: the options of the mautrix bridges, and two commands.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Parser, Subcommand};

/// Lets people chat with their QQ friends, groups and discussions from Matrix.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
#[command(name = "matrix-webqq", disable_version_flag = true, after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("errand").args(["generate_example_config", "generate_registration", "version", "version_json"]))]
pub(super) struct Args {
    /// The configuration file
    #[arg(short, long, value_name = "PATH", default_value = "config.yaml", global = true)]
    pub(super) config: PathBuf,
    /// The registration file [default: registration.yaml]
    #[arg(short, long, value_name = "PATH", global = true)]
    registration: Option<PathBuf>,
    /// Write the example configuration to the path of -c, unless there is a file; "-c -" prints it
    #[arg(short = 'e', long)]
    pub(super) generate_example_config: bool,
    /// Write the registration and save new tokens into the configuration; tokens that it has already are kept
    #[arg(short, long, conflicts_with = "no_update")]
    pub(super) generate_registration: bool,
    /// Never write to the configuration
    #[arg(short, long)]
    no_update: bool,
    /// Print the version
    #[arg(short, long)]
    pub(super) version: bool,
    /// Print the version as JSON
    #[arg(long)]
    pub(super) version_json: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Command {
    /// Find every mistake in the configuration, and with -r where the registration differs, without the network
    Check,
    /// Try the configuration: the database, the way to the homeserver and the way back
    Doctor,
}

const AFTER_HELP: &str = "Without -e, -g, -v or a command the bridge runs.\n\
    First time: matrix-webqq -e, edit config.yaml, matrix-webqq -g, give registration.yaml to the homeserver, \
    matrix-webqq.";

impl Args {
    /// The registration that was asked for.
    pub(super) fn registration(&self) -> Option<&Path> {
        self.registration.as_deref()
    }

    /// The registration that was asked for, else the usual one.
    pub(super) fn registration_or_usual(&self) -> &Path {
        self.registration().unwrap_or_else(|| Path::new("registration.yaml"))
    }

    /// Whether both a command and an option that is an errand of its own were given.
    pub(super) fn is_torn(&self) -> bool {
        let errand = self.generate_example_config || self.generate_registration || self.version || self.version_json;
        errand && self.command.is_some()
    }
}
