//! Who vouches for a key: the gateway that made it, with its bus certificate.
//!
//! Without certificates, on loopback, nobody vouches for anything, and everybody there is believed.

use std::{collections::BTreeSet, sync::Arc};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use rustls::{
    SignatureScheme,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs::default_provider},
    pki_types::{CertificateDer, UnixTime},
};
use schemas::{
    NodeId, Service, UnixMillis,
    announcement::{Announcement, Proof},
    limits,
};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::{parse_x509_certificate, x509::AttributeTypeAndValue};

use crate::{
    generations::{Generation, Generations},
    nats::Credentials,
};

/// How a node may sign with the key of its certificate, the best first. TLS 1.3 has no others
/// (RFC 8446, section 4.2.3).
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

/// Why what a gateway is to have said of a key is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Whoever announced it does not have the private key.
    #[error("the announcement is not signed with the key that it announces")]
    Possession,
    /// Everybody here has a certificate.
    #[error("no certificate vouches for the key")]
    Unsigned,
    /// Not of our authority, or not valid now.
    #[error("the certificate is not of the bus authority, or not valid now")]
    Certificate,
    /// It is somebody else's, or that of another role.
    #[error("the certificate is not that of the gateway that is to have said so")]
    Name,
    /// It was not signed with the certificate's key.
    #[error("the signature is not the certificate's")]
    Signature,
    /// A certificate of a later generation was seen: this one was revoked.
    #[error("the certificate was revoked")]
    Revoked,
    /// It was not looked at: whoever says it has said too much.
    #[error("too many announcements of this node have been checked")]
    TooMany,
}

/// A node's certificate for the bus, and the authority whose certificates it believes.
pub(crate) struct Identity {
    credentials: Arc<Credentials>,
    generations: Generations,
}

impl Identity {
    /// `None` without a certificate, or an authority by which to judge others.
    pub(crate) fn of(credentials: &Arc<Credentials>) -> Option<Self> {
        let generations = Generations::default();
        credentials.used().vouches().then(|| Self { credentials: credentials.clone(), generations })
    }

    /// Reads the files again, which may have been renewed. What is unfit is not taken.
    pub(crate) fn renew(&self) {
        self.credentials.renew_or_keep();
    }

    /// Signs a statement with the certificate's key. `None` if the key can do none of [`SCHEMES`].
    pub(crate) fn vouch(&self, statement: &[u8]) -> Option<Proof> {
        let own = self.credentials.used().own.clone()?;
        let signer = own.key.choose_scheme(&SCHEMES)?;
        let signature = signer.sign(statement).ok()?;
        // Of itself nobody needs to tell it.
        if let Some(certificate) = own.cert.first() {
            for name in names_of(certificate) {
                self.generations.admit(&name, generation_of(certificate));
            }
        }
        let chain = own.cert.iter().take(limits::PROOF_CERTIFICATES).map(|it| it.to_vec().into()).collect();
        Some(Proof { chain, scheme: u16::from(signer.scheme()), signature: signature.into() })
    }

    /// Vouches for a statement again, if its proof is not of the certificate that this node has
    /// now.
    pub(crate) fn vouch_again(&self, statement: &[u8], proof: Option<&Proof>) -> Option<Proof> {
        let own = self.credentials.used().own.clone()?;
        let shown = proof.and_then(|proof| proof.chain.first()).map(|cert| cert.as_slice());
        let is_current = shown.is_some() && shown == own.cert.first().map(|cert| cert.as_ref());
        if is_current { None } else { self.vouch(statement) }
    }

    /// The gateways of which a certificate of a later generation was seen since this was asked
    /// last.
    pub(crate) fn take_renewed(&self) -> BTreeSet<NodeId> {
        self.generations.take_raised()
    }

    /// Whether the certificate of a proof, which was believed once, was revoked since.
    pub(crate) fn is_revoked(&self, node: &NodeId, proof: Option<&Proof>) -> bool {
        let own = proof.and_then(|proof| proof.chain.first());
        own.is_some_and(|own| self.generations.is_over(node, generation_of(own)))
    }

