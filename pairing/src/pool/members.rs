//! The origins of each class: how many wants each has, and where it is in the rotation.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand::rngs::StdRng;
use schemas::UnixMillis;

use super::{
    index_key::{Place, RoleQueue},
    rotation::{Clock, Position, turns},
};

/// So long an origin whose last want has left keeps its position, where many come: most people are
/// back from a chat by then. Otherwise who has just had a turn would come back as a newcomer.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// How many origins without a want are kept, in about 60 MB.
const MOST_KEPT: usize = 500_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Members {
    members: BTreeMap<(RoleQueue, Place), Member>,
    clocks: BTreeMap<RoleQueue, Clock>,
    /// Origins without wants, by when they are forgotten.
    idle: VecDeque<(UnixMillis, RoleQueue, Place)>,
}

/// One origin of a class.
#[derive(Debug)]
struct Member {
    position: Position,
    wants: u32,
    /// When it is forgotten, if it has no wants by then.
    kept_until: UnixMillis,
}

impl Members {
    /// A want of this origin has come.
    pub(super) fn joined(&mut self, now: UnixMillis, role_queue: RoleQueue, place: Place, rng: &mut StdRng) {
        let clock = self.clocks.entry(role_queue).or_default();
        match self.members.get_mut(&(role_queue, place)) {
            Some(member) => {
                if member.wants == 0 {
                    member.position = clock.rejoin(member.position);
                }
                clock.change_turns(turns(member.wants), turns(member.wants + 1));
                member.wants += 1;
            }
            None => {
                clock.change_turns(0, turns(1));
                let member = Member { position: clock.join(rng), wants: 1, kept_until: now };
                self.members.insert((role_queue, place), member);
            }
        }
    }

    /// A want of this origin has left.
    pub(super) fn left(&mut self, now: UnixMillis, role_queue: RoleQueue, place: Place, keep: bool) {
        let (Some(member), Some(clock)) =
            (self.members.get_mut(&(role_queue, place)), self.clocks.get_mut(&role_queue))
        else {
            return;
        };
        clock.change_turns(turns(member.wants), turns(member.wants - 1));
        member.wants -= 1;
        if member.wants > 0 {
            return;
        }
        if keep && self.idle.len() < MOST_KEPT {
            member.kept_until = now + KEPT;
            self.idle.push_back((member.kept_until, role_queue, place));
        } else {
            self.forget(role_queue, place);
        }
    }

    fn forget(&mut self, role_queue: RoleQueue, place: Place) {
        let Some(member) = self.members.remove(&(role_queue, place)) else { return };
        if let Some(clock) = self.clocks.get_mut(&role_queue) {
            clock.change_turns(turns(member.wants), 0);
            if clock.is_empty() {
                self.clocks.remove(&role_queue);
            }
        }
    }

    /// Where an origin is in the rotation.
    pub(super) fn position(&self, role_queue: RoleQueue, place: Place) -> Position {
        self.members.get(&(role_queue, place)).map(|member| member.position).unwrap_or_default()
    }

    /// An origin has used a turn. Returns its next.
    pub(super) fn take_turn(&mut self, role_queue: RoleQueue, place: Place, rng: &mut StdRng) -> Position {
        let (Some(member), Some(clock)) =
            (self.members.get_mut(&(role_queue, place)), self.clocks.get_mut(&role_queue))
        else {
            return Position::default();
        };
        member.position = clock.take_turn(member.position, turns(member.wants), rng);
        member.position
    }

    /// Forgets origins that have left long ago, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            let Some((until, role_queue, place)) = self.idle.front().copied().filter(|it| it.0 <= now) else {
                break;
            };
            self.idle.pop_front();
            let is_over = |member: &Member| member.wants == 0 && member.kept_until == until;
            if self.members.get(&(role_queue, place)).is_some_and(is_over) {
                self.forget(role_queue, place);
            }
        }
        if self.idle.capacity() > 1024 && self.idle.capacity() > 4 * self.idle.len() {
            self.idle.shrink_to(2 * self.idle.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use schemas::{
        Origin, SessionId, Stamp, WantId,
        criteria::{ChannelVersion, Queue},
        event::Want,
    };

    use super::*;
    use crate::pool::FairBy;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn place(n: u8) -> Place {
        let want = Want {
            id: WantId::from_bytes([n; 16]),
            session: SessionId::from_random([n; 16]),
            stamp: Stamp(1),
            age: Duration::ZERO,
            queue: Queue::Anyone,
            role: None,
            language: None,
            channel: schemas::criteria::ChannelVersion::CURRENT,
            met: Vec::new(),
            reported: Vec::new(),
            origin: Some(Origin::from_bytes([n; 12])),
            pass: false,
            delay: Duration::ZERO,
            trace: None,
        };
        Place::of(&want, FairBy::Origin)
    }

    #[test]
    fn who_has_left_keeps_its_position_for_a_while_and_nothing_remains_of_it() {
        let (mut members, mut rng) = (Members::default(), StdRng::from_seed([1; 32]));
        let class = RoleQueue::new(Queue::Anyone, None, ChannelVersion::CURRENT);
        members.joined(NOW, class, place(1), &mut rng);
        members.joined(NOW, class, place(2), &mut rng);
        let served = members.take_turn(class, place(1), &mut rng);
        members.left(NOW, class, place(1), true);
        members.left(NOW, class, place(2), false);
        members.joined(NOW, class, place(1), &mut rng);
        assert_eq!(members.position(class, place(1)), served, "it comes back to where it was");
        members.expire(NOW + KEPT, 9);
        assert_eq!(members.members.len(), 1, "it waits");
        members.left(NOW + KEPT, class, place(1), true);
        members.expire(NOW + KEPT * 2, 9);
        assert!(members.members.is_empty() && members.clocks.is_empty() && members.idle.is_empty());
    }
}
