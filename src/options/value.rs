//! The types of options: how a value is written, read and shown.

use std::{
    borrow::Cow,
    fs::File,
    io::Read,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use gateway::{
    config::{Hsts, Matching, OfferedTopic},
    rates::BURST,
};
use ipnet::IpNet;
use pairing::FairBy;
use rustls::pki_types::DnsName;
use schemas::{NodeId, Service, limits};
use serving::socket::Address;

use crate::{
    duration,
    telemetry::{LogFormat, syslog::Server},
};

/// A type of option values.
pub trait Value: Sized {
    /// How help and documents write a value of this type.
    const FORM: &'static str;
    /// Whether an option of this type may be given several times.
    const REPEAT: Repeat = Repeat::Once;

    /// The value that an option of this type has if it is given without one.
    const ALONE: Option<&'static str> = None;

    /// A sentence for the help of every option of this type.
    fn note() -> Option<String> {
        None
    }

    /// Parses a value.
    ///
    /// # Errors
    /// All faults in it. Each message says how to write a value.
    fn parse(text: &str) -> Result<Self, Wrong>;
}

/// A value that can be a default.
pub trait Show {
    /// The text that parses to this value.
    fn show(&self) -> String;
}

/// How often an option may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// Any number of times: the values form one list.
    List,
}

/// The faults of a value, a sentence for each.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(pub Vec<String>);

impl From<String> for Wrong {
    fn from(fault: String) -> Self {
        Self(vec![fault])
    }
}

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

impl Value for Duration {
    const FORM: &'static str = "TIME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(duration::parse(text)?)
    }
}

impl Show for Duration {
    fn show(&self) -> String {
        duration::show(*self)
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `true`
    On,
    /// `false`
    Off,
}

impl Value for Switch {
    const FORM: &'static str = "true|false";
    const ALONE: Option<&'static str> = Some("true");

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "true" => Ok(Self::On),
            "false" => Ok(Self::Off),
            _ => Err(format!("{text:?} is neither true nor false").into()),
        }
    }
}

impl Show for Switch {
    fn show(&self) -> String {
        match self {
            Self::On => "true",
            Self::Off => "false",
        }
        .to_owned()
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

/// A sustained rate, with a burst.
#[derive(Clone, Copy, Debug)]
pub struct Rate(pub u32);

impl Value for Rate {
    const FORM: &'static str = "COUNT";

    fn note() -> Option<String> {
        Some(format!("A burst of {BURST} times as much is let through; 0 turns the limit off."))
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(count(text)?))
    }
}

impl Show for Rate {
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The most that there may be at once.
#[derive(Clone, Copy, Debug)]
pub struct Bound(pub u32);

impl Value for Bound {
    const FORM: &'static str = "COUNT";

    fn note() -> Option<String> {
        Some("0 turns the limit off.".to_owned())
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(count(text)?))
    }
}

impl Show for Bound {
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The most that there may be at once, and there must be some.
#[derive(Clone, Copy, Debug)]
pub struct Most(pub u32);

impl Value for Most {
    const FORM: &'static str = "COUNT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            Ok(most) if most > 0 => Ok(Self(most)),
            _ => Err(format!("{text:?} is not a whole number from 1 to {}", u32::MAX).into()),
        }
    }
}

/// How many hashes a new session costs; none if it is off.
#[derive(Clone, Copy, Debug)]
pub struct Admission(pub Option<u32>);

/// The most that an operator may ask for: with four times as many a phone works for some ten seconds.
const HASHES: u32 = 1_000_000;

impl Value for Admission {
    const FORM: &'static str = "off|COUNT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            _ if text == "off" => Ok(Self(None)),
            Ok(hashes) if (1..=HASHES).contains(&hashes) => Ok(Self(Some(hashes))),
            _ => Err(format!("{text:?} is neither off nor a whole number from 1 to {HASHES}").into()),
        }
    }
}

impl Show for Admission {
    fn show(&self) -> String {
        self.0.map_or_else(|| "off".to_owned(), |hashes| hashes.to_string())
    }
}

impl Value for Hsts {
    const FORM: &'static str = "off|host|subdomains";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "off" => Ok(Self::Off),
            "host" => Ok(Self::Host),
            "subdomains" => Ok(Self::Subdomains),
            _ => Err(format!("{text:?} is none of off, host and subdomains").into()),
        }
    }
}

