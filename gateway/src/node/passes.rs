//! Helpers at this gateway: whom their passes let in, what they may offer, and how passes are taken
//! back.

use parking_lot::Mutex;
use passes::{Believed, Door, ListError, Listed, PassId};
use schemas::{
    SessionId, UnixMillis,
    control::{ControlError, ErrorCode},
    criteria::{Criteria, MatchBy, Role},
    token::PassGrant,
};

use super::Node;
use crate::{
    config::Config,
    helpers::{Helpers, PassRefusal, PassRules},
};

/// The door for passes, if the operator has named keys.
pub(super) fn door(config: &Config, now: UnixMillis) -> Option<Mutex<Door>> {
    let PassRules { keys, hosts, revoked } = config.passes.clone()?;
    let mut door = Door::new(keys, hosts);
    // That of an order is judged, and told of, with the orders.
    if let Some(Err(fault)) = revoked.map(|it| door.take(&it.list, now)) {
        unfit(&fault, "a file");
    }
    Some(Mutex::new(door))
}

/// Whoever has an unfit list goes on with the one before: nobody is let in by that who was not.
fn unfit(fault: &ListError, of: &'static str) {
    tracing::error!(
        event = "passes.unfit",
        of,
        fault = %fault,
        "a list of revoked passes is unfit: the one before counts"
    );
}

impl Node {
    /// What a pass allows, if it is valid and its proof is for it, for here and for now. The proof
    /// is used up by that. `host` is what the request names.
    ///
    /// # Errors
    /// With the cause, which is counted and not for whoever came.
    pub(crate) fn admit_helper(
        &self,
        pass: Option<&str>,
        proof: Option<&str>,
        host: Option<&str>,
    ) -> Result<PassGrant, PassRefusal> {
        let judged = self.judge_pass(pass, proof, host);
        self.metrics.passes.count(&judged);
        judged
    }

    fn judge_pass(
        &self,
        pass: Option<&str>,
        proof: Option<&str>,
        host: Option<&str>,
    ) -> Result<PassGrant, PassRefusal> {
        let (Some(pass), Some(proof)) = (pass, proof) else { return Err(PassRefusal::Half) };
        let (Some(door), Some(rules)) = (&self.door, &self.config.passes) else {
            return Err(PassRefusal::NoKey);
        };
        // Where no host is named, it is a server to try things out, on the machine's own.
        let own = host.filter(|host| rules.hosts.is_empty() && is_own(host));
        let believed = door.lock().admit(pass, proof, own, self.clock.now());
        believed.map(|believed| grant(&believed)).map_err(PassRefusal::Refused)
    }

    /// Whether the operator has taken back the pass of a token.
    pub(crate) fn is_taken_back(&self, pass: Option<&PassGrant>) -> bool {
        let id = || PassId::try_from(pass?.jti.clone()).ok();
        self.door.as_ref().is_some_and(|door| id().is_some_and(|id| door.lock().is_revoked(&id)))
    }

    /// Takes a signed list of the passes that are taken back, if it is newer than the one that
    /// counts, and ends the sessions that came with one of them. Says whether it was newer; without
    /// keys of passes nothing is.
    ///
    /// # Errors
    /// If it is not to be believed.
    pub fn take_revoked_passes(&self, list: &str) -> Result<bool, ListError> {
        let Some(door) = &self.door else { return Ok(false) };
        let listed = door.lock().take(list, self.clock.now())?;
        let Listed::Taken(revoked) = listed else { return Ok(false) };
        // Whoever connects meanwhile is asked again under the lock of the sessions.
        let ended = self.decide(|sessions, now| {
            sessions.revoke_passes(now, |pass| {
                PassId::try_from(pass.jti.clone()).is_ok_and(|id| revoked.contains(&id))
            })
        });
        tracing::info!(
            event = "passes.list",
            new = revoked.len(),
            ended,
            "a newer list of revoked passes counts"
        );
        Ok(true)
    }

    /// The same with the list of an order. The key of orders is not that of passes: what this node
    /// cannot believe changes nothing.
    pub(crate) fn obey_list(&self, list: Option<&str>) {
        if let Some(Err(fault)) = list.map(|list| self.take_revoked_passes(list)) {
            unfit(&fault, "an order");
        }
    }

    /// The signed list that counts.
    pub(crate) fn revoked_passes(&self) -> Option<String> {
        self.door.as_ref()?.lock().list().map(str::to_owned)
    }

    /// Refuses help to strangers that needs a pass which the session does not have.
    pub(super) fn may_offer(&self, session: SessionId, find: &Criteria) -> Result<(), ControlError> {
        let is_free = self.config.helpers == Helpers::Anyone
            || find.role != Some(Role::Offer)
            || matches!(find.by, MatchBy::Invite(_));
        if is_free || self.hub.lock().sessions.is_covered(session, find) {
            return Ok(());
        }
        Err(ControlError::new(ErrorCode::PassRequired, "who offers this here needs a pass for it"))
    }
}

/// What a session keeps of its pass.
fn grant(believed: &Believed) -> PassGrant {
    let pass = believed.pass();
    let topics = pass.topics.as_ref().map(|topics| topics.iter().map(PassGrant::tag).collect());
    PassGrant { jti: pass.id.to_string(), role: pass.role, topics, exp: pass.expires }
}

/// Whether a host, with a port or without, is the machine itself.
fn is_own(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(six) => six.split_once(']').map_or("", |(six, _)| six),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    ["localhost", "127.0.0.1", "::1"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_is_known_by_three_names() {
        for own in ["localhost", "localhost:8080", "LocalHost:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["localhost.example", "chat.example:8080", "127.0.0.1.example", "[::2]:8080", "", "["] {
            assert!(!is_own(other), "{other}");
        }
    }
}
