//! `-e`: writes the example configuration.

use std::io::ErrorKind;
use std::path::Path;

use super::{Exit, Fatal, file, say};
use crate::config;

/// Writes it to `path`, where nothing may be yet; `-` is standard output.
pub(super) fn write(path: &Path) -> Result<(), Fatal> {
    if path == Path::new("-") {
        return say(config::EXAMPLE);
    }
    let name = path.display();
    file::create(path, config::EXAMPLE).map_err(|why| match why.kind() {
        ErrorKind::AlreadyExists => {
            Fatal::new(Exit::ConfigUnwritable, format!("{name} exists; delete it or write to another path with -c"))
        }
        _ => Fatal::new(Exit::ConfigUnwritable, format!("cannot write {name}: {why}")),
    })?;
    say(&format!("{name} is written. Change what is marked with (!), then run `matrix-webqq -g -c {name}`."))
}
