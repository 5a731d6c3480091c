//! Addresses, networks and URLs.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use ipnet::IpNet;
use rustls::pki_types::DnsName;
use schemas::limits;
use serving::socket::Address;

use super::{Repeat, Show, Value, Wrong, each, items};
use crate::telemetry::syslog::Server;

impl Value for SocketAddr {
    const FORM: &'static str = "ADDRESS";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let wrong =
            |_| format!("{text:?} is not an address: write IP:PORT, such as 127.0.0.1:8080 or [::]:443");
        Ok(local.as_deref().unwrap_or(text).parse().map_err(wrong)?)
    }
}

/// Addresses to listen on.
#[derive(Clone, Debug)]
pub struct Addresses(pub Cow<'static, [Address]>);

impl Value for Addresses {
    const FORM: &'static str = "ADDRESS[,ADDRESS…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let addresses = each(text, |item| {
            item.parse().map_err(|fault| format!("{item:?} is not an address to listen on: {fault}"))
        })?;
        if addresses.is_empty() {
            return Err("the list of addresses is empty".to_owned().into());
        }
        Ok(Self(addresses.into()))
    }
}

impl Show for Addresses {
    fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Value for Server {
    const FORM: &'static str = "HOST:PORT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong =
            || format!("{text:?} is not a server: write HOST:PORT, such as 10.0.0.9:514 or [fd00::9]:514");
        let (host, port) = match text.parse::<SocketAddr>() {
            Ok(address) => (address.ip().to_string(), address.port()),
            Err(_) => {
                let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
                DnsName::try_from(host).map_err(|_| wrong())?;
                (host.to_owned(), port.parse().map_err(|_| wrong())?)
            }
        };
        if port == 0 { Err(wrong().into()) } else { Ok(Self { host, port }) }
    }
}

impl Value for Vec<IpNet> {
    const FORM: &'static str = "CIDR[,CIDR…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        each(text, |item| {
            // A bare address is a network of one.
            let network = item.parse().or_else(|_| item.parse::<IpAddr>().map(IpNet::from));
            network
                .map_err(|_| format!("{item:?} is not a network: write one such as 10.0.0.0/8 or fd00::/8"))
        })
    }
}

/// Origins, each once, as browsers send them: without the usual port of their scheme. The gateway checks
/// them.
#[derive(Clone, Debug, Default)]
pub struct Origins(pub Vec<String>);

impl Value for Origins {
    const FORM: &'static str = "ORIGIN[,ORIGIN…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let mut origins = Vec::new();
        for origin in items(text).map(without_usual_port) {
            if !origins.iter().any(|other| other == origin) {
                origins.push(origin.to_owned());
            }
        }
        Ok(Self(origins))
    }
}

fn without_usual_port(origin: &str) -> &str {
    [("https://", ":443"), ("http://", ":80")]
        .into_iter()
        .filter(|(scheme, _)| origin.starts_with(scheme))
        .find_map(|(_, port)| origin.strip_suffix(port))
        .unwrap_or(origin)
}

/// The address of one gateway, as clients have it.
#[derive(Clone, Debug)]
pub struct PublicUrl(pub String);

impl Value for PublicUrl {
    const FORM: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let is_short = text.len() <= limits::URL_BYTES;
        match text.parse::<client::ServerUrl>() {
            Ok(url) if is_short => Ok(Self(url.to_string())),
            Ok(_) => Err(format!("at most {} bytes", limits::URL_BYTES).into()),
            Err(fault) => Err(fault.to_string().into()),
        }
    }
}

/// A collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(pub String);

impl OtlpEndpoint {
    /// Whether it is reached over TLS.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl Value for OtlpEndpoint {
    const FORM: &'static str = "URL";

    /// No message quotes it: somebody may have put a password into it.
    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || "write http://HOST:PORT or https://HOST:PORT, such as http://10.0.0.9:4317".to_owned();
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let authority = authority.map(|rest| rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(wrong)?;
        let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let name = |host: &str| {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = six.map_or_else(|| name(host), |six| six.parse::<Ipv6Addr>().is_ok());
        if is_host && port > 0 { Ok(Self(text.to_owned())) } else { Err(wrong().into()) }
    }
}

/// URLs, as written. The bus checks them. No message quotes them, as they might contain a password.
#[derive(Clone, Debug, Default)]
pub struct Urls(pub Vec<String>);

impl Value for Urls {
    const FORM: &'static str = "URL[,URL…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(items(text).map(str::to_owned).collect()))
    }
}
