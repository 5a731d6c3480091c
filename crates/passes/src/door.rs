//! Who is let in as a helper at one server: a pass that is valid here and now, with a proof that
//! was not used before.

use std::collections::HashMap;

use schemas::{
    UnixMillis,
    criteria::{Role, Topic},
};

use crate::{
    keys::PassKeys,
    pass::{Believed, Pass, PassError, PassId},
    proof::{ProofError, SessionProof},
    revocations::{ListError, Revocations},
};

/// Most proofs of one pass that are remembered at a time: a desk opens a few sessions in the two
/// minutes for which a proof is remembered. Whoever has a stolen pass fills no more than that.
pub const PROOFS_PER_PASS: usize = 32;

/// Most passes whose proofs are remembered at a time: the helpers who come to one server within two
/// minutes. With [`PROOFS_PER_PASS`] about a megabyte.
pub const PASSES: usize = 1000;

/// The memory of one server: what it lets in, and what has been used.
#[derive(Debug)]
pub struct Door {
    keys: PassKeys,
    hosts: Vec<String>,
    list: Revocations,
    /// The list as it was signed, for those who ask for it.
    signed: Option<String>,
    used: HashMap<PassId, Vec<Used>>,
}

#[derive(Debug)]
struct Used {
    random: [u8; 16],
    until: UnixMillis,
}

/// Why nobody is let in. Nothing of the pass is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The pass itself.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The operator has taken the pass back.
    #[error("the pass is revoked")]
    Revoked,
    /// The proof was used here before.
    #[error("the proof of the pass was used before")]
    Spent,
    /// Too many come at once: in a minute or two there is room.
    #[error("too many proofs of passes at once: try again in a minute")]
    Busy,
}

impl Refused {
    /// All words of [`Refused::word`].
    pub const WORDS: &[&str] = &[
        "unreadable",
        "forged",
        "expired",
        "long",
        "proof-unreadable",
        "proof-stale",
        "proof-forged",
        "revoked",
        "proof-spent",
        "busy",
    ];

    /// The cause in a word, for whoever counts them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass(PassError::Unreadable) => "unreadable",
            Self::Pass(PassError::Forged) => "forged",
            Self::Pass(PassError::Expired) => "expired",
            Self::Pass(PassError::Long) => "long",
            Self::Proof(ProofError::Unreadable) => "proof-unreadable",
            Self::Proof(ProofError::Stale) => "proof-stale",
            Self::Proof(ProofError::Forged) => "proof-forged",
            Self::Revoked => "revoked",
            Self::Spent => "proof-spent",
            Self::Busy => "busy",
        }
    }
}

/// What became of a list of revoked passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It counts now. These passes were not revoked before.
    Taken(Vec<PassId>),
    /// There is a newer one, or this one.
    Known,
}

impl Door {
    /// Lets in passes that one of these keys has signed, with proofs for one of these hosts.
    pub fn new(keys: PassKeys, hosts: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { keys, hosts, list: Revocations::default(), signed: None, used: HashMap::new() }
    }

    /// What the pass allows, if it is valid and the proof is for it, for here and for now. A proof
    /// that is let in is used up. `own` is one more host that is here, for this proof alone.
    ///
    /// # Errors
    /// With the first fault.
    pub fn admit(
        &mut self,
        pass: &str,
        proof: &str,
        own: Option<&str>,
        now: UnixMillis,
    ) -> Result<Believed, Refused> {
        let believed = Pass::verify(pass, &self.keys, now)?;
        if self.is_revoked(&believed.pass().id) {
            return Err(Refused::Revoked);
        }
        let proof = SessionProof::parse(proof)?;
        let hosts = self.hosts.iter().map(String::as_str).chain(own);
        proof.check(&believed, pass, hosts, now)?;
        self.spend(believed.pass().id, &proof, now)?;
        Ok(believed)
    }

    fn spend(&mut self, id: PassId, proof: &SessionProof, now: UnixMillis) -> Result<(), Refused> {
        self.used.retain(|_, used| {
            used.retain(|used| used.until >= now);
            !used.is_empty()
        });
        if self.used.len() >= PASSES && !self.used.contains_key(&id) {
            return Err(Refused::Busy);
        }
        let used = self.used.entry(id).or_default();
        if used.iter().any(|used| used.random == *proof.random()) {
            return Err(Refused::Spent);
        }
        if used.len() >= PROOFS_PER_PASS {
            return Err(Refused::Busy);
        }
        used.push(Used { random: *proof.random(), until: proof.ends() });
        Ok(())
    }

    /// Takes a list of revoked passes, if it is newer than what is known.
    ///
    /// # Errors
    /// If it is not to be believed.
    pub fn take(&mut self, list: &str, now: UnixMillis) -> Result<Listed, ListError> {
        let newer = Revocations::verify(list, &self.keys, now)?;
        if newer.made() <= self.list.made() {
            return Ok(Listed::Known);
        }
        let revoked = newer.ids().filter(|id| !self.list.contains(id)).copied().collect();
        (self.list, self.signed) = (newer, Some(list.to_owned()));
        Ok(Listed::Taken(revoked))
    }

    /// Whether the operator has taken this pass back.
    pub fn is_revoked(&self, id: &PassId) -> bool {
        self.list.contains(id)
    }

    /// The list that counts, as it was signed.
    pub fn list(&self) -> Option<&str> {
        self.signed.as_deref()
    }

    /// The operator's public keys.
    pub const fn keys(&self) -> &PassKeys {
        &self.keys
    }
}

impl Pass {
    /// Whether its helper may take that part in chats about this topic, or about none.
    pub fn allows(&self, role: Role, topic: Option<&Topic>) -> bool {
        let is_named = |topics: &Vec<Topic>| topic.is_some_and(|topic| topics.contains(topic));
        self.role == role && self.topics.as_ref().is_none_or(is_named)
    }
}

#[cfg(test)]
mod tests;
