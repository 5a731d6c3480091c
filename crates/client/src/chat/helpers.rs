//! What a chat makes of a helper's credential: what it is worth, and what has to be known for that.

use std::{pin::Pin, time::Duration};

use passes::{Believed, CredentialError, Pass, PassKeys, Revocations};
use schemas::{
    UnixMillis,
    codec::sha256,
    criteria::{MatchBy, Role},
};

use crate::{
    channel::{Shown, Verdict},
    rest::Session,
};

/// A list of revoked passes that is older may keep quiet about a theft.
const OLDEST_LIST: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of a helper. Only [`Standing::Verified`] deserves a sign that people trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The operator's key, which this program knows by itself, has signed the pass, and a new list
    /// of the operator does not name it as revoked: nobody without such a pass is in between.
    Verified,
    /// The same, but there was no list of the last 24 hours: the pass may be revoked.
    Unlisted,
    /// The key is the server's word alone.
    ServerSays,
    /// No key is known. Anybody may have made the pass.
    Unknown,
}

/// What a pass has to be for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) by: MatchBy,
    /// SHA-256 of the only key that will do, after a handover.
    pub(super) colleague: Option<[u8; 32]>,
}

/// What has to be known to judge a credential.
pub(super) struct Known {
    pub(super) keys: Keys,
    /// As it was fetched.
    pub(super) list: Option<String>,
}

/// The operator's keys, and who says that they are.
#[derive(Clone)]
pub(super) enum Keys {
    /// This program.
    Pinned(PassKeys),
    /// The server.
    Told(PassKeys),
    /// Nobody.
    None,
}

/// The credential is bad: the chat has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Credential(CredentialError),
    Unreadable,
    Revoked,
    /// For another role or topic.
    NotForThis,
    /// Not the colleague's.
    SomebodyElse,
}

/// What a credential is worth.
pub(super) fn judge(
    shown: &Shown,
    wanted: &Wanted,
    known: &Known,
    now: UnixMillis,
) -> Result<(Standing, Pass), Bad> {
    let (keys, pinned) = match &known.keys {
        Keys::Pinned(keys) => (keys, true),
        Keys::Told(keys) => (keys, false),
        Keys::None => {
            let pass = shown.pass().ok_or(Bad::Unreadable)?;
            // Without a key nothing is known of a colleague either.
            return if wanted.colleague.is_none() {
                Ok((Standing::Unknown, pass))
            } else {
                Err(Bad::SomebodyElse)
            };
        }
    };
    let believed = shown.verify(keys, now).map_err(Bad::Credential)?;
    check(believed.pass(), wanted)?;
    let list = known.list.as_ref().and_then(|list| Revocations::verify(list, keys, now).ok());
    // A list does not forget: an old one that names the pass is as good as a new one.
    if list.as_ref().is_some_and(|list| list.contains(&believed.pass().id)) {
        return Err(Bad::Revoked);
    }
    let standing = match (pinned, list) {
        (true, Some(list)) if list.age(now) <= OLDEST_LIST => Standing::Verified,
        (true, _) => Standing::Unlisted,
        (false, _) => Standing::ServerSays,
    };
    Ok((standing, pass_of(&believed)))
}

fn check(pass: &Pass, wanted: &Wanted) -> Result<(), Bad> {
    if wanted.colleague.is_some_and(|hash| sha256(&[&pass.key]) != hash) {
        return Err(Bad::SomebodyElse);
    }
    let allowed = match &wanted.by {
        MatchBy::Random(topic) => pass.allows(Role::Offer, topic.as_ref()),
        // Who has the invite was chosen, whatever the topic.
        MatchBy::Invite(_) => pass.role == Role::Offer,
    };
    if allowed { Ok(()) } else { Err(Bad::NotForThis) }
}

fn pass_of(believed: &Believed) -> Pass {
    believed.pass().clone()
}

impl Standing {
    /// What the channel is told.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            // Who takes the server's word for a helper takes it for the colleague as well.
            Self::Verified | Self::ServerSays => Verdict::Believed,
            Self::Unlisted | Self::Unknown => Verdict::Taken,
        }
    }
}

/// A credential, and what is being fetched to judge it.
pub(super) struct Judging {
    pub(super) shown: Box<Shown>,
    known: Pin<Box<dyn Future<Output = Known> + Send>>,
}

impl Judging {
    pub(super) fn begin(shown: Box<Shown>, session: Session, pinned: Option<PassKeys>) -> Self {
        Self { shown, known: Box::pin(learn(session, pinned)) }
    }

    /// What there is to know. Nothing is lost if the future is dropped.
    pub(super) async fn known(&mut self) -> Known {
        self.known.as_mut().await
    }
}

async fn learn(session: Session, pinned: Option<PassKeys>) -> Known {
    let keys = match pinned {
        Some(keys) => Keys::Pinned(keys),
        None => {
            let told = session.status().await.ok().and_then(|status| status.pass_keys());
            told.map_or(Keys::None, Keys::Told)
        }
    };
    let list = match keys {
        Keys::None => None,
        Keys::Pinned(_) | Keys::Told(_) => session.revoked_passes().await.ok(),
    };
    Known { keys, list }
}

#[cfg(test)]
mod tests;
