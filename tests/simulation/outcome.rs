//! What must be true of a story after everything was repaired and some time has passed.

use schemas::{
    Service, SessionId,
    control::PeerState,
    criteria::{Criteria, Role},
    session::SessionState,
};

use super::{
    client::{Phase, Presence},
    things::Machine,
    world::World,
};

/// The sum of all time limits: half-open sockets are noticed (35 s), three presence periods pass in
/// silence (42 s), graces go on (10 s) and run out (20 s), seats are kept (5 s); and some more.
const SETTLING: u64 = 130_000;

/// How long everything that people leave behind may take to be forgotten.
const FORGETTING: u64 = 130_000;

/// In one of this many stories all people leave at the end.
const EMPTIED: u64 = 4;

impl World {
    /// Repairs everything, waits, and checks everybody.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.mend_all();
        self.say(|_| "everything is mended".into());
        self.run_until(self.now + SETTLING)?;
        if self.profile.janitors == 0 && self.is_a_session_held_twice() {
            // Only who hears all leases can see that. Without any janitor it lasts until there is
            // one, and no longer.
            self.add_node(Service::Janitor, 0);
            self.run_until(self.now + SETTLING)?;
        }
        for client in 0..self.clients.len() {
            if self.clients[client].presence == Presence::Here {
                self.look_at(client)?;
            }
        }
        self.look_at_waiting()?;
        self.talk()?;
        if self.seed.is_multiple_of(EMPTIED) { self.empty() } else { Ok(()) }
    }

    /// Whether two gateways both take a session for connected there: one of them has missed that it
    /// was replaced.
    fn is_a_session_held_twice(&self) -> bool {
        let holds = |node: &usize, session| match &self.nodes[*node].machine {
            Machine::Gateway(gateway) => {
                gateway.sessions.locate(session).is_some_and(|answer| answer.connected)
            }
            _ => false,
        };
        let gateways = self.gateways();
        self.clients
            .iter()
            .any(|client| gateways.iter().filter(|node| holds(node, client.session)).count() > 1)
    }

    /// Whether a gateway that still runs has deleted it. What only a crashed one knew is forgotten.
    fn is_deleted(&self, session: SessionId) -> bool {
        let revoked = self.ledger.revoked.get(&session);
        revoked.is_some_and(|(node, inc)| self.nodes[*node].incarnation == *inc)
    }

    /// A client has one connection, and its state is the one that its gateway knows.
    fn look_at(&self, client: usize) -> Result<(), String> {
        let it = &self.clients[client];
        let wrong = |what: &str| Err(format!("client {client} ({:?}) {what}", it.phase()));
        let Some((main, phase)) = it.main.zip(it.phase()) else { return wrong("is not connected") };
        if it.tabs.len() != 1 {
            return wrong("has an older connection that believes itself current");
        }
        if self.is_deleted(it.session) {
            return wrong("was deleted");
        }
        let state = match phase {
            Phase::Opening => return wrong("never became ready"),
            Phase::Idle => SessionState::Idle,
            Phase::Waiting => SessionState::Waiting,
            Phase::Room { .. } => SessionState::Paired,
        };
        for node in self.gateways() {
            let Machine::Gateway(gateway) = &self.nodes[node].machine else { continue };
            let answer = gateway.sessions.locate(it.session);
            let is_here = self.sockets[&main].node == node;
            match answer {
                Some(answer) if is_here && (!answer.connected || answer.state != state) => {
                    return wrong(&format!("is {answer:?} to its gateway"));
                }
                Some(answer) if !is_here && answer.connected => return wrong("is attached twice"),
                None if is_here => return wrong("is not known to its gateway"),
                _ => {}
            }
        }
        match phase {
            Phase::Room { room, side, peer } => {
                if peer == PeerState::Away {
                    return wrong("waits for a partner beyond the grace");
                }
                if self.ledger.is_over(it.session, room) {
                    return wrong("is in a room that is over");
                }
                let partner =
                    self.ledger.partner(it.session, room).and_then(|session| self.of_session(session));
                let across = partner.and_then(|partner| self.clients[partner].phase());
                let agrees =
                    across == Some(Phase::Room { room, side: side.other(), peer: PeerState::Online });
                if agrees {
                    Ok(())
                } else {
                    wrong(&format!("is with client {partner:?}, which is {across:?}"))
                }
            }
            _ => Ok(()),
        }
    }

    fn of_session(&self, session: SessionId) -> Option<usize> {
        self.clients.iter().position(|client| client.session == session && client.presence == Presence::Here)
    }

    /// No two that may be matched are both left waiting.
    ///
    /// That two were in one room is no reason by itself: where a gateway that knew of it has
    /// crashed before it told anybody, they are strangers again. They may be kept apart only if
    /// pairing was told of both that they remember the room. It does not follow that it must keep
    /// them apart: of what it was told it may have missed or forgotten something (a replica that
    /// has crashed, the ninth room), and then they meet again. So this is all that is true of every
    /// story: such a pair may wait, no other may. That no two are matched of whom it was told at
    /// once is checked when they are shown their room.
    fn look_at_waiting(&self) -> Result<(), String> {
        let waiting: Vec<_> = (0..self.clients.len())
            .filter(|client| self.clients[*client].phase() == Some(Phase::Waiting))
            .collect();
        for (n, one) in waiting.iter().enumerate() {
            for other in &waiting[n + 1..] {
                let (first, second) = (&self.clients[*one], &self.clients[*other]);
                let Some((criteria, theirs)) = first.waits_for().zip(second.waits_for()) else {
                    return Err(format!("client {one} or {other} waits for nothing"));
                };
                let apart = self.ledger.may_be_kept_apart(first.session, second.session, criteria.queue());
                if !apart && fits(criteria, theirs) {
                    return Err(format!("clients {one} and {other} wait for each other"));
                }
            }
        }
        Ok(())
    }

    /// Frames are relayed in both directions.
    fn talk(&mut self) -> Result<(), String> {
        let mut talking = Vec::new();
        for client in 0..self.clients.len() {
            let it = &mut self.clients[client];
            let Some(main) = it.main.filter(|_| it.presence == Presence::Here) else { continue };
            if let Some(tab) = it.tabs.get_mut(&main).filter(|tab| matches!(tab.phase, Phase::Room { .. })) {
                tab.received = 0;
                talking.push((client, main));
                self.chat(client, main);
            }
        }
        self.run_until(self.now + 1_000)?;
        for (client, main) in talking {
            if self.clients[client].tabs.get(&main).is_none_or(|tab| tab.received != 1) {
                return Err(format!("client {client} hears nothing from its partner"));
            }
        }
        Ok(())
    }

    /// Everybody leaves; nothing of them remains.
    fn empty(&mut self) -> Result<(), String> {
        self.say(|_| "everybody goes away".into());
        for client in 0..self.clients.len() {
            self.clients[client].presence = Presence::Gone;
            for conn in self.clients[client].tabs.keys().copied().collect::<Vec<_>>() {
                self.abandon(conn);
            }
        }
        self.run_until(self.now + FORGETTING)?;
        for node in 0..self.nodes.len() {
            let name = self.name(node);
            match &self.nodes[node].machine {
                Machine::Gateway(gateway) => {
                    let remains = self
                        .clients
                        .iter()
                        .position(|client| gateway.sessions.locate(client.session).is_some());
                    if let Some(client) = remains {
                        return Err(format!("{name} still holds something of client {client}"));
                    }
                    if gateway.sessions.load() != schemas::event::Load::default() {
                        return Err(format!("{name} is not empty: {:?}", gateway.sessions.load()));
                    }
                }
                Machine::Pairing(replica) if replica.pool.waiting() > 0 => {
                    return Err(format!("{name} still holds wants"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether two with these criteria would be matched; after so long a time any language fits.
fn fits(one: &Criteria, other: &Criteria) -> bool {
    let roles = matches!(
        (one.role, other.role),
        (None, None) | (Some(Role::Seek), Some(Role::Offer)) | (Some(Role::Offer), Some(Role::Seek))
    );
    one.queue() == other.queue() && roles
}
