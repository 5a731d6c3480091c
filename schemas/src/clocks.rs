//! Whether this node's clock is right: a fold over the times in the heartbeats of the others. Pure:
//! the time comes in as an argument.
//!
//! No clock is believed, only the middle of at least three others. A node that is further from it
//! than [`limits::LEEWAY`] would believe tokens that have expired, or refuse those that have not.

use std::{collections::BTreeMap, time::Duration};

use crate::{BootId, NodeId, UnixMillis, event::Heartbeat, limits};

/// How many heartbeats of a node are compared: one that was late on its way shows nothing.
const HEARTBEATS: usize = 3;

/// How many other nodes must agree on a time before this node believes them rather than itself.
pub const WITNESSES: usize = 3;

/// Heartbeats that come so soon after a pause of this node or of its bus may have waited on the
/// way.
const SETTLE: Duration = Duration::from_secs(5);

/// So long after its start a node waits for a comparison, if there are enough others.
const STARTING: Duration = Duration::from_secs(10);

/// So long without an input, this node was stopped: heartbeats come every second.
const STALL: Duration = Duration::from_secs(2);

/// How many nodes are compared at most, some 100 bytes each. The median of so many is right, and
/// nobody can fill this node's memory with names.
const NODES: usize = 1024;

/// How this node's clock compares with those of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockState {
    /// No other node was heard for long enough.
    #[default]
    Unknown,
    /// It agrees with the others.
    Right,
    /// It differs from one or two others: nobody can tell which of them is wrong.
    Differs(Skew),
    /// It differs from the middle of three others or more: it is wrong.
    Wrong(Skew),
}

/// How far this node's clock is from that of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew(i64);

impl Skew {
    /// In milliseconds; positive if the others are ahead.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Skew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.unsigned_abs() / 1000;
        write!(f, "{seconds} s {}", if self.0 > 0 { "behind" } else { "ahead of" })
    }
}

/// The clocks of the other nodes, compared with that of this one.
#[derive(Debug)]
pub struct Clocks {
    me: NodeId,
    others: BTreeMap<NodeId, Witness>,
    started: UnixMillis,
    begun: bool,
    last: UnixMillis,
    /// Before this time nothing is compared: the last result stays.
    settled_at: UnixMillis,
    state: ClockState,
}

/// The last heartbeats of one node.
#[derive(Debug)]
struct Witness {
    boot: BootId,
    heard: UnixMillis,
    /// Its time less the time here when it was heard, of the last heartbeats, in milliseconds.
    skews: [i64; HEARTBEATS],
    count: usize,
}

impl Clocks {
    /// Nobody has been heard.
    pub fn new(me: NodeId, now: UnixMillis) -> Self {
        Self {
            me,
            others: BTreeMap::new(),
            started: now,
            begun: false,
            last: now,
            settled_at: UnixMillis(0),
            state: ClockState::default(),
        }
    }

    /// Applies a heartbeat.
    pub fn hear(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) {
        self.notice_stall(now);
        let Some(time) = heartbeat.time else { return };
        if *from == self.me || now < self.settled_at {
            return;
        }
        if !self.others.contains_key(from) && self.others.len() >= NODES {
            return;
        }
        let witness = self.others.entry(from.clone()).or_insert_with(|| Witness::new(heartbeat.boot, now));
        if witness.boot != heartbeat.boot {
            *witness = Witness::new(heartbeat.boot, now);
        }
        witness.hear(now, difference(time, now));
    }

    /// Messages may have been missed, or the bus was lost: what comes next may have waited.
    pub fn gap(&mut self, now: UnixMillis) {
        self.others.clear();
        self.settled_at = now + SETTLE;
    }

    /// Compares again. To be called about once in [`limits::HEARTBEAT`].
    pub fn compare(&mut self, now: UnixMillis) -> ClockState {
        self.notice_stall(now);
        self.others.retain(|_, witness| now.since(witness.heard) < limits::NODE_SILENCE);
        // As long again as three heartbeats take: until then the last result is the best one.
        if now >= self.settled_at + limits::NODE_SILENCE || self.witnesses().count() >= WITNESSES {
            self.state = self.judge();
        }
        self.state
    }

