//! One run: reads what there is, makes what is missing, and writes what has changed.

use std::collections::BTreeMap;

use rcgen::KeyPair;
use schemas::UnixMillis;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::{
    authority::{Authority, AuthorityError, Signer},
    contexts,
    files::{Directory, FileError, Secrecy},
    keys::OperatorKey,
    leaf::{self, Leaf, Parsed},
    options::PkiOptions,
    permissions,
    plan::{AUTHORITIES, Kind, Member, Plan, PlanError, Revoked, Standing},
    service::LeafPlan,
};

/// The file of the [`Plan`].
const PLAN: &str = "cluster.json";

/// The NATS servers' users; each server has a copy beside its certificates.
const PERMISSIONS: &str = "permissions.conf";

/// Why a run ended early. What it has written by then is whole; the next run does the rest.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something that cannot be asked for.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An authority that cannot sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The plan cannot be read.
    #[error("{0} is not a plan of this version")]
    Unreadable(String, #[source] serde_json::Error),
    /// A clock that is thousands of years off.
    #[error("the clock of this machine is wrong")]
    Clock,
    /// A key that is not one.
    #[error("{0} is not a private key: remove it to make a new one")]
    Key(String),
}

/// Makes what is missing. Returns the files that were written, relative to the directory.
///
/// # Errors
/// If a file cannot be read or written, or something impossible was asked for.
pub fn run(options: &PkiOptions, now: UnixMillis) -> Result<Vec<String>, PkiError> {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| PkiError::Clock)?;
    let dir = Directory::open(&options.dir)?;
    let mut run = Run { dir, now, written: Vec::new(), renew: options.renew };
    let (mut plan, revoked) = run.plan(options)?;
    // Before anything else: a run that is cut off after this is completed by the next one.
    run.save(&plan)?;
    let mut signers = run.signers(revoked.as_ref())?;
    plan.revoked.retain(|revoked| run.is_of_today(revoked, &signers));
    let present: Vec<_> = plan.present().cloned().collect();
    for member in &present {
        run.member(member, &plan, &mut signers)?;
    }
    run.operator_keys(&plan)?;
    run.lists(&plan, &signers)?;
    run.save(&plan)?;
    Ok(run.written)
}

type Signers = BTreeMap<Authority, Signer>;

struct Run {
    dir: Directory,
    now: OffsetDateTime,
    written: Vec<String>,
    renew: bool,
}

impl Run {
    /// The plan after the options, and whose certificates are revoked by them.
    fn plan(&self, options: &PkiOptions) -> Result<(Plan, Option<Member>), PkiError> {
        let file = format!("{AUTHORITIES}/{PLAN}");
        let mut plan = match self.dir.read(&file)? {
            None => Plan::first(options)?,
            Some(text) => serde_json::from_str(&text).map(Plan::with_console).map_err(|fault| {
                PkiError::Unreadable(self.dir.path().join(&file).display().to_string(), fault)
            })?,
        };
        let before: Vec<_> = plan.present().cloned().collect();
        plan.apply(options)?;
        let revoked = options.revoke.as_deref().map(|name| plan.next_generation(name)).transpose()?;
        let gone = |member: &&Member| {
            plan.members.iter().any(|m| m.name == member.name && m.standing == Standing::Gone)
        };
        let lost: Vec<_> = before.iter().filter(gone).chain(revoked.as_ref()).cloned().collect();
        for member in lost {
            let listed = self.certificates_of(&member, &plan)?;
            plan.revoked.extend(listed);
        }
        Ok((plan, revoked))
    }

    /// What is to be listed as revoked: what the member shows as a server, and cannot be told by
    /// its name from its next generation.
    fn certificates_of(&self, member: &Member, plan: &Plan) -> Result<Vec<Revoked>, FileError> {
        let mut listed = Vec::new();
        for leaf in member.leaves(&plan.host) {
            let authority = leaf.authority;
            let found = self.dir.read(&certificate_file(member, authority))?;
            if authority == Authority::Edge
                && let Some(Parsed { serial, .. }) = found.as_deref().and_then(leaf::parse)
                && plan.revoked.iter().all(|revoked| revoked.serial != serial)
            {
                listed.push(Revoked { authority, serial, at: self.now.unix_timestamp() });
            }
        }
        Ok(listed)
    }

    /// The entries of an authority that has been replaced mean nothing any more.
    fn is_of_today(&self, revoked: &Revoked, signers: &Signers) -> bool {
        let made = signers.get(&revoked.authority).map(|signer| signer.parsed.not_before);
        made.is_some_and(|made| made.unix_timestamp() <= revoked.at)
    }

    fn signers(&mut self, revoked: Option<&Member>) -> Result<Signers, PkiError> {
        let mut signers = Signers::new();
        for authority in Authority::ALL {
            let fresh = self.dir.read(&authority.certificate_file())?.is_none();
            // NATS servers know each other by this authority alone.
            let replaced = authority == Authority::Route && revoked.is_some_and(|m| m.kind == Kind::Nats);
            let signer = if replaced {
                Signer::make(&self.dir, authority, self.now)?
            } else {
                Signer::open(&self.dir, authority, self.now)?
            };
            if fresh || replaced {
                self.written.push(authority.certificate_file());
            }
            signers.insert(authority, signer);
        }
        Ok(signers)
    }