    /// Whether the gateway `node` vouches for a statement. A proof that is too long is not looked
    /// at.
    pub(crate) fn check(
        &self,
        node: &NodeId,
        statement: &[u8],
        proof: Option<&Proof>,
        now: UnixMillis,
    ) -> Result<(), Doubt> {
        let proof = proof.ok_or(Doubt::Unsigned)?;
        if !proof.is_of_size() {
            return Err(Doubt::Certificate);
        }
        let used = self.credentials.used();
        let chain: Vec<_> = proof.chain.iter().map(|cert| CertificateDer::from_slice(cert)).collect();
        let (own, intermediates) = chain.split_first().ok_or(Doubt::Certificate)?;
        let certificate = EndEntityCert::try_from(own).map_err(|_| Doubt::Certificate)?;
        let algorithms = algorithms();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_millis(now.0));
        certificate
            .verify_for_usage(
                algorithms.all,
                &used.roots.roots,
                intermediates,
                time,
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(|_| Doubt::Certificate)?;
        if !is_of_gateway(&certificate, own, node) {
            return Err(Doubt::Name);
        }
        let scheme = SignatureScheme::from(proof.scheme);
        let usable =
            algorithms.mapping.iter().filter(|(known, _)| *known == scheme && SCHEMES.contains(known));
        let mut usable = usable.flat_map(|(_, algorithms)| algorithms.iter());
        let is_signed =
            usable.any(|it| certificate.verify_signature(*it, statement, &proof.signature).is_ok());
        if !is_signed {
            return Err(Doubt::Signature);
        }
        // Last: nobody without the key of a valid certificate may begin a generation.
        if self.generations.admit(node, generation_of(own)) { Ok(()) } else { Err(Doubt::Revoked) }
    }
}

/// Whether whoever announced a key has it. What is too long is not looked at.
pub(crate) fn possesses(announcement: &Announcement) -> Result<(), Doubt> {
    if !announcement.is_of_size() {
        return Err(Doubt::Certificate);
    }
    let key = UnparsedPublicKey::new(&ED25519, announcement.public);
    key.verify(&announcement.statement(), &announcement.possession).map_err(|_| Doubt::Possession)
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    default_provider().signature_verification_algorithms
}

/// Whether a certificate is that of the gateway `node`. If it says what role it is for (as an
/// organizational unit), that must be a gateway.
fn is_of_gateway(certificate: &EndEntityCert<'_>, der: &CertificateDer<'_>, node: &NodeId) -> bool {
    let Ok((_, parsed)) = parse_x509_certificate(der) else { return false };
    let subject = parsed.subject();
    let units = subject.iter_organizational_unit().filter_map(text);
    let mut roles = units.filter_map(Service::from_word).peekable();
    let is_gateway = roles.peek().is_none() || roles.any(|role| role == Service::Gateway);
    let mut names = subject.iter_common_name().filter_map(text).chain(certificate.valid_dns_names());
    is_gateway && names.any(|name| name == node.as_str())
}

/// The generation of a certificate: an organizational unit, besides that of the role.
fn generation_of(der: &[u8]) -> Generation {
    let Ok((_, parsed)) = parse_x509_certificate(der) else { return Generation::default() };
    let mut units = parsed.subject().iter_organizational_unit().filter_map(text);
    units.find_map(|unit| unit.parse().ok()).map(Generation).unwrap_or_default()
}

fn text<'a>(attribute: &'a AttributeTypeAndValue<'_>) -> Option<&'a str> {
    attribute.as_str().ok()
}

/// The node that a certificate file is for: its common name or one of its DNS names, if that can be
/// a node's id.
pub(crate) fn names_of(certificate: &CertificateDer<'_>) -> Vec<NodeId> {
    let common = parse_x509_certificate(certificate).ok().map(|(_, parsed)| {
        let names = parsed.subject().iter_common_name().filter_map(text);
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    let alternative = EndEntityCert::try_from(certificate)
        .ok()
        .map(|certificate| certificate.valid_dns_names().map(str::to_owned).collect::<Vec<_>>());
    let names = common.into_iter().flatten().chain(alternative.into_iter().flatten());
    names.filter_map(|name| name.parse().ok()).collect()
}
