//! The command line of `cipher-chat pki`.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use crate::plan::{Kind, PlanError, check_host, check_name};

/// The options of `cipher-chat pki`.
#[derive(Args, Clone, Debug, Default)]
pub struct PkiOptions {
    /// Directory of the files. What is missing in it is made, and nothing else is changed
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Gateways, all of them. A host is a further name or an address of the node, for its
    /// certificates [default: gateway-1 to gateway-3]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub gateways: Option<Vec<MemberSpec>>,
    /// Pairing nodes, all of them [default: pairing-1 and pairing-2]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub pairing: Option<Vec<MemberSpec>>,
    /// Janitor nodes, all of them [default: janitor-1 and janitor-2]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub janitors: Option<Vec<MemberSpec>>,
    /// NATS servers, all of them [default: nats-1 to nats-3]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub nats: Option<Vec<MemberSpec>>,
    /// Proxies before the gateways, all of them [default: nginx]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub proxies: Option<Vec<MemberSpec>>,
    /// Who may read health and metrics, all of them [default: prometheus and collector]
    #[arg(long, value_name = LIST, value_delimiter = ',')]
    pub watchers: Option<Vec<MemberSpec>>,
    /// Names of the service that browsers open [default: localhost]
    #[arg(long, value_name = "NAME[,NAME…]", value_delimiter = ',')]
    pub host: Option<Vec<HostName>>,
    /// Days that certificates of nodes are valid [default: 365]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// Make new keys and certificates for everybody, of the same authorities
    #[arg(long)]
    pub renew: bool,
    /// Make new keys and certificates for this name, and forget the ones before: they open nothing
    /// any more
    #[arg(long, value_name = "NAME", conflicts_with = "renew")]
    pub revoke: Option<String>,
}

/// How a list of members is written.
const LIST: &str = "NAME[=HOST[+HOST…]][,…]";

impl PkiOptions {
    /// The lists of members that were given.
    pub fn lists(&self) -> impl Iterator<Item = (Kind, &[MemberSpec])> {
        let all = [
            (Kind::Gateway, &self.gateways),
            (Kind::Pairing, &self.pairing),
            (Kind::Janitor, &self.janitors),
            (Kind::Nats, &self.nats),
            (Kind::Proxy, &self.proxies),
            (Kind::Watcher, &self.watchers),
        ];
        all.into_iter().filter_map(|(kind, list)| Some((kind, list.as_deref()?)))
    }
}

/// One member of a list: a name, and further names or addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSpec {
    /// Its name: for a node, its `--node-id`.
    pub name: String,
    /// Where else it is reached.
    pub hosts: Vec<String>,
}

impl FromStr for MemberSpec {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (name, hosts) = text.split_once('=').map_or((text, None), |(name, hosts)| (name, Some(hosts)));
        check_name(name)?;
        let hosts: Vec<String> =
            hosts.into_iter().flat_map(|hosts| hosts.split('+')).map(Into::into).collect();
        hosts.iter().try_for_each(|host| check_host(host))?;
        Ok(Self { name: name.into(), hosts })
    }
}

/// A name or an address of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(pub String);

impl FromStr for HostName {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        check_host(text)?;
        Ok(Self(text.into()))
    }
}