    /// Whether this node has just started among enough others to compare with, and has not heard
    /// them for long enough yet. Later it goes on with what it knew: when all others come back at
    /// once, nobody is to be sent away.
    pub fn is_pending(&self) -> bool {
        let is_starting = !self.begun && self.last.since(self.started) < STARTING;
        is_starting && self.state == ClockState::Unknown && self.others.len() >= WITNESSES
    }

    /// This node begins to work unless it waits for a comparison: it does not wait for nodes that
    /// come later, or whoever it serves by then would be sent away.
    pub fn begin(&mut self) {
        self.begun |= !self.is_pending();
    }

    fn notice_stall(&mut self, now: UnixMillis) {
        if now.since(self.last) >= STALL {
            self.gap(now);
        }
        self.last = now;
    }

    fn witnesses(&self) -> impl Iterator<Item = i64> {
        self.others.values().filter_map(Witness::skew)
    }

    fn judge(&self) -> ClockState {
        let mut skews: Vec<_> = self.witnesses().collect();
        skews.sort_unstable();
        let Some(skew) = median(&skews) else { return ClockState::Unknown };
        if skew.unsigned_abs() <= limits::LEEWAY.as_millis() as u64 {
            ClockState::Right
        } else if skews.len() >= WITNESSES {
            ClockState::Wrong(Skew(skew))
        } else {
            ClockState::Differs(Skew(skew))
        }
    }
}

impl Witness {
    fn new(boot: BootId, now: UnixMillis) -> Self {
        Self { boot, heard: now, skews: [0; HEARTBEATS], count: 0 }
    }

    fn hear(&mut self, now: UnixMillis, skew: i64) {
        self.heard = now;
        self.skews[self.count % HEARTBEATS] = skew;
        self.count += 1;
    }

    /// Its clock as the quickest of its last heartbeats shows it: the way only makes one look
    /// behind.
    fn skew(&self) -> Option<i64> {
        (self.count >= HEARTBEATS).then(|| self.skews.iter().copied().max())?
    }
}

fn difference(time: UnixMillis, now: UnixMillis) -> i64 {
    let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
    signed(time.0).saturating_sub(signed(now.0))
}

