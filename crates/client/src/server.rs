//! The addresses of the servers, and which certificates are trusted for them.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use http::Uri;
use rand::seq::SliceRandom;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

/// The address of a server: `https://chat.example`, or with `http`, `ws` or `wss`, and with a path
/// if the server is below one. `ws` means the same as `http` here and `wss` the same as `https`: a
/// server speaks both on one port.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Without a slash at its end.
    prefix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Plain,
    Tls,
}

/// Why a text is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL with a scheme and a host.
    #[error("a server's address looks like https://chat.example or http://127.0.0.1:8080")]
    Malformed,
    /// Another scheme.
    #[error("the scheme of a server's address is http, https, ws or wss")]
    Scheme,
    /// A user or password, which would end up in shell histories: sessions here are anonymous.
    #[error("a server's address has no user name and no password")]
    Credentials,
    /// Something after a `#`: an invite link, whose secret would be lost without a word.
    #[error("a server's address has nothing after a #: this is an invite link")]
    Fragment,
}

impl ServerUrl {
    /// Host and port as the `Host` header has them: the port only if it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let usual = match self.scheme {
            Scheme::Plain => 80,
            Scheme::Tls => 443,
        };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of a call, below this server's own path.
    pub(crate) fn path(&self, call: &str) -> String {
        format!("{}{call}", self.prefix)
    }

    /// The host as a socket address has it: an IPv6 address without its brackets.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The name that the server's certificate must have.
    pub(crate) fn certificate_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.bare_host().to_owned()).ok()
    }
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
        let (scheme, usual_port) = match uri.scheme_str() {
            Some("http" | "ws") => (Scheme::Plain, 80),
            Some("https" | "wss") => (Scheme::Tls, 443),
            Some(_) => return Err(UrlError::Scheme),
            None => return Err(UrlError::Malformed),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        if authority.host().is_empty() || uri.query().is_some() {
            return Err(UrlError::Malformed);
        }
        // `Authority` reads "host:" and "host:99999" as a host without a port.
        let written_port = authority.as_str().len() > authority.host().len();
        let port = match (authority.port_u16(), written_port) {
            (Some(port), _) => port,
            (None, false) => usual_port,
            (None, true) => return Err(UrlError::Malformed),
        };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, host: authority.host().to_owned(), port, prefix })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Plain => "http",
            Scheme::Tls => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

/// Which certificates are trusted. Without TLS this has no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The certificate authorities of this system.
    #[default]
    System,
    /// The certificate authorities in this PEM file, and no other.
    Ca(PathBuf),
}

/// One service: one or more addresses, each of which serves every session and room of it. Cheap to
/// clone.
#[derive(Clone)]
pub struct Server {
    urls: Arc<[ServerUrl]>,
    order: Order,
    pub(crate) tls: Option<TlsConnector>,
}

/// In which order addresses are tried.
#[derive(Clone, Copy)]
enum Order {
    /// One of its own for each session and connection, drawn at random.
    Random,
    /// As they were given.
    Given,
}

/// Why a [`Server`] cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No address was given.
    #[error("a server needs an address")]
    NoUrl,
    /// The file with certificate authorities cannot be read.
    #[error("cannot read certificates from {}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// There is no authority to trust: the file is empty, or the system has no certificate
    /// authorities.
    #[error("no certificate authority was found; name one with a PEM file")]
    NoAuthority,
    /// A certificate or the TLS configuration is not usable.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl Server {
    /// A service at `urls`. Each session, and each connection, tries them in an order of its own,
    /// drawn at random: so clients spread over the nodes, and those of a node that goes away over
    /// all others.
    ///
    /// # Errors
    /// If there is no address, or if one of them needs TLS and no certificate authority can be
    /// loaded.
    pub fn new(urls: impl IntoIterator<Item = ServerUrl>, trust: &Trust) -> Result<Self, ServerError> {
        let urls: Arc<[_]> = urls.into_iter().collect();
        if urls.is_empty() {
            return Err(ServerError::NoUrl);
        }
        let needs_tls = urls.iter().any(|url| url.scheme == Scheme::Tls);
        let tls = if needs_tls { Some(connector(trust)?) } else { None };
        Ok(Self { urls, order: Order::Random, tls })
    }

    /// The same service, whose addresses are always tried in the order given: for who has to know
    /// to which one it is connected, such as a load generator.
    #[must_use]
    pub fn in_given_order(self) -> Self {
        Self { order: Order::Given, ..self }
    }

    /// The addresses, in the order given; never empty.
    pub fn urls(&self) -> &[ServerUrl] {
        &self.urls
    }

    /// The same service, its addresses in the order of one session or connection.
    pub(crate) fn shuffled(&self) -> Self {
        let Order::Random = self.order else { return self.clone() };
        let mut urls = self.urls.to_vec();
        urls.shuffle(&mut rand::rng());
        Self { urls: urls.into(), ..self.clone() }
    }

    /// The address with this index, counted around.
    pub(crate) fn url(&self, index: usize) -> &ServerUrl {
        &self.urls[index % self.urls.len()]
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.urls).finish()
    }
}

