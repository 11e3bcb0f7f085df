//! The test authority: key and certificate in a folder, made once, and a certificate for each host that is asked for.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// What clients have to trust.
const CERTIFICATE_FILE: &str = "ca.pem";
/// Whoever has it can pretend to be QQ to those who trust the certificate, and nobody else: see [`identity`].
const KEY_FILE: &str = "ca-key.pem";
const KEY_MODE: u32 = 0o600;
/// More hosts than WebQQ ever had; beyond it certificates are made anew.
const MOST_HOSTS: usize = 64;
const A_DAY: Duration = Duration::from_hours(24);
/// What browsers accept at most.
const LEAF_LIFE: Duration = Duration::from_hours(24 * 397);

/// Vouches for the hosts of QQ, towards those who trust its certificate.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// All hosts have this one.
    host_key: KeyPair,
    by_host: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// Reads the authority in `folder`; makes one where there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        fs::create_dir_all(folder).map_err(file(folder))?;
        let (key_path, certificate_path) = (folder.join(KEY_FILE), folder.join(CERTIFICATE_FILE));
        let (key, is_new) = match fs::read_to_string(&key_path) {
            Ok(pem) => {
                (KeyPair::from_pem(&pem).map_err(|source| AuthorityError::Key { path: key_path, source })?, false)
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => (make_key(&key_path)?, true),
            Err(why) => return Err(file(&key_path)(why)),
        };
        if is_new || !certificate_path.exists() {
            let certificate = identity().self_signed(&key)?;
            fs::write(&certificate_path, certificate.pem()).map_err(file(&certificate_path))?;
        }
        let issuer = Issuer::new(identity(), key);
        Ok(Self { issuer, host_key: KeyPair::generate()?, by_host: Mutex::default() })
    }

    /// What a TLS server needs that is `host`, from `now_ms` on for a year.
    pub(super) fn server_for(&self, host: &str, now_ms: i64) -> Result<Arc<ServerConfig>, AuthorityError> {
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_host.get(host) {
            return Ok(known.clone());
        }
        if by_host.len() >= MOST_HOSTS {
            by_host.clear();
        }
        let made = Arc::new(self.make_server(host, now_ms)?);
        by_host.insert(host.to_owned(), made.clone());
        Ok(made)
    }

    fn make_server(&self, host: &str, now_ms: i64) -> Result<ServerConfig, AuthorityError> {
        let mut leaf = CertificateParams::new([host.to_owned()])?;
        leaf.distinguished_name = named(host);
        let now = date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
        (leaf.not_before, leaf.not_after) = (now - A_DAY, now + LEAF_LIFE - A_DAY);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let certificate = leaf.signed_by(&self.host_key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(self.host_key.serialize_der().into());
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut server = builder.with_single_cert(vec![certificate.der().clone()], key)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(server)
    }
}

/// Who the authority says that it is: the same at every start, so that the certificate on disk stays true.
///
/// It may vouch for hosts of qq.com only, and for no address: one who trusts it risks nothing but pretend QQs.
fn identity() -> CertificateParams {
    let mut identity = CertificateParams::default();
    identity.distinguished_name = named("webqq-sim test authority");
    identity.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    identity.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    identity.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("qq.com".to_owned())],
        excluded_subtrees: [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()]
            .map(|every| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(every, 0)))
            .to_vec(),
    });
    (identity.not_before, identity.not_after) = (date_time_ymd(2011, 1, 1), date_time_ymd(2049, 12, 31));
    identity
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Makes the key, in a file that only its owner can read from the first byte on.
fn make_key(path: &Path) -> Result<KeyPair, AuthorityError> {
    let key = KeyPair::generate()?;
    let made = OpenOptions::new().write(true).create_new(true).mode(KEY_MODE).open(path);
    made.and_then(|mut made| made.write_all(key.serialize_pem().as_bytes())).map_err(file(path))?;
    Ok(key)
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> AuthorityError {
    let path = path.to_owned();
    |source| AuthorityError::File { path, source }
}

/// Why there is no test authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder or a file in it cannot be read or written.
    #[error("the test authority's {path} cannot be read or written")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there but holds no key.
    #[error("{path} is not the key of a test authority; remove it, and another one is made")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rcgen::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// A certificate cannot be used.
    #[error("a certificate cannot be used")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let ca_dir = folder.path().join("made/with/its/parents");
        let read = || (fs::read(ca_dir.join(KEY_FILE)).unwrap(), fs::read(ca_dir.join(CERTIFICATE_FILE)).unwrap());
        Authority::open(&ca_dir).unwrap();
        let first = read();
        assert_eq!(fs::metadata(ca_dir.join(KEY_FILE)).unwrap().permissions().mode() & 0o777, KEY_MODE);
        Authority::open(&ca_dir).unwrap();
        assert_eq!(read(), first);
        fs::remove_file(ca_dir.join(KEY_FILE)).unwrap();
        Authority::open(&ca_dir).unwrap();
        assert!(read().0 != first.0 && read().1 != first.1, "a new key has a new certificate");
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), "mine").unwrap();
        let why = Authority::open(folder.path()).err().unwrap().to_string();
        assert!(why.contains(KEY_FILE), "{why}");
        assert_eq!(fs::read_to_string(folder.path().join(KEY_FILE)).unwrap(), "mine");
    }

    #[test]
    fn a_host_keeps_its_certificate_and_no_client_can_make_them_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path()).unwrap();
        let first = authority.server_for("w.qq.com", 0).unwrap();
        assert!(Arc::ptr_eq(&first, &authority.server_for("w.qq.com", 0).unwrap()));
        for n in 0..2 * MOST_HOSTS {
            authority.server_for(&format!("h{n}.qq.com"), 0).unwrap();
        }
        assert!(authority.by_host.lock().unwrap().len() <= MOST_HOSTS);
    }
}
