//! The files that `cipher-chat pki` makes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::support::unique;

/// A directory that `cipher-chat pki` has filled. Removed when the test ends.
pub(crate) struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// For these gateways, two pairing and two janitor nodes, and three NATS servers, all on
    /// loopback.
    pub(crate) fn with_gateways(gateways: &[&str]) -> Self {
        let pki = Self { dir: env::temp_dir().join(unique("pki")) };
        let on_loopback = |name: &str| format!("{name}=127.0.0.1+localhost");
        let list = |names: &[&str]| names.iter().map(|name| on_loopback(name)).collect::<Vec<_>>().join(",");
        pki.run(&[
            ("--gateways", &list(gateways)),
            ("--pairing", &list(&["pairing-1", "pairing-2"])),
            ("--janitors", &list(&["janitor-1", "janitor-2"])),
            ("--nats", &list(&["nats-1", "nats-2", "nats-3"])),
            ("--host", "localhost,127.0.0.1"),
        ]);
        pki
    }

    /// Runs it with more options.
    pub(crate) fn run(&self, options: &[(&str, &str)]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
        command.arg("pki").arg(&self.dir);
        for (option, value) in options {
            command.arg(option).args((!value.is_empty()).then_some(value));
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The path of a file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The path as an option's value.
    pub(crate) fn text(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// All certificates of members, such as `gateway-1/bus`.
    pub(crate) fn leaves(&self) -> Vec<String> {
        let mut leaves = Vec::new();
        for member in fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap()) {
            let name = member.file_name().into_string().unwrap();
            if name == "authorities" || !member.path().is_dir() {
                continue;
            }
            for file in fs::read_dir(member.path()).unwrap().map(|entry| entry.unwrap().path()) {
                let stem = file.file_stem().unwrap().to_str().unwrap();
                if file.extension().is_some_and(|extension| extension == "pem") && !stem.ends_with("-ca") {
                    leaves.push(format!("{name}/{stem}"));
                }
            }
        }
        leaves.sort();
        leaves
    }

    /// A client that believes this authority, and shows this certificate or none.
    pub(crate) fn client(&self, authority: &str, shown: Option<&str>) -> TlsConnector {
        let identity = shown.map(|shown| {
            let key = PrivateKeyDer::from_pem_file(self.file(&format!("{shown}.key"))).unwrap();
            (vec![certificate(&self.file(&format!("{shown}.pem")))], key)
        });
        self.client_with(authority, identity)
    }

    /// The same with a certificate that was read before.
    pub(crate) fn client_with(&self, authority: &str, identity: Option<Identity>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.file(&format!("authorities/{authority}.pem")))).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        };
        TlsConnector::from(Arc::new(config))
    }
}

/// A certificate chain and its key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
