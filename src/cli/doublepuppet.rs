//! The second registration, with which the bridge acts for everybody of its server: `-g` makes it beside the first when
//! `double_puppet.secrets` has a token, `doctor` compares it. What is there is never overwritten.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Exit, Fatal, file};
use crate::config::Config;
use crate::matrix::registration::Registration;

/// As other bridges and their instructions call it.
const NAME: &str = "doublepuppet.yaml";

/// What has to be written.
pub(super) struct Draft {
    path: PathBuf,
    yaml: String,
}

impl Draft {
    /// What `config` asks for beside the registration in `first`; `None` when that is nothing, or there. Refuses a file that is
    /// something else.
    pub(super) fn of(config: &Config, first: &Path) -> Result<Option<Self>, Fatal> {
        let path = beside(first);
        match std::fs::symlink_metadata(&path) {
            Ok(_) => return compare_second(config, first).map(|_| None),
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(unwritable(&path, &why)),
            Err(_) => {}
        }
        let Some(token) = config.double_puppet.as_token(&config.homeserver.domain) else { return Ok(None) };
        let yaml = Registration::for_everybody(&config.homeserver, &token).to_yaml();
        let yaml = yaml.map_err(|error| unwritable(&path, &error))?;
        Ok(Some(Self { path, yaml }))
    }

    /// Writes it, for its owner alone; gives what to do with it.
    pub(super) fn write(self) -> Result<String, Fatal> {
        let Self { path, yaml } = self;
        file::create(&path, &yaml).map_err(|why| unwritable(&path, &why))?;
        Ok(format!(
            "{} is written, for double puppets: name it there as well, unless another bridge has given Synapse a registration with this \
             token.",
            path.display()
        ))
    }
}

fn beside(first: &Path) -> PathBuf {
    first.with_file_name(NAME)
}

fn unwritable(path: &Path, why: &dyn std::fmt::Display) -> Fatal {
    Fatal::new(Exit::RegistrationUnwritable, format!("cannot write {}: {why}", path.display()))
}

/// Fails where the second registration, beside the one in `first`, does not fit `config`; gives its path if there is one that
/// is needed.
pub fn compare_second(config: &Config, first: &Path) -> Result<Option<PathBuf>, Fatal> {
    let Some(token) = config.double_puppet.as_token(&config.homeserver.domain) else { return Ok(None) };
    let path = beside(first);
    let name = path.display();
    let differs = |why: String| {
        let fix = "delete it and run `matrix-webqq -g`, then restart the homeserver, or mend double_puppet.secrets";
        Fatal::new(Exit::RegistrationDiffers, format!("{name} does not fit double_puppet.secrets: {why}; {fix}"))
    };
    let yaml = match std::fs::read_to_string(&path) {
        Ok(yaml) => yaml,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(differs(format!("it cannot be read ({why})"))),
    };
    let second = Registration::from_yaml(&yaml).map_err(|why| differs(why.to_string()))?;
    match second.unfit_for_everybody(&config.homeserver, &token) {
        None => Ok(Some(path)),
        Some(why) => Err(differs(why.to_owned())),
    }
}
