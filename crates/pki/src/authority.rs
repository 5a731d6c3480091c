//! The five authorities, and the list of what one of them has revoked.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::{
    files::{Directory, FileError, Secrecy},
    leaf::{self, Parsed},
    plan::{AUTHORITIES, Revoked},
};

/// How long an authority is valid. A new one has to be brought to every machine, so it is seldom
/// made.
const YEARS: i64 = 10;

/// How far the clocks of two machines may be apart when a certificate is first used.
pub(crate) const CLOCK_SKEW: Duration = Duration::hours(1);

/// Who signs. Each is for one kind of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// NATS servers, and nodes and operators as their clients.
    Bus,
    /// NATS servers among themselves. Apart from `Bus`: a client never opens a route.
    Route,
    /// Gateways, and proxies as their clients.
    Edge,
    /// Health and metrics, and who may read them.
    Operations,
    /// What browsers see, until a public authority's certificate replaces it.
    Public,
}

impl Authority {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bus, Self::Route, Self::Edge, Self::Operations, Self::Public];

    /// Its name, and that of its files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Route => "route",
            Self::Edge => "edge",
            Self::Operations => "operations",
            Self::Public => "public",
        }
    }

    pub(crate) fn certificate_file(self) -> String {
        format!("{AUTHORITIES}/{}.pem", self.word())
    }

    fn key_file(self) -> String {
        format!("{AUTHORITIES}/{}.key", self.word())
    }

    fn crl_file(self) -> String {
        format!("{AUTHORITIES}/{}.crl", self.word())
    }
}

/// An authority that can sign.
pub(crate) struct Signer {
    pub(crate) authority: Authority,
    /// Its certificate.
    pub(crate) pem: String,
    pub(crate) parsed: Parsed,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

/// Why an authority cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of the two files is missing.
    #[error(
        "{present} is there and {missing} is not: bring it back, or remove both to make a new authority (and \
         then all certificates that it signs)"
    )]
    Half {
        /// The file that is there.
        present: String,
        /// The file that is not.
        missing: String,
    },
    /// A file that does not hold what it should, or a certificate of another key.
    #[error("{0} is not the certificate of the key beside it")]
    Unusable(String),
    /// An authority that is not valid any more.
    #[error("{0} has expired: remove it and its key to make a new authority")]
    Expired(String),
    /// Something could not be signed.
    #[error("cannot sign")]
    Sign(#[from] rcgen::Error),
}

impl Signer {
    /// The authority of this directory, which is made if it is not there.
    pub(crate) fn open(
        dir: &Directory,
        authority: Authority,
        now: OffsetDateTime,
    ) -> Result<Self, AuthorityError> {
        let (certificate, key) = (authority.certificate_file(), authority.key_file());
        match (dir.read(&certificate)?, dir.read(&key)?) {
            (Some(pem), Some(secret)) => Self::of_files(authority, pem, &Zeroizing::new(secret), now),
            (None, None) => Self::make(dir, authority, now),
            (Some(_), None) => Err(AuthorityError::Half { present: certificate, missing: key }),
            (None, Some(_)) => Err(AuthorityError::Half { present: key, missing: certificate }),
        }
    }

    fn of_files(
        authority: Authority,
        pem: String,
        secret: &str,
        now: OffsetDateTime,
    ) -> Result<Self, AuthorityError> {
        let unusable = || AuthorityError::Unusable(authority.certificate_file());
        let key = KeyPair::from_pem(secret).map_err(|_| unusable())?;
        let parsed = leaf::parse(&pem).ok_or_else(unusable)?;
        if !parsed.belongs_to(&key) {
            return Err(unusable());
        }
        if parsed.not_after <= now {
            return Err(AuthorityError::Expired(authority.certificate_file()));
        }
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(|_| unusable())?;
        Ok(Self { authority, pem, parsed, issuer })
    }

    /// Makes the authority anew, over one that there was.
    pub(crate) fn make(
        dir: &Directory,
        authority: Authority,
        now: OffsetDateTime,
    ) -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        // With a number, because a new authority of the same name must not be taken for the old.
        let unit = now.unix_timestamp().to_string();
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
        params.distinguished_name.push(DnType::CommonName, format!("cipher-chat {}", authority.word()));
        params.not_before = whole_seconds(now - CLOCK_SKEW);
        params.not_after = whole_seconds(now + Duration::days(365 * YEARS));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let made = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let (pem, secret) = (made.pem(), Zeroizing::new(made.key().serialize_pem()));
        // The key first: a key without a certificate is noticed by the next run.
        dir.write(&authority.key_file(), secret.as_bytes(), Secrecy::Secret)?;
        dir.write(&authority.certificate_file(), pem.as_bytes(), Secrecy::Public)?;
        Self::of_files(authority, pem, &secret, now)
    }

    /// The list of the certificates that this authority has revoked. It is signed again only if
    /// something was added, so that a run without changes changes nothing.
    pub(crate) fn revocation_list(
        &self,
        dir: &Directory,
        revoked: &[Revoked],
        now: OffsetDateTime,
    ) -> Result<String, AuthorityError> {
        let of_this = || revoked.iter().filter(|revoked| revoked.authority == self.authority);
        let file = self.authority.crl_file();
        if let Some(found) = dir.read(&file)?
            && self.parsed.has_signed_list_of(&found, of_this())
        {
            return Ok(found);
        }
        let revoked_certs = of_this().filter_map(|revoked| {
            Some(RevokedCertParams {
                serial_number: SerialNumber::from(leaf::bytes(&revoked.serial)?),
                revocation_time: OffsetDateTime::from_unix_timestamp(revoked.at).ok()?,
                reason_code: Some(RevocationReason::Superseded),
                invalidity_date: None,
            })
        });
        let list = CertificateRevocationListParams {
            this_update: whole_seconds(now - CLOCK_SKEW),
            // As long as the authority: who has no new list must not stop believing the gateways.
            next_update: self.parsed.not_after,
            crl_number: SerialNumber::from(now.unix_timestamp().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer)?.pem()?;
        dir.write(&file, pem.as_bytes(), Secrecy::Public)?;
        Ok(pem)
    }
}

/// Certificates count in seconds.
pub(crate) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}
