//! Who is in which chat, as the people themselves see it. The two of a chat have the same safety
//! code; a chat with a third, or with somebody who is elsewhere, is noticed here.

use std::collections::HashMap;

use client::chat::End;
use schemas::control::EndReason;
use tokio::time::Instant;

use crate::account::{Direction, Sums};

/// What somebody has done in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Is there.
    Present,
    /// Has left, gone on or reported.
    Gone { since: Instant },
    /// Has closed the program without a word.
    Dropped { since: Instant },
    /// Was told that the chat is over.
    Told { since: Instant },
}

#[derive(Debug)]
struct Member {
    life: u64,
    standing: Standing,
    /// What this one has sent.
    direction: Direction,
}

/// All chats of a crowd, by their safety codes.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: HashMap<String, Vec<Member>>,
}

impl Rooms {
    /// Somebody has come to a secured chat.
    pub(crate) fn enter(&mut self, code: &str, life: u64, sums: &mut Sums) {
        let room = self.rooms.entry(code.to_owned()).or_default();
        room.push(Member { life, standing: Standing::Present, direction: Direction::default() });
        if room.len() > 2 {
            sums.three += 1;
            sums.fault(format!("{} people in one chat", room.len()));
        }
    }

    /// The number of somebody's next text.
    pub(crate) fn next_number(&self, code: &str, life: u64) -> u64 {
        let room = self.rooms.get(code).into_iter().flatten();
        room.filter(|member| member.life == life).map(|member| member.direction.next_number()).sum()
    }

    pub(crate) fn sent(&mut self, code: &str, life: u64, due: Instant, sums: &mut Sums) {
        if let Some(member) = self.member(code, |member| member.life == life) {
            member.direction.sent(due, sums);
        }
    }

    /// Somebody reads a text of `author`.
    pub(crate) fn received(
        &mut self,
        code: &str,
        life: u64,
        author: u64,
        number: u64,
        healed: Option<Instant>,
        sums: &mut Sums,
    ) {
        match self.member(code, |member| member.life == author && author != life) {
            Some(member) => member.direction.received(number, healed, sums),
            None => {
                sums.foreign += 1;
                sums.fault(format!("{life} read a text of {author}, who is in another chat"));
            }
        }
    }

    /// Somebody goes; the other has to be told.
    pub(crate) fn goes(&mut self, code: &str, life: u64, standing: Standing) {
        if let Some(member) = self.member(code, |member| member.life == life) {
            member.standing = standing;
        }
    }

    /// Somebody who has not gone is told that the chat is over.
    pub(crate) fn told(&mut self, code: &str, life: u64, end: End, sums: &mut Sums) {
        let other = self.other(code, life).map(|member| (member.standing, member.direction.under_way()));
        let standing = other.map(|(standing, _)| standing);
        let has_gone = matches!(standing, Some(Standing::Gone { .. }));
        match end {
            // A bye comes after all that was sent before it.
            End::PeerBye if has_gone => {
                let missing = other.map_or(0, |(_, missing)| missing);
                if missing > 0 {
                    sums.lost += missing;
                    sums.fault(format!("{missing} texts did not come, and the bye after them did"));
                }
            }
            End::Room(EndReason::Left) if has_gone => {}
            End::Room(EndReason::Expired) if matches!(standing, Some(Standing::Dropped { .. })) => {}
            End::Fault(_) | End::Closed(_) => {
                sums.broken += 1;
                sums.fault(format!("a chat broke: {end:?}, the other is {standing:?}"));
            }
            _ => {
                sums.wrong_ended += 1;
                sums.fault(format!("a chat ended: {end:?}, the other is {standing:?}"));
            }
        }
        self.goes(code, life, Standing::Told { since: Instant::now() });
        self.tidy(code);
    }

