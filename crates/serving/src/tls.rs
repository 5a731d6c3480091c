//! TLS (1.2 and 1.3) by rustls and AWS-LC, and who may connect where client certificates are asked
//! for.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::{danger::HandshakeSignatureValid, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, DnsName, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
    server::{
        ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    time_provider::{DefaultTimeProvider, TimeProvider},
    version::TLS13,
};

use crate::tickets::Tickets;

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
    /// And it must be valid for one of these DNS names (subject alternative names).
    pub client_names: AcceptedNames,
}

/// The names of clients that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedNames {
    /// Whatever the authority has signed.
    Any,
    /// This one.
    Name(String),
    /// Those in a file, one a line: with it a certificate can be revoked, and its next generation
    /// accepted.
    Listed(PathBuf),
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
    /// A file of names that cannot be used.
    #[error("{}: {fault}", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: NamesError,
    },
    /// A required name that is none.
    #[error("the required client name: {0}")]
    Name(#[from] InvalidDnsNameError),
}

/// What is wrong with a file of names.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A line that is not a DNS name.
    #[error("line {line} is not a DNS name")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// No name, so that nobody could connect.
    #[error("it holds no name")]
    Empty,
}

/// Reads the files and makes an acceptor. Where certificates are asked for, TLS 1.3 alone is
/// spoken, and sessions can be resumed. Anybody else gets no ticket, so that nothing links their
/// connections.
///
/// # Errors
/// If a file is missing or unfit.
pub fn acceptor(files: &TlsFiles) -> Result<Acceptor, TlsError> {
    acceptor_at(files, Arc::new(DefaultTimeProvider))
}

/// The same with a clock.
fn acceptor_at(files: &TlsFiles, time: Arc<dyn TimeProvider>) -> Result<Acceptor, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|fault| unreadable(&files.key, fault))?;
    let tickets = Arc::new(Tickets::new(time.clone()));
    let verifier = verifier(files, &provider, &tickets)?;
    let builder = ServerConfig::builder_with_details(provider, time);
    let builder = match &verifier {
        Some(_) => builder.with_protocol_versions(&[&TLS13]),
        None => builder.with_safe_default_protocol_versions(),
    };
    let builder = builder.map_err(TlsError::Certificate)?;
    let (builder, tickets) = match verifier {
        Some(verifier) => (builder.with_client_cert_verifier(verifier), Some(tickets)),
        None => (builder.with_no_client_auth(), None),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(match tickets {
        Some(tickets) => Acceptor::with_tickets(config, tickets),
        None => Acceptor::new(config),
    })
}

/// All faults of the files, so that an operator can correct them at once.
pub fn check(files: &TlsFiles) -> Vec<TlsError> {
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|fault| unreadable(&files.key, fault));
    let authority = files.client_ca.as_deref().map(certificates).transpose();
    let faults = [certificates(&files.cert).err(), key.err(), authority.err()];
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    // Only files that can be read can be compared with each other.
    if faults.is_empty() { acceptor(files).err().into_iter().collect() } else { faults }
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
    provider: &Arc<CryptoProvider>,
    tickets: &Arc<Tickets>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let Some(path) = &files.client_ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(|fault| TlsError::Authority { path: path.to_owned(), fault })?;
    }
    let any = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
    let names = match &files.client_names {
        AcceptedNames::Any => None,
        AcceptedNames::Name(name) => Some(vec![ServerName::try_from(name.clone())?]),
        AcceptedNames::Listed(path) => {
            Some(listed(path).map_err(|fault| TlsError::Names { path: path.to_owned(), fault })?)
        }
    };
    Ok(Some(Arc::new(KnownClient { any, names, tickets: tickets.clone() })))
}

/// The names of a file. Empty lines are none.
fn listed(path: &Path) -> Result<Vec<ServerName<'static>>, NamesError> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, name)| !name.is_empty());
    let name = |(index, name): (usize, &str)| match DnsName::try_from(name.to_owned()) {
        Ok(name) => Ok(ServerName::DnsName(name)),
        Err(_) => Err(NamesError::Line { line: index + 1 }),
    };
    let names: Vec<_> = lines.map(name).collect::<Result<_, _>>()?;
    if names.is_empty() { Err(NamesError::Empty) } else { Ok(names) }
}

/// Accepts what `any` accepts, if it is also valid for one of `names` (DNS names among the subject
/// alternative names), where these count.
struct KnownClient {
    any: Arc<dyn ClientCertVerifier>,
    names: Option<Vec<ServerName<'static>>>,
    /// Are told until when they may be resumed.
    tickets: Arc<Tickets>,
}

impl fmt::Debug for KnownClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownClient").field("names", &self.names).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for KnownClient {
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
        if let Some(names) = &self.names {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let accepted = names.iter().any(|name| verify_server_name(&certificate, name).is_ok());
            if !accepted {
                // Which name would have done is nothing to tell a stranger.
                return Err(rustls::Error::InvalidCertificate(
                    CertificateError::ApplicationVerificationFailure,
                ));
            }
        }
        self.tickets.let_in([end_entity].into_iter().chain(intermediates), now.as_secs());
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
