//! A log file that is put aside when it has grown large enough, of which so many are kept.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that is written to at its end. Full, it becomes `<path>.1`, that one `<path>.2`, and so on.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    most_bytes: u64,
    keep: u32,
}

impl LogFile {
    /// Goes on where `path` ends, or begins it, for its owner alone. It grows to `most_bytes`; `keep` older ones stay.
    pub fn open(path: &Path, most_bytes: u64, keep: u32) -> io::Result<Self> {
        let file = append_to(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, most_bytes, keep })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        for age in (1..self.keep).rev() {
            match fs::rename(self.aged(age), self.aged(age + 1)) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
        }
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        } else {
            fs::rename(&self.path, self.aged(1))?;
        }
        self.file = append_to(&self.path)?;
        self.bytes = 0;
        Ok(())
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.most_bytes {
            // A file that is too large is better than a line that is nowhere.
            let _ = self.turn_over();
        }
        let written = self.file.write(line)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn said(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_full_file_is_put_aside_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.log");
        let mut log = LogFile::open(&path, 8, 2).unwrap();
        for n in 0..10 {
            log.write_all(format!("l{n}\n").as_bytes()).unwrap();
        }
        let aged = |age: &str| said(&folder.path().join(format!("bridge.log{age}")));
        assert_eq!((aged(""), aged(".1"), aged(".2")), ("l8\nl9\n".into(), "l6\nl7\n".into(), "l4\nl5\n".into()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(log);
        let mut log = LogFile::open(&path, 8, 2).unwrap();
        log.write_all(b"again, and far too long\n").unwrap();
        assert_eq!((aged(""), aged(".1")), ("again, and far too long\n".into(), "l8\nl9\n".into()));
    }

    #[test]
    fn without_older_ones_a_full_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.log");
        let mut log = LogFile::open(&path, 4, 0).unwrap();
        for line in ["one\n", "two\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!((said(&path).as_str(), fs::read_dir(folder.path()).unwrap().count()), ("two\n", 1));
    }
}