/// Of an even number, the mean of the middle two.
fn median(sorted: &[i64]) -> Option<i64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(lower.midpoint(upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// A node and the others that it hears, each with its clock off by so many milliseconds.
    struct Rig {
        clocks: Clocks,
        now: UnixMillis,
        others: Vec<(NodeId, i64)>,
    }

    impl Rig {
        fn with(skews: &[i64]) -> Self {
            let named = |(n, &skew): (usize, &i64)| (node(&format!("n{n}")), skew);
            let others = skews.iter().enumerate().map(named).collect();
            Self { clocks: Clocks::new(node("me"), START), now: START, others }
        }

        fn beat(&mut self) -> ClockState {
            self.now += limits::HEARTBEAT;
            for (other, skew) in &self.others {
                let time = Some(UnixMillis(self.now.0.checked_add_signed(*skew).unwrap()));
                let beat = Heartbeat { time, ..Heartbeat::new(BootId(1), "") };
                self.clocks.hear(self.now, other, &beat);
            }
            self.clocks.compare(self.now)
        }

        fn beats(&mut self, count: usize) -> ClockState {
            (0..count).map(|_| self.beat()).last().unwrap()
        }
    }

    #[test]
    fn three_others_that_agree_show_a_wrong_clock() {
        for skew in [30_000, -30_000] {
            let mut rig = Rig::with(&[skew, skew + 100, skew - 100]);
            assert!(!rig.clocks.is_pending(), "nobody is there");
            assert_eq!(rig.beats(2), ClockState::Unknown, "two heartbeats of each do not");
            assert!(rig.clocks.is_pending(), "but they will");
            assert_eq!(rig.beat(), ClockState::Wrong(Skew(skew)));
            assert!(!rig.clocks.is_pending());
        }
    }

    #[test]
    fn two_others_only_warn_and_one_that_is_wrong_misleads_nobody() {
        let mut two = Rig::with(&[30_000, 30_000]);
        assert_eq!(two.beats(9), ClockState::Differs(Skew(30_000)));
        assert!(!two.clocks.is_pending());
        assert_eq!(Rig::with(&[i64::from(u32::MAX), 100, 0]).beats(9), ClockState::Right);
        assert_eq!(Rig::with(&[]).beats(9), ClockState::Unknown);
    }

    #[test]
    fn the_leeway_is_granted() {
        assert_eq!(Rig::with(&[5000; 3]).beats(5), ClockState::Right);
        assert_eq!(Rig::with(&[-5001; 3]).beats(5), ClockState::Wrong(Skew(-5001)));
        // The mean of the middle two.
        assert_eq!(Rig::with(&[0, 4000, 8000, 9000]).beats(5), ClockState::Wrong(Skew(6000)));
    }

    #[test]
    fn what_waited_during_a_stall_shows_nothing_and_the_last_result_stays() {
        let mut rig = Rig::with(&[0; 3]);
        assert_eq!(rig.beats(3), ClockState::Right);
        rig.now += Duration::from_secs(60);
        // As old as the pause was long.
        rig.others.iter_mut().for_each(|(_, skew)| *skew = -60_000);
        assert_eq!(rig.beats(3), ClockState::Right);
        rig.others.iter_mut().for_each(|(_, skew)| *skew = 0);
        assert_eq!(rig.beats(9), ClockState::Right);
        let mut wrong = Rig::with(&[60_000; 3]);
        wrong.beats(3);
        wrong.clocks.gap(wrong.now);
        assert_eq!(wrong.beats(7), ClockState::Wrong(Skew(60_000)), "a pause excuses no wrong clock");
    }

    #[test]
    fn when_the_others_have_gone_nothing_is_known() {
        let mut rig = Rig::with(&[60_000; 3]);
        assert_eq!(rig.beats(3), ClockState::Wrong(Skew(60_000)));
        rig.others.truncate(2);
        assert_eq!(rig.beats(4), ClockState::Differs(Skew(60_000)));
        rig.others.clear();
        assert_eq!(rig.beats(9), ClockState::Unknown);
    }

    #[test]
    fn who_has_begun_among_few_does_not_wait_for_those_that_come_later() {
        let mut rig = Rig::with(&[0; 3]);
        let third = rig.others.pop();
        rig.beat();
        rig.clocks.begin();
        rig.others.extend(third);
        rig.beat();
        assert!(!rig.clocks.is_pending());
        let mut among_three = Rig::with(&[0; 3]);
        among_three.beat();
        among_three.clocks.begin();
        assert!(among_three.clocks.is_pending(), "who waits already goes on to");
    }

    #[test]
    fn when_all_others_come_back_at_once_nothing_is_held_back() {
        let mut rig = Rig::with(&[0; 3]);
        assert_eq!(rig.beats(5), ClockState::Right);
        let others = std::mem::take(&mut rig.others);
        assert_eq!(rig.beats(20), ClockState::Unknown);
        rig.others = others;
        for _ in 0..3 {
            rig.beat();
            assert!(!rig.clocks.is_pending());
        }
    }

    #[test]
    fn a_node_that_has_started_again_is_heard_three_times_again() {
        let mut rig = Rig::with(&[60_000; 3]);
        rig.beats(5);
        let time = Some(rig.now);
        let again = Heartbeat { time, ..Heartbeat::new(BootId(2), "") };
        rig.clocks.hear(rig.now, &node("n0"), &again);
        assert_eq!(rig.clocks.compare(rig.now), ClockState::Differs(Skew(60_000)));
    }

    #[test]
    fn its_own_heartbeat_and_a_crowd_of_names_change_nothing() {
        let mut rig = Rig::with(&[0; 2]);
        rig.others.push((node("me"), 90_000));
        assert_eq!(rig.beats(5), ClockState::Right);
        let mut crowd = Rig::with(&vec![0; NODES + 100]);
        crowd.beats(3);
        assert_eq!(crowd.clocks.others.len(), NODES);
    }

    #[test]
    fn people_are_told_in_which_direction_it_is_wrong() {
        assert_eq!(Skew(30_400).to_string(), "30 s behind");
        assert_eq!(Skew(-61_000).to_string(), "61 s ahead of");
    }
}
