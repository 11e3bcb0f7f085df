//! Seals secrets before they go to disk, with a key that lies in a file of its own.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::Secret;

/// How what is sealed begins; what begins otherwise was never sealed.
const MARK: &str = "sealed:1:";
const NONCE_BYTES: usize = 24;

/// A key, or none: then secrets go to disk as they are.
#[derive(Clone, Default)]
pub struct Seal(Option<Arc<XChaCha20Poly1305>>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or made.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no key.
    #[error(
        "it holds no key: 64 hexadecimal digits. Remove it, and a new key is made; whoever is logged in logs in again"
    )]
    NoKey,
    /// Others may read it.
    #[error("others may read it: chmod 600")]
    Open,
}

impl Seal {
    /// The key in the file `path`, which is made if there is none.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let mut text = String::new();
        match File::open(path) {
            Ok(mut file) => {
                refuse_open(&file)?;
                file.read_to_string(&mut text)?;
            }
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                text = hex::encode(rand::random::<[u8; 32]>());
                let mut options = File::options();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
            }
            Err(why) => return Err(why.into()),
        }
        let key = hex::decode(text.trim()).map_err(|_| Error::NoKey)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| Error::NoKey)?;
        Ok(Self(Some(Arc::new(cipher))))
    }

    /// What goes to disk for `secret`, which belongs to `owner` and opens for nobody else.
    #[must_use]
    pub fn seal(&self, owner: &str, secret: &Secret) -> Secret {
        let Some(cipher) = &self.0 else { return secret.clone() };
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret.expose().as_bytes(), aad: owner.as_bytes() };
        // It fails beyond 256 GiB; an empty text opens as "log in again".
        let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        Secret::new([MARK, &STANDARD.encode([nonce.as_slice(), &sealed].concat())].concat())
    }

    /// What [`Seal::seal`] was given, or what was kept before there was a key; `None` when this key does not open it.
    #[must_use]
    pub fn open(&self, owner: &str, kept: &Secret) -> Option<Secret> {
        let Some(sealed) = kept.expose().strip_prefix(MARK) else { return Some(kept.clone()) };
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        let text = self.0.as_ref()?.decrypt(XNonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(text).ok().map(Secret::new)
    }
}

#[cfg(unix)]
fn refuse_open(file: &File) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    if matches!(file.metadata()?.permissions().mode() & 0o077, 0) { Ok(()) } else { Err(Error::Open) }
}

#[cfg(not(unix))]
fn refuse_open(_: &File) -> Result<(), Error> {
    Ok(())
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a key" } else { "no key" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_for_the_same_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| Seal::from_file(&folder.path().join(name)).unwrap();
        let secret = Secret::new("ptwebqq");
        let sealed = key("a").seal("10001", &secret);
        assert!(!sealed.expose().contains("ptwebqq"));
        assert_ne!(sealed, key("a").seal("10001", &secret), "never the same twice");
        assert_eq!(key("a").open("10001", &sealed), Some(secret.clone()), "the key was kept");
        for (seal, owner) in [(key("a"), "10002"), (key("b"), "10001"), (Seal::default(), "10001")] {
            assert_eq!(seal.open(owner, &sealed), None);
        }
        for spoilt in [MARK.to_owned(), format!("{MARK}AAAA"), sealed.expose().replacen(MARK, "sealed:1:AA", 1)] {
            assert_eq!(key("a").open("10001", &Secret::new(spoilt)), None);
        }
        let plain = Seal::default().seal("10001", &secret);
        assert_eq!((&plain, key("a").open("10001", &plain)), (&secret, Some(secret.clone())), "from before the key");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_alone_and_has_to_hold_a_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Seal::from_file(&path).unwrap();
        let mut rights = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(rights.mode() & 0o777, 0o600);
        std::fs::write(&path, "too short").unwrap();
        assert!(matches!(Seal::from_file(&path), Err(Error::NoKey)));
        rights.set_mode(0o640);
        std::fs::set_permissions(&path, rights).unwrap();
        assert!(matches!(Seal::from_file(&path), Err(Error::Open)));
        assert!(matches!(Seal::from_file(&folder.path().join("no/folder")), Err(Error::Io(_))));
    }
}
