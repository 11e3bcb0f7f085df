//! Writes files that hold secrets: only their owner may read them, and they are never half written.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Read and written by the owner alone.
const PRIVATE: u32 = 0o600;

/// What there is to say about `path`, which holds secrets, when people can read or change it who are neither its owner nor
/// of its group.
pub(super) fn complaint(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    let name = path.display();
    (mode & 0o006 != 0)
        .then(|| format!("{name} holds tokens, and anybody on this machine can open it: chmod 600 {name}"))
}

/// Makes `path` with `text`; fails with [`io::ErrorKind::AlreadyExists`] when there is something already.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // An empty file would stand in the way of the next try.
        fs::remove_file(path)?;
    }
    written
}

/// Puts `text` in the place of what `path` holds, or makes it: a reader sees the old text or the new one. A file that
/// was there keeps its owner and mode, and a link stays a link.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok();
    let draft = beside(&target);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PRIVATE)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            old.map_or(Ok(()), |old| take_over(&file, &old))?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, &target));
    if written.is_err() {
        // Nothing is lost when this fails too: it is our own draft.
        let _ = fs::remove_file(&draft);
        return written;
    }
    // The rename itself is on disk only when its directory is.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

/// Gives `file` the owner and the mode of the file that it replaces: root may be preparing it for somebody else.
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o777))
}

/// A name next to `path`, on the same file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_that_anybody_can_read_or_change_is_complained_about_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        assert_eq!(complaint(&path), None, "there is none");
        fs::write(&path, "as_token: x").unwrap();
        for (mode, is_open) in [(0o600, false), (0o640, false), (0o644, true), (0o606, true), (0o602, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let expected = is_open.then(|| format!("chmod 600 {}", path.display()));
            let said = complaint(&path);
            assert_eq!(said.as_ref().and_then(|said| said.split(": ").last()), expected.as_deref(), "{mode:o}");
        }
    }

    #[test]
    fn a_new_file_is_private_and_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        create(&path, "one").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(create(&path, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, "two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left behind");
    }

    #[test]
    fn replacing_nothing_makes_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, "one").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("one", 0o600));
    }
}
