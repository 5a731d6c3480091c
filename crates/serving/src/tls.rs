//! TLS (1.2 and 1.3) by rustls and AWS-LC, and who may connect where client certificates are asked
//! for.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::{danger::HandshakeSignatureValid, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
    server::{
        ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

pub use records::Acceptor;

/// Certificate files, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the server's first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Clients must show a certificate of this authority.
    pub client_ca: Option<PathBuf>,
    /// And it must be valid for this DNS name, a subject alternative name.
    pub client_name: Option<String>,
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, or holds no PEM of that kind.
    #[error("{}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: pem::Error,
    },
    /// A certificate that does not fit its key, or none of the supported kinds.
    #[error("the certificate and its key: {0}")]
    Certificate(rustls::Error),
    /// An authority that cannot be one.
    #[error("the client authority {}: {fault}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: rustls::Error,
    },
    /// No authority at all.
    #[error("the client authority: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// A required name that is none.
    #[error("the required client name: {0}")]
    Name(#[from] InvalidDnsNameError),
}

/// Whose certificate is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// One of the authority, and with the required name if there is one: Nginx.
    Named,
    /// Any of the authority: whoever watches the cluster.
    Any,
}

/// Reads the files and makes an acceptor.
///
/// # Errors
/// If a file is missing or unfit.
pub fn acceptor(files: &TlsFiles, clients: Clients) -> Result<Acceptor, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|fault| unreadable(&files.key, fault))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match verifier(files, clients, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Acceptor::new(config))
}

/// All faults of the files, so that an operator can correct them at once.
pub fn check(files: &TlsFiles) -> Vec<TlsError> {
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|fault| unreadable(&files.key, fault));
    let authority = files.client_ca.as_deref().map(certificates).transpose();
    let faults = [certificates(&files.cert).err(), key.err(), authority.err()];
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    // Only files that can be read can be compared with each other.
    if faults.is_empty() { acceptor(files, Clients::Named).err().into_iter().collect() } else { faults }
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|fault| unreadable(path, fault))?.collect();
    match all {
        Ok(all) if all.is_empty() => Err(unreadable(path, pem::Error::NoItemsFound)),
        all => all.map_err(|fault| unreadable(path, fault)),
    }
}

fn unreadable(path: &Path, fault: pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), fault }
}

fn verifier(
    files: &TlsFiles,
    clients: Clients,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let Some(path) = &files.client_ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(|fault| TlsError::Authority { path: path.to_owned(), fault })?;
    }
    let any = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
    match &files.client_name {
        Some(name) if clients == Clients::Named => {
            let name = ServerName::try_from(name.clone())?;
            Ok(Some(Arc::new(NamedClient { any, name })))
        }
        _ => Ok(Some(any)),
    }
}

/// Accepts what `any` accepts, if it is also valid for `name` (a DNS name among the subject
/// alternative names).
struct NamedClient {
    any: Arc<dyn ClientCertVerifier>,
    name: ServerName<'static>,
}

impl fmt::Debug for NamedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedClient").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for NamedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.any.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.any.verify_client_cert(end_entity, intermediates, now)?;
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, &self.name)
            // Which name would have done is nothing to tell a stranger.
            .map_err(|_| {
                rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
            })?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests;
