//! Durations that must be the same on all nodes of a cluster: each node relies on the others to
//! keep them.

use std::time::Duration;

use crate::limits;

/// Default of [`Lifetimes::key_rotation`].
pub const KEY_ROTATION: Duration = Duration::from_secs(60 * 60);
/// Default of [`Lifetimes::token_life`].
pub const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);
/// Default of [`Lifetimes::grace`]: a phone that sleeps for two minutes comes back into its chat.
pub const GRACE: Duration = Duration::from_secs(3 * 60);

/// With a shorter token life a client would do little else than renew its token.
pub const MIN_TOKEN_LIFE: Duration = Duration::from_secs(2);

/// How long keys, tokens and absences last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long a gateway signs with one key.
    pub key_rotation: Duration,
    /// How long a token or a ticket is valid.
    pub token_life: Duration,
    /// How long a side may stay away before its room ends.
    pub grace: Duration,
}

/// How long it is remembered that a room has ended: no ticket from before is valid for longer.
pub fn end_memory(token_life: Duration) -> Duration {
    token_life + limits::LEEWAY
}

/// How long it is remembered that a session was deleted: two token lives. A node whose clock is
/// behind by up to one token life would believe the session's last token for so long.
pub fn revocation_memory(token_life: Duration) -> Duration {
    token_life * 2 + limits::LEEWAY
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { key_rotation: KEY_ROTATION, token_life: TOKEN_LIFE, grace: GRACE }
    }
}

/// A fault in [`Lifetimes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// The token life is out of bounds.
    #[error("the token life is {0:?}: choose between {MIN_TOKEN_LIFE:?} and {SESSION:?}", SESSION = limits::SESSION_LIFE)]
    TokenLife(Duration),
    /// A side could come back with an expired ticket.
    #[error(
        "the grace is {grace:?}: it must be more than zero and less than half the token life ({token_life:?})"
    )]
    Grace {
        /// As given.
        grace: Duration,
        /// As given.
        token_life: Duration,
    },
    /// More keys would be valid at once than a key ring has room for.
    #[error("the key rotation is {rotation:?}: it must not be shorter than the token life ({token_life:?})")]
    Rotation {
        /// As given.
        rotation: Duration,
        /// As given.
        token_life: Duration,
    },
}

impl Lifetimes {
    /// All faults, not only the first.
    pub fn check(&self) -> Vec<LifetimeError> {
        let Self { key_rotation: rotation, token_life, grace } = *self;
        let mut faults = Vec::new();
        if !(MIN_TOKEN_LIFE..=limits::SESSION_LIFE).contains(&token_life) {
            faults.push(LifetimeError::TokenLife(token_life));
        }
        if grace.is_zero() || grace >= token_life / 2 {
            faults.push(LifetimeError::Grace { grace, token_life });
        }
        if rotation < token_life {
            faults.push(LifetimeError::Rotation { rotation, token_life });
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The faults of the defaults with one change.
    fn faults(change: impl FnOnce(&mut Lifetimes)) -> Vec<LifetimeError> {
        let mut lifetimes = Lifetimes::default();
        change(&mut lifetimes);
        lifetimes.check()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Lifetimes::default().check(), []);
    }

    #[test]
    fn a_grace_is_shorter_than_half_a_token_life() {
        let token_life = 100 * SECOND;
        let with = |grace| faults(|l| (l.token_life, l.grace) = (token_life, grace));
        assert_eq!(with(49 * SECOND), []);
        for grace in [Duration::ZERO, 50 * SECOND, Duration::MAX] {
            assert_eq!(with(grace), [LifetimeError::Grace { grace, token_life }]);
        }
    }

    #[test]
    fn a_token_is_valid_for_two_seconds_to_one_session() {
        let with = |life| faults(|l| (l.token_life, l.key_rotation, l.grace) = (life, life, life / 4));
        for life in [MIN_TOKEN_LIFE, limits::SESSION_LIFE] {
            assert_eq!(with(life), []);
        }
        for life in [MIN_TOKEN_LIFE - SECOND, limits::SESSION_LIFE + SECOND] {
            assert_eq!(with(life), [LifetimeError::TokenLife(life)]);
        }
    }

    #[test]
    fn a_key_signs_for_at_least_one_token_life() {
        let (rotation, token_life) = (TOKEN_LIFE - SECOND, TOKEN_LIFE);
        assert_eq!(faults(|l| l.key_rotation = token_life), []);
        assert_eq!(faults(|l| l.key_rotation = rotation), [LifetimeError::Rotation { rotation, token_life }]);
    }
}
