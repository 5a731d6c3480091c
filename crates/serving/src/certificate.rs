//! How long our own certificate is good, so that an operator hears of its end before clients do.

use std::{path::Path, time::Duration};

use x509_parser::parse_x509_certificate;

use crate::tls::{TlsFiles, certificates};

/// From this time before its end a certificate is spoken of. Those that are renewed by themselves
/// have been renewed long before.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// When a certificate is good, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: i64,
    /// Not after.
    pub until: i64,
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good for long enough.
    Good,
    /// It ends within a week.
    EndsSoon,
    /// It is not good yet: is the clock right?
    NotYet,
    /// It has ended.
    Over,
}

impl Validity {
    /// That of the certificate that a server with these files shows. `None` of one that cannot be
    /// read.
    pub fn of(files: &TlsFiles) -> Option<Self> {
        Self::of_file(&files.cert)
    }

    /// That of the first certificate in a PEM file. `None` if it cannot be read.
    pub fn of_file(path: &Path) -> Option<Self> {
        let chain = certificates(path).ok()?;
        let (_, own) = parse_x509_certificate(chain.first()?).ok()?;
        let validity = own.validity();
        Some(Self { from: validity.not_before.timestamp(), until: validity.not_after.timestamp() })
    }

    /// How it stands at this time, in seconds since the Unix epoch.
    pub fn at(self, now: u64) -> Standing {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let soon = i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX);
        if now < self.from {
            Standing::NotYet
        } else if now > self.until {
            Standing::Over
        } else if now > self.until - soon {
            Standing::EndsSoon
        } else {
            Standing::Good
        }
    }

    /// Tells the operator if there is something to be done. To be called at the start and now and
    /// then.
    pub fn tell(self, now: u64) {
        let days = (self.until - i64::try_from(now).unwrap_or(i64::MAX)) / (24 * 60 * 60);
        match self.at(now) {
            Standing::Good => {}
            Standing::EndsSoon => {
                tracing::warn!(
                    event = "certificate.ends-soon",
                    days,
                    "this server's certificate ends soon: renew it; a new file is read within a minute"
                );
            }
            Standing::NotYet => {
                tracing::error!(
                    event = "certificate.not-yet",
                    "this server's certificate is not valid yet: no client will connect; is the clock right?"
                );
            }
            Standing::Over => {
                tracing::error!(
                    event = "certificate.over",
                    days = -days,
                    "this server's certificate has expired: no client will connect; renew it: a new file is read within a minute"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::AcceptedNames;

    #[test]
    fn a_certificate_is_good_between_its_two_times() {
        let day = 24 * 60 * 60;
        let validity = Validity { from: 10 * day, until: 100 * day };
        let at = |days: i64| validity.at(u64::try_from(days * day).unwrap());
        assert_eq!(at(9), Standing::NotYet);
        assert_eq!([at(10), at(92)], [Standing::Good; 2]);
        assert_eq!([at(94), at(100)], [Standing::EndsSoon; 2]);
        assert_eq!([at(101), at(100_000)], [Standing::Over; 2]);
    }

    #[test]
    fn the_times_are_those_of_the_first_certificate_in_the_file() {
        let of = |year| {
            let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
        };
        let path = std::env::temp_dir().join(format!("certificate-{:032x}", rand::random::<u128>()));
        std::fs::write(&path, of(2021) + &of(2031)).unwrap();
        let files = TlsFiles {
            cert: path.clone(),
            key: path.clone(),
            client_ca: None,
            client_names: AcceptedNames::Any,
        };
        let validity = Validity::of(&files);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(validity, Some(Validity { from: 1_577_836_800, until: 1_609_459_200 }));
        assert_eq!(Validity::of(&files), None, "no file");
    }
}
