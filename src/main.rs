//! The front door: does what the command line says and ends with the number that tells how it went.

use std::io::Write as _;
use std::process::ExitCode;

use matrix_webqq::app;
use matrix_webqq::cli::{self, Errand, Exit, Fatal};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            // When standard error is gone there is nobody left to tell; the number still says it.
            let _ = writeln!(std::io::stderr(), "error: {fatal}");
            fatal.exit.into()
        }
    }
}

fn run() -> Result<(), Fatal> {
    let Some(errand) = cli::start(std::env::args_os())? else { return Ok(()) };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|why| Fatal::new(Exit::Failure, format!("cannot start the runtime: {why}")))?;
    runtime.block_on(async {
        match errand {
            Errand::Run { config, complaint } => app::run(*config, complaint.as_deref()).await,
            Errand::Doctor { config, registration } => app::doctor(*config, registration.as_deref()).await,
        }
    })
}