fn connector(trust: &Trust) -> Result<TlsConnector, ServerError> {
    let mut roots = RootCertStore::empty();
    match trust {
        // What the system's store holds besides usable certificates is no business of ours.
        Trust::System => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        Trust::Ca(path) => {
            let fault = |source| ServerError::Ca { path: path.clone(), source };
            for certificate in CertificateDer::pem_file_iter(path).map_err(fault)? {
                roots.add(certificate.map_err(fault)?)?;
            }
        }
    }
    if roots.is_empty() {
        return Err(ServerError::NoAuthority);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_usual_port_and_path() {
        let read = |text: &str| text.parse::<ServerUrl>().unwrap();
        let url = read("https://chat.example");
        assert_eq!((url.port, url.authority().as_str(), url.scheme), (443, "chat.example", Scheme::Tls));
        assert_eq!(url.path("/v1/ws"), "/v1/ws");
        assert_eq!(read("wss://chat.example:443/"), url);
        let below = read("ws://127.0.0.1:8080/chat/");
        assert_eq!((below.path("/v1/ws").as_str(), below.scheme), ("/chat/v1/ws", Scheme::Plain));
        assert_eq!(below.to_string(), "http://127.0.0.1:8080/chat");
        let six = read("http://[::1]:8080");
        assert_eq!((six.authority().as_str(), six.bare_host()), ("[::1]:8080", "::1"));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for (text, fault) in [
            ("", UrlError::Malformed),
            ("chat.example", UrlError::Malformed),
            ("//chat.example", UrlError::Malformed),
            ("https://", UrlError::Malformed),
            ("https://host:99999", UrlError::Malformed),
            ("https://host:", UrlError::Malformed),
            ("https://host/?token=x", UrlError::Malformed),
            ("ftp://host", UrlError::Scheme),
            ("https://me:secret@host", UrlError::Credentials),
            ("https://host/#AAECAwQFBgcICQoLDA0ODw", UrlError::Fragment),
        ] {
            assert_eq!(text.parse::<ServerUrl>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn addresses_are_tried_in_the_given_order_where_that_is_asked_for() {
        let urls = ["http://a", "http://b", "http://c"].map(|url| url.parse().unwrap());
        let server = Server::new(urls.clone(), &Trust::System).unwrap().in_given_order();
        assert!((0..100).all(|_| server.shuffled().urls() == urls));
    }

    #[test]
    fn each_session_and_connection_has_its_own_order_of_the_addresses() {
        let urls = ["http://a", "http://b", "http://c"].map(|url| url.parse::<ServerUrl>().unwrap());
        let server = Server::new(urls.clone(), &Trust::System).unwrap();
        for url in &urls {
            let orders = (0..1000).map(|_| server.shuffled());
            let first = orders.filter(|order| {
                assert!(urls.iter().all(|url| order.urls().contains(url)));
                order.urls()[0] == *url
            });
            // 333 on average, with a standard deviation of 15.
            assert!((200..=466).contains(&first.count()), "{url} is not the first by chance");
        }
    }

    #[test]
    fn no_other_authority_is_trusted_when_a_file_is_named() {
        let url: ServerUrl = "https://localhost".parse().unwrap();
        let missing = Trust::Ca("/nonexistent/ca.pem".into());
        assert!(matches!(Server::new([url.clone()], &missing), Err(ServerError::Ca { .. })));
        let empty = Trust::Ca("/dev/null".into());
        assert!(matches!(Server::new([url], &empty), Err(ServerError::NoAuthority)));
        let plain: ServerUrl = "http://localhost".parse().unwrap();
        assert!(Server::new([plain], &missing).is_ok(), "without TLS nothing is loaded");
        assert!(matches!(Server::new([], &Trust::System), Err(ServerError::NoUrl)));
    }
}