    /// Since when the other of a chat is not there any more; `None` while they are.
    pub(crate) fn other_is_gone_since(&self, code: &str, life: u64) -> Option<Instant> {
        match self.other(code, life)?.standing {
            Standing::Gone { since } | Standing::Dropped { since } | Standing::Told { since } => Some(since),
            Standing::Present => None,
        }
    }

    /// Whether somebody's chat has never had another.
    pub(crate) fn is_alone(&self, code: &str) -> bool {
        self.rooms.get(code).is_none_or(|room| room.len() < 2)
    }

    /// How many directions between two who are both there have texts under way.
    pub(crate) fn under_way(&self) -> u64 {
        let all_there = |room: &&Vec<Member>| {
            room.len() == 2 && room.iter().all(|member| member.standing == Standing::Present)
        };
        let directions = self.rooms.values().filter(all_there).flatten();
        directions.filter(|member| member.direction.under_way() > 0).count() as u64
    }

    fn member(&mut self, code: &str, is: impl Fn(&Member) -> bool) -> Option<&mut Member> {
        self.rooms.get_mut(code)?.iter_mut().find(|member| is(member))
    }

    fn other(&self, code: &str, life: u64) -> Option<&Member> {
        self.rooms.get(code)?.iter().find(|member| member.life != life)
    }

    /// Forgets a chat that both have been through.
    fn tidy(&mut self, code: &str) {
        let over = |room: &Vec<Member>| {
            room.len() > 1 && room.iter().all(|member| member.standing != Standing::Present)
        };
        if self.rooms.get(code).is_some_and(over) {
            self.rooms.remove(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "10000 10001 10002";

    fn two() -> (Rooms, Sums) {
        let (mut rooms, mut sums) = (Rooms::default(), Sums::default());
        rooms.enter(CODE, 1, &mut sums);
        rooms.enter(CODE, 2, &mut sums);
        (rooms, sums)
    }

    fn wrong(sums: &Sums) -> [u64; 5] {
        [sums.lost, sums.foreign, sums.broken, sums.wrong_ended, sums.three]
    }

    #[test]
    fn a_third_and_a_stranger_are_noticed() {
        let (mut rooms, mut sums) = two();
        rooms.received(CODE, 1, 9, 0, None, &mut sums);
        rooms.enter(CODE, 3, &mut sums);
        assert_eq!(wrong(&sums), [0, 1, 0, 0, 1]);
    }

    #[test]
    fn an_end_needs_somebody_who_has_gone() {
        let gone = |standing: Option<Standing>, end| {
            let (mut rooms, mut sums) = two();
            if let Some(standing) = standing {
                rooms.goes(CODE, 2, standing);
            }
            rooms.told(CODE, 1, end, &mut sums);
            wrong(&sums)
        };
        let since = Instant::now();
        let left = Some(Standing::Gone { since });
        let dropped = Some(Standing::Dropped { since });
        assert_eq!(gone(left, End::PeerBye), [0; 5]);
        assert_eq!(gone(left, End::Room(EndReason::Left)), [0; 5]);
        assert_eq!(gone(dropped, End::Room(EndReason::Expired)), [0; 5]);
        for (standing, end) in [
            (None, End::PeerBye),
            (None, End::Room(EndReason::Left)),
            (left, End::Room(EndReason::Expired)),
            (dropped, End::PeerBye),
            (left, End::Room(EndReason::Shutdown)),
        ] {
            assert_eq!(gone(standing, end), [0, 0, 0, 1, 0], "{standing:?} {end:?}");
        }
    }

    #[test]
    fn a_bye_that_overtakes_a_text_has_lost_it() {
        let (mut rooms, mut sums) = two();
        rooms.sent(CODE, 2, Instant::now(), &mut sums);
        rooms.goes(CODE, 2, Standing::Gone { since: Instant::now() });
        rooms.told(CODE, 1, End::PeerBye, &mut sums);
        assert_eq!(wrong(&sums), [1, 0, 0, 0, 0]);
    }
}