    /// The certificates of a member, and the authorities that it believes.
    fn member(&mut self, member: &Member, plan: &Plan, signers: &mut Signers) -> Result<(), PkiError> {
        for leaf in member.leaves(&plan.host) {
            if let Some(signer) = signers.get(&leaf.authority) {
                self.leaf(member, plan, &leaf, signer)?;
            }
        }
        for authority in member.believes() {
            if let Some(signer) = signers.get(&authority) {
                let file = format!("{}/{}-ca.pem", member.name, authority.word());
                self.public(&file, &signer.pem)?;
            }
        }
        Ok(())
    }

    fn leaf(
        &mut self,
        member: &Member,
        plan: &Plan,
        leaf: &LeafPlan,
        signer: &Signer,
    ) -> Result<(), PkiError> {
        let certificate_file = certificate_file(member, leaf.authority);
        let key_file = format!("{}/{}.key", member.name, leaf.authority.word());
        let found = self.dir.read(&certificate_file)?.as_deref().and_then(leaf::parse);
        let secret = self.dir.read(&key_file)?.map(Zeroizing::new);
        // A key is kept unless its owner's generation is over: what is revoked must not live on in
        // a new certificate.
        let of_generation = found.as_ref().is_none_or(|found| found.is_of_generation(member));
        let kept = match secret {
            Some(secret) if !self.renew && of_generation => {
                let read = KeyPair::from_pem(&secret);
                Some(read.map_err(|_| PkiError::Key(self.dir.path().join(&key_file).display().to_string()))?)
            }
            _ => None,
        };
        if let (Some(found), Some(key)) = (&found, &kept)
            && found.belongs_to(key)
            && found.is_as_planned(signer, member, leaf, self.now)
        {
            return Ok(());
        }
        let life = Duration::days(plan.days.into());
        let is_new = kept.is_none();
        let key = kept.map_or_else(KeyPair::generate, Ok).map_err(AuthorityError::Sign)?;
        let Leaf { certificate, key } = leaf::issue(signer, member, leaf, &key, life, self.now)?;
        if is_new {
            self.dir.write(&key_file, key.as_bytes(), Secrecy::Secret)?;
            self.written.push(key_file);
        }
        self.dir.write(&certificate_file, certificate.as_bytes(), Secrecy::Public)?;
        self.written.push(certificate_file);
        Ok(())
    }

    /// The operator's keys, and their public halves for who checks what they sign.
    fn operator_keys(&mut self, plan: &Plan) -> Result<(), PkiError> {
        let Some(operator) = plan.of_kind(Kind::Operator).next() else { return Ok(()) };
        for key in OperatorKey::ALL {
            let public = key.public(&self.dir, &operator.name, &mut self.written)?;
            let checks = |member: &&Member| match key {
                OperatorKey::Orders => member.kind.role().is_some(),
                OperatorKey::Passes => member.kind == Kind::Gateway,
            };
            for member in plan.present().filter(checks) {
                self.public(&format!("{}/{}", member.name, key.public_file()), &public)?;
            }
        }
        Ok(())
    }

    /// Who is accepted where. Last, so that nobody is refused before the new certificates are
    /// there.
    fn lists(&mut self, plan: &Plan, signers: &Signers) -> Result<(), PkiError> {
        let permissions = permissions::text(plan);
        let revoked = match signers.get(&Authority::Edge) {
            Some(edge) => edge.revocation_list(&self.dir, &plan.revoked, self.now)?,
            None => String::new(),
        };
        for member in plan.present() {
            let own = |file: &str| format!("{}/{file}", member.name);
            for (file, kind) in member.client_lists() {
                let names: String =
                    plan.of_kind(*kind).map(|client| client.generation_name() + "\n").collect();
                self.public(&own(file), &names)?;
            }
            match member.kind {
                Kind::Nats => self.public(&own(PERMISSIONS), &permissions)?,
                Kind::Proxy => self.public(&own("edge.crl"), &revoked)?,
                Kind::Operator | Kind::System => {
                    let context = contexts::text(member, plan, self.dir.path());
                    self.public(&own(&contexts::file(member)), &context)?;
                }
                Kind::Gateway | Kind::Pairing | Kind::Janitor | Kind::Watcher | Kind::Console => {}
            }
        }
        self.public(&format!("nats/{PERMISSIONS}"), &permissions)
    }

    fn save(&mut self, plan: &Plan) -> Result<(), PkiError> {
        let file = format!("{AUTHORITIES}/{PLAN}");
        // Text and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(plan).unwrap_or_default() + "\n";
        Ok(self.dir.update(&file, &text, Secrecy::Secret).map(|_| ())?)
    }

    fn public(&mut self, file: &str, content: &str) -> Result<(), PkiError> {
        if self.dir.update(file, content, Secrecy::Public)? {
            self.written.push(file.to_owned());
        }
        Ok(())
    }
}

fn certificate_file(member: &Member, authority: Authority) -> String {
    format!("{}/{}.pem", member.name, authority.word())
}
