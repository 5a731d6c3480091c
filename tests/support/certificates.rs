//! Two authorities, `ours` and `theirs`, and their certificates, as files.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use super::unique;

/// A directory of PEM files: `<authority>.pem`, and `<authority>-<name>.pem` and `.key`. Removed
/// when the test ends.
pub(crate) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes a certificate of each authority for each name.
    pub(crate) fn for_names(names: &[&str]) -> Self {
        let dir = env::temp_dir().join(unique("certificates"));
        fs::create_dir_all(&dir).unwrap();
        let certificates = Self { dir };
        for authority in ["ours", "theirs"] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, authority);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            fs::write(certificates.file(&format!("{authority}.pem")), issuer.pem()).unwrap();
            for name in names {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(vec![(*name).into()]).unwrap();
                let signed = params.signed_by(&key, &issuer).unwrap();
                fs::write(certificates.file(&format!("{authority}-{name}.pem")), signed.pem()).unwrap();
                fs::write(certificates.file(&format!("{authority}-{name}.key")), key.serialize_pem())
                    .unwrap();
            }
        }
        certificates
    }

    /// A certificate that has ended, which signs itself: `ended.pem` and `ended.key`.
    pub(crate) fn add_ended(&self) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["ended".into()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        fs::write(self.file("ended.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(self.file("ended.key"), key.serialize_pem()).unwrap();
    }

    /// The path of a file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The path as an option's value.
    pub(crate) fn text(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// A client that trusts our authority and presents a certificate, or none.
    pub(crate) fn client(&self, shown: Option<&str>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.file("ours.pem"))).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(self.file(&format!("{name}.key"))).unwrap();
                let chain = vec![certificate(&self.file(&format!("{name}.pem")))];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
