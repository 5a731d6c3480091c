//! Which of a file's encodings a browser gets: RFC 9110, section 12.5.3.

use http::{HeaderMap, header::ACCEPT_ENCODING};

/// How a file is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// What is compressed, the smallest first.
const COMPRESSED: [Encoding; 2] = [Encoding::Brotli, Encoding::Gzip];

impl Encoding {
    /// Its name in `Content-Encoding`; a file as it is has none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// The one that the client likes best; of those that it likes equally, the smallest. Who
    /// refuses everything gets the file as it is.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (Weight(0), Self::Identity);
        for encoding in COMPRESSED {
            let weight = Weight::of(encoding, headers);
            if weight > best.0 {
                best = (weight, encoding);
            }
        }
        best.1
    }

    fn is_called(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Self::Brotli => &["br"],
            // RFC 9110, section 8.4.1.3: an old name.
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Identity => &["identity"],
        };
        names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// A quality, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u16);

impl Weight {
    /// What the client says of an encoding: of it by name, or of all others.
    fn of(encoding: Encoding, headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let mut others = Self(0);
        for item in lines.flat_map(|line| line.split(',')) {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let name = name.trim();
            if encoding.is_called(name) {
                return Self::parse(parameters);
            }
            if name == "*" {
                others = Self::parse(parameters);
            }
        }
        others
    }

    /// `q=0.5`; one without it, and none if it cannot be read.
    fn parse(parameters: &str) -> Self {
        let parameters = parameters.trim();
        if parameters.is_empty() {
            return Self(1000);
        }
        let value = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="));
        let value =
            value.and_then(|value| value.parse::<f32>().ok()).filter(|value| (0.0..=1.0).contains(value));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        Self(value.map_or(0, |value| (value * 1000.0) as u16))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_smallest_encoding_is_chosen_that_the_client_takes() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip, deflate", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("*", Encoding::Brotli),
            ("br;q=0, *", Encoding::Gzip),
            ("br;q=0.5, gzip;q=0.8", Encoding::Gzip),
            ("br ; q=1 , gzip;q=1.0", Encoding::Brotli),
            ("gzip;q=0.001", Encoding::Gzip),
            ("br;q=0, gzip;q=0", Encoding::Identity),
            ("br;q=2, gzip;q=nan", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("identity;q=0", Encoding::Identity),
            ("brotli, gzipped", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(Encoding::accepted(&headers), expected, "{accepted:?}");
        }
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Identity, "who says nothing");
    }

    #[test]
    fn lines_of_the_header_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(Encoding::accepted(&headers), Encoding::Brotli);
    }
}
