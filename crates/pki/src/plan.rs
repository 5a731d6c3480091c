//! What a cluster consists of: who its members are, and which generation of each is accepted.

use std::{collections::BTreeSet, net::IpAddr};

use rustls_pki_types::DnsName;
use schemas::{NodeId, Service, subject::OPERATOR};
use serde::{Deserialize, Serialize};

use crate::{
    authority::Authority,
    options::{MemberSpec, PkiOptions},
};

/// The longest name of a member: it is a label of a DNS name in its certificates (RFC 1035).
const NAME_CHARS: usize = 63;

/// Who shows the cluster to operators, as a page.
pub(crate) const CONSOLE: &str = "console";

/// The user of the NATS system account.
pub(crate) const SYSTEM: &str = "sys";

/// The directory of the authorities and of the plan.
pub(crate) const AUTHORITIES: &str = "authorities";

/// How long a leaf is valid unless the operator says otherwise.
const DAYS: u32 = 365;

/// What is wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not a name.
    #[error(
        "{0:?} is not a name: 1 to {NAME_CHARS} of A-Z a-z 0-9 _ -, neither beginning nor ending with -, and \
         not the word for a role or a directory"
    )]
    Name(String),
    /// Not a host.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Host(String),
    /// A name that two members would share.
    #[error("the name {0:?} is given twice")]
    Twice(String),
    /// Nobody of this name.
    #[error("there is no {0:?} to revoke; there are {1}")]
    Unknown(String, String),
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A gateway node.
    Gateway,
    /// A pairing node.
    Pairing,
    /// A janitor node.
    Janitor,
    /// A NATS server.
    Nats,
    /// A proxy before the gateways.
    Proxy,
    /// Who may read health and metrics.
    Watcher,
    /// The page that shows the cluster to operators.
    Console,
    /// The people who watch and command the cluster over NATS.
    Operator,
    /// The user of the NATS system account.
    System,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Gateway,
        Self::Pairing,
        Self::Janitor,
        Self::Nats,
        Self::Proxy,
        Self::Watcher,
        Self::Console,
        Self::Operator,
        Self::System,
    ];

    /// The name that the certificates of all members of this kind share. No member has it as its
    /// own.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Pairing => "pairing",
            Self::Janitor => "janitor",
            Self::Nats => "nats",
            Self::Proxy => "proxy",
            Self::Watcher => "watcher",
            // Its member is named `console`.
            Self::Console => "page",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// The role, if it is a node.
    pub const fn role(self) -> Option<Service> {
        match self {
            Self::Gateway => Some(Service::Gateway),
            Self::Pairing => Some(Service::Pairing),
            Self::Janitor => Some(Service::Janitor),
            Self::Nats | Self::Proxy | Self::Watcher | Self::Console | Self::Operator | Self::System => None,
        }
    }

    /// Who there is if nothing else was asked for.
    const fn default_names(self) -> &'static [&'static str] {
        match self {
            Self::Gateway => &["gateway-1", "gateway-2", "gateway-3"],
            Self::Pairing => &["pairing-1", "pairing-2"],
            Self::Janitor => &["janitor-1", "janitor-2"],
            Self::Nats => &["nats-1", "nats-2", "nats-3"],
            Self::Proxy => &["nginx"],
            Self::Watcher => &["prometheus", "collector"],
            Self::Console => &[CONSOLE],
            Self::Operator => &[OPERATOR],
            Self::System => &[SYSTEM],
        }
    }
}

/// One member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What it is.
    pub kind: Kind,
    /// Its name, and that of its directory. For a node, its `--node-id`.
    pub name: String,
    /// Further names and addresses by which it is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Counts the revocations of its certificates, from 1.
    pub generation: u32,
    /// Whether it is a part of the cluster. Who has left is remembered, so that nobody who comes
    /// under the same name later revives its certificates.
    pub standing: Standing,
}

/// Whether a member is a part of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is.
    Present,
    /// It was.
    Gone,
}

impl Member {
    fn new(kind: Kind, spec: &MemberSpec) -> Self {
        let MemberSpec { name, hosts } = spec.clone();
        Self { kind, name, hosts, generation: 1, standing: Standing::Present }
    }

    /// Its distinguished name in certificates, as NATS compares it (RFC 4514).
    pub fn distinguished_name(&self) -> String {
        format!("CN={},OU={},OU={}", self.name, self.generation, self.kind.word())
    }

    /// A DNS name in its client certificates that no other generation has.
    pub fn generation_name(&self) -> String {
        format!("{}.g{}", self.name, self.generation)
    }
}

/// A certificate that is listed as revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Its authority.
    pub authority: Authority,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// When it was revoked, in seconds since the Unix epoch.
    pub at: i64,
}

/// All that is remembered between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The names of the service.
    pub host: Vec<String>,
    /// How many days a leaf is valid.
    pub days: u32,
    /// The members, in the order in which they came.
    pub members: Vec<Member>,
    /// What is revoked and has not expired.
    #[serde(default)]
    pub revoked: Vec<Revoked>,
}

