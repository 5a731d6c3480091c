//! The certificates of members, and what is found in those that are there already.

use std::{collections::BTreeSet, net::IpAddr};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use time::{Duration, OffsetDateTime};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, parse_x509_certificate, parse_x509_crl,
    pem::parse_x509_pem, time::ASN1Time, x509::AttributeTypeAndValue,
};
use zeroize::Zeroizing;

use crate::{
    authority::{AuthorityError, CLOCK_SKEW, Signer, whole_seconds},
    plan::{Member, Revoked},
    service::{LeafPlan, Usage},
};

/// The type of an organizational unit (X.520).
const ORGANIZATIONAL_UNIT: [u64; 4] = [2, 5, 4, 11];

/// A certificate and its key, in PEM form.
pub(crate) struct Leaf {
    pub(crate) certificate: String,
    pub(crate) key: Zeroizing<String>,
}

/// Makes a certificate for this key.
pub(crate) fn issue(
    signer: &Signer,
    member: &Member,
    plan: &LeafPlan,
    key: &KeyPair,
    life: Duration,
    now: OffsetDateTime,
) -> Result<Leaf, AuthorityError> {
    let mut params = CertificateParams::new(plan.names.clone())?;
    params.distinguished_name = DistinguishedName::new();
    // Two organizational units. rcgen keeps one value of each type, so that the first is given by
    // its number.
    params.distinguished_name.push(DnType::CustomDnType(ORGANIZATIONAL_UNIT.into()), member.kind.word());
    params.distinguished_name.push(DnType::OrganizationalUnitName, member.generation.to_string());
    params.distinguished_name.push(DnType::CommonName, member.name.as_str());
    params.not_before = whole_seconds(now - CLOCK_SKEW);
    params.not_after = whole_seconds(now + life).min(signer.parsed.not_after);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = plan.usages.iter().map(|usage| usage.purpose()).collect();
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(key, &signer.issuer)?.pem();
    Ok(Leaf { certificate, key: Zeroizing::new(key.serialize_pem()) })
}

impl Usage {
    const fn purpose(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }
}

/// What this project looks at in a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    der: Vec<u8>,
    public_key: Vec<u8>,
    common_name: String,
    /// The kind of its owner, and the generation.
    units: Vec<String>,
    names: BTreeSet<String>,
    usages: Vec<Usage>,
    pub(crate) serial: String,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

/// Reads the certificate of a PEM file; `None` if there is none, or one that is not of our making.
pub(crate) fn parse(pem: &str) -> Option<Parsed> {
    let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&pem.contents).ok()?;
    let subject = certificate.subject();
    let text = |value: &AttributeTypeAndValue<'_>| value.as_str().unwrap_or_default().to_owned();
    let common_name = subject.iter_common_name().next().map(text).unwrap_or_default();
    let units = subject.iter_organizational_unit().map(text).collect();
    Some(Parsed {
        public_key: certificate.public_key().raw.to_vec(),
        common_name,
        units,
        names: names_of(&certificate)?,
        usages: usages_of(&certificate)?,
        serial: hexadecimal(certificate.raw_serial()),
        not_before: moment(certificate.validity().not_before)?,
        not_after: moment(certificate.validity().not_after)?,
        der: pem.contents.clone(),
    })
}

fn names_of(certificate: &X509Certificate<'_>) -> Option<BTreeSet<String>> {
    let Some(extension) = certificate.subject_alternative_name().ok()? else { return Some(BTreeSet::new()) };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    extension.value.general_names.iter().map(name).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

fn usages_of(certificate: &X509Certificate<'_>) -> Option<Vec<Usage>> {
    let Some(extension) = certificate.extended_key_usage().ok()? else { return Some(Vec::new()) };
    let (server, client) = (extension.value.server_auth, extension.value.client_auth);
    let all = [server.then_some(Usage::Server), client.then_some(Usage::Client)];
    Some(all.into_iter().flatten().collect())
}

fn moment(time: ASN1Time) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(time.timestamp()).ok()
}

impl Parsed {
    pub(crate) fn belongs_to(&self, key: &KeyPair) -> bool {
        self.public_key == key.subject_public_key_info()
    }

    /// Whether it is of the member's generation.
    pub(crate) fn is_of_generation(&self, member: &Member) -> bool {
        self.units.contains(&member.generation.to_string())
    }

    /// Whether it is what the plan asks for, and valid.
    pub(crate) fn is_as_planned(
        &self,
        signer: &Signer,
        member: &Member,
        plan: &LeafPlan,
        now: OffsetDateTime,
    ) -> bool {
        let names: BTreeSet<_> = plan.names.iter().map(|name| canonical(name)).collect();
        self.common_name == member.name
            && self.units == [member.kind.word().to_owned(), member.generation.to_string()]
            && self.names == names
            && self.usages == plan.usages
            && self.not_after > now
            && self.is_signed_by(&signer.parsed)
    }

    fn is_signed_by(&self, authority: &Self) -> bool {
        let (Ok((_, own)), Ok((_, theirs))) =
            (parse_x509_certificate(&self.der), parse_x509_certificate(&authority.der))
        else {
            return false;
        };
        own.issuer().as_raw() == theirs.subject().as_raw()
            && own.verify_signature(Some(theirs.public_key())).is_ok()
    }

    /// Whether this authority has signed a list of exactly these.
    pub(crate) fn has_signed_list_of<'a>(
        &self,
        list: &str,
        revoked: impl Iterator<Item = &'a Revoked>,
    ) -> bool {
        let parsed = || {
            let (_, pem) = parse_x509_pem(list.as_bytes()).ok()?;
            let (_, list) = parse_x509_crl(&pem.contents).ok()?;
            let (_, authority) = parse_x509_certificate(&self.der).ok()?;
            list.verify_signature(authority.public_key()).ok()?;
            let serials = list.iter_revoked_certificates().map(|entry| hexadecimal(entry.raw_serial()));
            Some(serials.collect::<BTreeSet<_>>())
        };
        parsed() == Some(revoked.map(|revoked| revoked.serial.clone()).collect())
    }
}

/// An address as it is read back.
fn canonical(name: &str) -> String {
    name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_string())
}

/// A serial number. DER may put a zero before it, which is no part of it.
fn hexadecimal(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.iter().skip(zeros).map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hexadecimal digits.
pub(crate) fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
