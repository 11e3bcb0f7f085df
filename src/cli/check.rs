//! `check`: finds what is wrong with configuration and registration before the bridge and the homeserver do.

use std::path::Path;

use super::{Exit, Fatal, file, load, say};
use crate::config::Config;
use crate::matrix::registration::Registration;

/// Checks the configuration in `config_path`, and that the registration, when one is named, agrees with it.
pub(super) fn check(config_path: &Path, registration_path: Option<&Path>) -> Result<(), Fatal> {
    let config = load(config_path)?;
    say(&format!("{} is fine.", config_path.display()))?;
    if let Some(complaint) = file::complaint(config_path) {
        say(&complaint)?;
    }
    match registration_path {
        None => say("No registration was compared: name it with -r."),
        Some(path) => {
            compare(&config, path)?;
            say(&format!("{} agrees with it.", path.display()))
        }
    }
}

/// Fails where the registration in `path` differs from what `config` would make.
pub fn compare(config: &Config, path: &Path) -> Result<(), Fatal> {
    let name = path.display();
    let differs = |what: String| Fatal::new(Exit::RegistrationDiffers, what);
    let yaml = std::fs::read_to_string(path).map_err(|why| differs(format!("cannot read {name}: {why}")))?;
    let registration = Registration::from_yaml(&yaml).map_err(|error| differs(format!("{name}: {error}")))?;
    let drifts =
        registration.drift(&config.homeserver, &config.appservice).map_err(|error| differs(error.to_string()))?;
    if drifts.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = drifts.iter().map(|drift| format!("  {drift}")).collect();
    Err(differs(format!(
        "{name} differs from the configuration:\n{}\nRun `matrix-webqq -g` to bring it up to date, then restart the \
         homeserver.",
        lines.join("\n")
    )))
}
