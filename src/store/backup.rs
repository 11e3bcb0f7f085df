//! Copies an SQLite file before it is migrated, so that there is a way back to the version that wrote it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tracing::info;

use super::database::open_private;
use super::error::Error;
use super::tx::{Tx, sql};

/// Copies the database of `tx`, which lies in `file`, to `<file>.before-<first>`: `first` is the first migration that it has
/// not seen. There is one copy for each: what a migration changes is kept whole or not at all, so a copy made again after a
/// crash, or after somebody went back and came again, is as good as the first and newer.
pub(super) async fn copy(tx: &mut Tx, file: &Path, first: usize) -> Result<(), Error> {
    let target = beside(file, &format!(".before-{first:04}"));
    let draft = beside(&target, ".part");
    let failed =
        |why: &dyn std::fmt::Display| Error::NoCopy { path: target.display().to_string(), why: why.to_string() };
    begin(&draft).map_err(|why| failed(&why))?;
    let name = draft.to_str().ok_or_else(|| failed(&"its name is not Unicode"))?;
    tx.change(sql("VACUUM INTO $1").text(name)).await.map_err(|why| failed(&why))?;
    finish(&draft, &target).map_err(|why| failed(&why))?;
    info!(copy = %target.display(), "the database was copied before it is migrated");
    Ok(())
}

/// An empty file that nobody else may read: SQLite fills it, and would make one that others may.
fn begin(draft: &Path) -> io::Result<()> {
    match fs::remove_file(draft) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    open_private(draft).map(drop)
}

/// On disk before it has its name, so that whatever has that name is whole.
fn finish(draft: &Path, target: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, target)?;
    target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
