//! Helpers and who seeks them: what a channel does about the proof that somebody is a helper.
//!
//! A helper shows a credential as its first message. Whoever seeks help may require one: then the
//! channel is shut until the owner believes it. Nothing of this side is sent until then, and
//! nothing of the peer is delivered, so that both wait as they do during the handshake.

use std::fmt;
use std::time::Duration;

use passes::{Believed, Credential, CredentialError, Pass, PassKeys, TRANSCRIPT_BYTES};
use schemas::UnixMillis;

use super::limits::PROOF_TIMEOUT;
use super::meeting::Side;
use super::time::Time;
use crate::helper::Helper;

/// The part that a side takes in a chat, as its `find` has said it.
#[derive(Clone, Debug, Default)]
pub enum Part {
    /// Neither seeks help nor has a pass.
    #[default]
    Peer,
    /// Helps, and shows its pass.
    Helper(Box<Helper>),
    /// Seeks help.
    Seeker(Proof),
}

/// Whether who seeks help talks to somebody who has not proved to be a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Talks to anybody.
    Welcome,
    /// Does not.
    Required,
}

/// What the owner makes of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a helper of the operator, by a key of this side's own or by the server's word, and
    /// may hand over to another one.
    Believed,
    /// It may be one: the chat goes on as it is.
    Taken,
    /// It is bad. The chat ends.
    Refused,
}

/// A credential as the peer has shown it in this chat.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    credential: Credential,
    transcript: [u8; TRANSCRIPT_BYTES],
    by: Side,
}

impl Shown {
    pub(crate) const fn new(credential: Credential, transcript: [u8; TRANSCRIPT_BYTES], by: Side) -> Self {
        Self { credential, transcript, by }
    }

    /// Whose it is, if one of these keys has signed the pass, and if the peer has made it for this
    /// chat. Whether it is revoked, and what it allows, are other questions.
    ///
    /// # Errors
    /// With the first fault.
    pub fn verify(&self, keys: &PassKeys, now: UnixMillis) -> Result<Believed, CredentialError> {
        let by = match self.by {
            Side::A => schemas::Side::A,
            Side::B => schemas::Side::B,
        };
        self.credential.verify(keys, &self.transcript, by, now)
    }

    /// What its pass says, whoever has signed it.
    pub fn pass(&self) -> Option<Pass> {
        Pass::read(self.credential.pass())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(…)")
    }
}

/// How far the proof has come, and its clock, which runs while the path is open.
#[derive(Debug, Default)]
pub(super) struct Helping {
    part: Part,
    stage: Stage,
    open_since: Option<Time>,
    /// Time with an open path before that.
    waited: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was shown yet.
    #[default]
    Awaited,
    /// The owner has to judge it.
    Shown,
    /// The owner has taken it.
    Taken,
    /// And believes it.
    Believed,
}

impl Helping {
    pub(super) fn of(part: Part) -> Self {
        Self { part, ..Self::default() }
    }

    /// The credential of this side, if it is a helper.
    pub(super) fn credential(&self, transcript: &[u8; TRANSCRIPT_BYTES], side: Side) -> Option<Vec<u8>> {
        let Part::Helper(helper) = &self.part else { return None };
        let side = match side {
            Side::A => schemas::Side::A,
            Side::B => schemas::Side::B,
        };
        Some(Credential::new(&helper.secret, &helper.pass, transcript, side).bytes())
    }

    /// Whether this side may hand over.
    pub(super) fn is_helper(&self) -> bool {
        matches!(self.part, Part::Helper(_))
    }

    /// Whether a proof is required that has not been believed yet.
    pub(super) fn is_shut(&self) -> bool {
        let open = matches!(self.stage, Stage::Taken | Stage::Believed);
        matches!(self.part, Part::Seeker(Proof::Required)) && !open
    }

    /// Whether the credential may still come.
    pub(super) fn is_awaited(&self) -> bool {
        self.stage == Stage::Awaited
    }

    /// Whether the peer may hand over.
    pub(super) fn is_believed(&self) -> bool {
        self.stage == Stage::Believed
    }

    /// The channel is secured, or its path is open again.
    pub(super) fn resume(&mut self, now: Time) {
        self.open_since.get_or_insert(now);
    }

    /// The path is closed.
    pub(super) fn pause(&mut self, now: Time) {
        if let Some(since) = self.open_since.take() {
            self.waited += now.since(since);
        }
    }

    /// When it is too late for the proof, if the path stays open.
    pub(super) fn deadline(&self) -> Option<Time> {
        let since = self.open_since.filter(|_| self.is_shut() && self.is_awaited())?;
        Some(since + PROOF_TIMEOUT.saturating_sub(self.waited))
    }

    /// The peer shows a credential; `None` if it may not.
    pub(super) fn show(
        &mut self,
        credential: Credential,
        transcript: [u8; TRANSCRIPT_BYTES],
        own: Side,
    ) -> Option<Shown> {
        if !matches!(self.part, Part::Seeker(_)) || self.stage != Stage::Awaited {
            return None;
        }
        self.stage = Stage::Shown;
        let by = match own {
            Side::A => Side::B,
            Side::B => Side::A,
        };
        Some(Shown::new(credential, transcript, by))
    }

    /// The owner's verdict on what was shown, which was not [`Verdict::Refused`].
    pub(super) fn take(&mut self, verdict: Verdict) {
        if self.stage == Stage::Shown {
            self.stage = if verdict == Verdict::Believed { Stage::Believed } else { Stage::Taken };
        }
    }
}