impl Show for Hsts {
    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Host => "host",
            Self::Subdomains => "subdomains",
        }
        .to_owned()
    }
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number from 0 to {}", u32::MAX))
}

/// A file to read. Only whether it can be read is checked here; its user checks the content.
impl Value for PathBuf {
    const FORM: &'static str = "FILE";

    fn parse(text: &str) -> Result<Self, Wrong> {
        // Reads a byte, since a directory can be opened as well.
        let read = File::open(text).and_then(|mut file| file.read(&mut [0]));
        read.map_err(|fault| format!("{text}: {fault}"))?;
        Ok(text.into())
    }
}

impl Value for NodeId {
    const FORM: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |_| {
            format!("{text:?} is not a node's name: it has 1 to 64 of A-Z a-z 0-9 _ -, and is not a role's")
        };
        Ok(text.parse().map_err(wrong)?)
    }
}

/// A DNS name that a certificate must be valid for.
#[derive(Clone, Debug)]
pub struct CertificateName(pub String);

impl Value for CertificateName {
    const FORM: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |_| {
            format!("{text:?} is not a DNS name: give a subject alternative name of the client's certificate")
        };
        DnsName::try_from(text).map_err(wrong)?;
        Ok(Self(text.to_owned()))
    }
}

impl Value for LogFormat {
    const FORM: &'static str = "text|json";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is not a log format: choose text or json").into()),
        }
    }
}

impl Show for LogFormat {
    fn show(&self) -> String {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
        .to_owned()
    }
}

impl Value for FairBy {
    const FORM: &'static str = "origin|age";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "origin" => Ok(Self::Origin),
            "age" => Ok(Self::Age),
            _ => Err(format!("{text:?} is no order of turns: choose origin or age").into()),
        }
    }
}

impl Show for FairBy {
    fn show(&self) -> String {
        match self {
            Self::Origin => "origin",
            Self::Age => "age",
        }
        .to_owned()
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

/// Origins, as browsers send them: without the usual port of their scheme. The gateway checks them.
#[derive(Clone, Debug, Default)]
pub struct Origins(pub Vec<String>);

impl Value for Origins {
    const FORM: &'static str = "ORIGIN[,ORIGIN…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(items(text).map(|origin| without_usual_port(origin).to_owned()).collect()))
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

/// A part of something: from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample(pub f64);

/// One trace of a hundred.
pub const SAMPLE: Sample = Sample(0.01);

impl Value for Sample {
    const FORM: &'static str = "NUMBER";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            Ok(part) if (0.0..=1.0).contains(&part) => Ok(Self(part)),
            _ => Err(format!("{text:?} is not a part: write a number from 0 to 1, such as 0.01").into()),
        }
    }
}

impl Show for Sample {
    fn show(&self) -> String {
        self.0.to_string()
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

impl Value for Vec<OfferedTopic> {
    const FORM: &'static str = "TOPIC[,TOPIC…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        each(text, |item| match item.parse() {
            Ok(topic) => Ok(OfferedTopic { shown: item.to_owned(), topic }),
            Err(fault) => Err(format!("{item:?}: {fault}")),
        })
    }
}

impl Value for Vec<Service> {
    const FORM: &'static str = "pairing,janitor";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        each(text, |item| match item {
            "pairing" => Ok(Service::Pairing),
            "janitor" => Ok(Service::Janitor),
            _ => Err(format!("{item:?} is not a role that a gateway needs: choose pairing, janitor or both")),
        })
    }
}

impl Value for Matching {
    const FORM: &'static str = "random,invite";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let known = |item: &str| match item {
            "random" | "invite" => Ok(item.to_owned()),
            _ => Err(format!("{item:?} is not a way to meet: choose random, invite or both")),
        };
        let ways = each(text, known)?;
        let offers = |way: &str| ways.iter().any(|item| item == way);
        Ok(Self { random: offers("random"), invite: offers("invite") })
    }
}

impl Show for Matching {
    fn show(&self) -> String {
        let ways = [(self.random, "random"), (self.invite, "invite")];
        ways.into_iter().filter_map(|(offered, way)| offered.then_some(way)).collect::<Vec<_>>().join(",")
    }
}

/// The items of a comma-separated list.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Parses all items of a list, so that all faults are reported.
fn each<T>(list: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Wrong> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for item in items(list) {
        match parse(item) {
            Ok(value) => values.push(value),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(Wrong(faults)) }
}
