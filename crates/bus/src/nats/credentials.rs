//! By what both sides of the connection to NATS are authenticated. It is read from files, and read
//! again when they change: what is unfit is not taken, and what was in use stays so. async-nats
//! would read the files itself at each connect, and could not connect while one of them is broken.

use std::{fmt, sync::Arc};

use parking_lot::RwLock;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use schemas::NodeId;

use super::options::{ConnectError, NatsOptions};
use crate::identity::names_of;

/// What a node shows and believes on the bus.
pub(crate) struct Credentials {
    options: NatsOptions,
    node: NodeId,
    used: RwLock<Arc<Loaded>>,
}

/// What was read.
pub(crate) struct Loaded {
    /// The authorities of the bus; none if they are those of the system.
    pub(crate) roots: RootCertStore,
    verifier: Arc<WebPkiServerVerifier>,
    /// This node's certificate and key.
    pub(crate) own: Option<Arc<CertifiedKey>>,
}

impl Loaded {
    /// Reads the files of the options.
    pub(super) fn read(options: &NatsOptions) -> Result<Self, ConnectError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = options.roots()?;
        let believed = if options.ca.is_some() { roots.clone() } else { of_the_system() };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(believed), provider.clone());
        let verifier = verifier.build().map_err(ConnectError::Authorities)?;
        let own = options.identity()?.map(|(chain, key)| CertifiedKey::from_der(chain, key, &provider));
        let own = own.transpose().map_err(ConnectError::Certificate)?.map(Arc::new);
        Ok(Self { roots, verifier, own })
    }

    /// Whether this node vouches for its keys, and judges those of others.
    pub(crate) fn vouches(&self) -> bool {
        self.own.is_some() && !self.roots.is_empty()
    }

    /// The same, if it is fit for this node.
    fn of(self, node: &NodeId) -> Result<Self, ConnectError> {
        let names = self.own.as_ref().and_then(|own| own.cert.first()).map(names_of);
        // Others would not believe it.
        let is_anothers = names.is_some_and(|names| !names.contains(node));
        if self.vouches() && is_anothers { Err(ConnectError::Name { node: node.clone() }) } else { Ok(self) }
    }
}

impl Credentials {
    /// Reads the files; `None` if the options name none.
    pub(super) fn open(options: &NatsOptions, node: &NodeId) -> Result<Option<Arc<Self>>, ConnectError> {
        if !options.has_files() {
            return Ok(None);
        }
        let used = RwLock::new(Arc::new(Loaded::read(options)?.of(node)?));
        Ok(Some(Arc::new(Self { options: options.clone(), node: node.clone(), used })))
    }

    /// Reads the files again, for the next connection and the next key.
    pub(crate) fn renew(&self) -> Result<(), ConnectError> {
        let loaded = Loaded::read(&self.options)?.of(&self.node)?;
        *self.used.write() = Arc::new(loaded);
        Ok(())
    }

    /// Reads the files again, which may have been renewed. What is unfit is not taken.
    pub(crate) fn renew_or_keep(&self) {
        if let Err(fault) = self.renew() {
            tracing::warn!(
                event = "certificate.unreadable",
                %fault,
                "the bus certificate cannot be read again; the old one stays"
            );
        }
    }

    /// What is in use.
    pub(crate) fn used(&self) -> Arc<Loaded> {
        self.used.read().clone()
    }

    /// TLS for async-nats, with what is in use at each connect.
    pub(super) fn client_config(self: &Arc<Self>) -> Result<ClientConfig, ConnectError> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(ConnectError::Certificate)?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_client_cert_resolver(self.clone());
        // A resumed session would go on with the certificate of the one before.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// Of whom the system believes that they are authorities.
fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

impl ServerCertVerifier for Credentials {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = &self.used().verifier;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.used().verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.used().verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.used().verifier.supported_verify_schemes()
    }
}

impl ResolvesClientCert for Credentials {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.used().own.clone()
    }

    fn has_certs(&self) -> bool {
        self.used().own.is_some()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