impl Default for Plan {
    /// Three gateways and NATS servers, two pairing and janitor nodes, behind one proxy.
    fn default() -> Self {
        let default = |kind: Kind| {
            let spec = |name: &&str| MemberSpec { name: (*name).into(), hosts: Vec::new() };
            kind.default_names().iter().map(spec).map(move |spec| Member::new(kind, &spec))
        };
        let members = Kind::ALL.into_iter().flat_map(default).collect();
        Self { host: vec!["localhost".into()], days: DAYS, members, revoked: Vec::new() }
    }
}

impl Plan {
    /// A first plan, of these options.
    ///
    /// # Errors
    /// If a name is given twice.
    pub fn first(options: &PkiOptions) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for (kind, _) in options.lists() {
            plan.members.retain(|member| member.kind != kind);
        }
        plan.apply(options)?;
        Ok(plan)
    }

    /// A plan that was made when the console was a watcher as any other: it becomes what it is
    /// today, and its certificates of before open nothing any more.
    pub(crate) fn with_console(mut self) -> Self {
        if self.members.iter().all(|member| member.kind != Kind::Console) {
            let spec = MemberSpec { name: CONSOLE.into(), hosts: Vec::new() };
            let before = self.members.iter().position(|member| member.name == CONSOLE);
            let generation = before.map_or(1, |place| self.members.remove(place).generation + 1);
            self.members.push(Member { generation, ..Member::new(Kind::Console, &spec) });
        }
        self
    }

    /// Changes the plan to what the options say. A list of members replaces the one before.
    ///
    /// # Errors
    /// If a name is given twice.
    pub fn apply(&mut self, options: &PkiOptions) -> Result<(), PlanError> {
        for (kind, list) in options.lists() {
            let of_kind = self.members.iter_mut().filter(|member| member.kind == kind);
            for member in of_kind.filter(|member| list.iter().all(|spec| spec.name != member.name)) {
                member.standing = Standing::Gone;
            }
            list.iter().for_each(|spec| self.accept(kind, spec));
        }
        if let Some(host) = &options.host {
            self.host = host.iter().map(|host| host.0.clone()).collect();
        }
        self.days = options.days.unwrap_or(self.days);
        let mut names = BTreeSet::new();
        match self.members.iter().find(|member| !names.insert(member.name.to_ascii_lowercase())) {
            Some(member) => Err(PlanError::Twice(member.name.clone())),
            None => Ok(()),
        }
    }

    fn accept(&mut self, kind: Kind, spec: &MemberSpec) {
        let same = |member: &&mut Member| member.kind == kind && member.name == spec.name;
        match self.members.iter_mut().find(same) {
            Some(member) => {
                member.hosts.clone_from(&spec.hosts);
                if member.standing == Standing::Gone {
                    member.standing = Standing::Present;
                    member.generation += 1;
                }
            }
            None => self.members.push(Member::new(kind, spec)),
        }
    }

    /// Begins the next generation of a member.
    ///
    /// # Errors
    /// If there is nobody of this name.
    pub fn next_generation(&mut self, name: &str) -> Result<Member, PlanError> {
        let names: Vec<_> = self.present().map(|member| member.name.as_str()).collect();
        let unknown = PlanError::Unknown(name.into(), names.join(", "));
        let present = |member: &&mut Member| member.standing == Standing::Present && member.name == name;
        let member = self.members.iter_mut().find(present).ok_or(unknown)?;
        member.generation += 1;
        Ok(member.clone())
    }

    /// The members of today.
    pub fn present(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.standing == Standing::Present)
    }

    /// The members of today of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Member> {
        self.present().filter(move |member| member.kind == kind)
    }

    /// The nodes of today and their roles.
    pub fn nodes(&self) -> Vec<(Service, NodeId)> {
        let node = |member: &Member| Some((member.kind.role()?, member.name.parse().ok()?));
        self.present().filter_map(node).collect()
    }
}

/// Checks the name of a member.
pub(crate) fn check_name(name: &str) -> Result<(), PlanError> {
    let reserved = Kind::ALL.map(Kind::word).into_iter().chain([OPERATOR, SYSTEM, CONSOLE, AUTHORITIES]);
    let mut reserved = reserved.map(|word| word.eq_ignore_ascii_case(name));
    let sound = name.parse::<NodeId>().is_ok()
        && name.len() <= NAME_CHARS
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !reserved.any(|same| same);
    if sound { Ok(()) } else { Err(PlanError::Name(name.into())) }
}

/// Checks a further name or address.
pub(crate) fn check_host(host: &str) -> Result<(), PlanError> {
    let sound = host.parse::<IpAddr>().is_ok() || DnsName::try_from(host).is_ok();
    if sound { Ok(()) } else { Err(PlanError::Host(host.into())) }
}
