//! Turns of origins, rounds, wants that are offered later, and origins that are avoided.

use schemas::{Origin, event::Report};

use super::*;

const ROUND: Duration = rounds::ROUND;

fn fair() -> Rig {
    let mut rig = Rig { pool: Pool::new(FairBy::Origin, [1; 32]), now: START };
    rig.activate();
    rig
}

fn origin(n: u8) -> Origin {
    Origin::from_bytes([n; 12])
}

/// Want `n` of an origin.
fn of(n: u8, place: u8) -> Want {
    Want { origin: Some(origin(place)), ..want(n) }
}

fn later(n: u8, secs: u64) -> Want {
    Want { delay: Duration::from_secs(secs), ..of(n, n) }
}

impl Rig {
    /// Repeats these wants with their age, until so much time has passed.
    fn wait(&mut self, time: Duration, wants: &[Want]) {
        let end = self.now + time;
        while self.now < end {
            self.pass(WANT_REPEAT.min(end.since(self.now)));
            for want in wants {
                let age = want.age + self.now.since(START);
                self.waits("g1", Want { age, ..want.clone() });
            }
        }
    }

    fn pairs(&mut self) -> usize {
        self.pool.take_effects().len()
    }
}

#[test]
fn where_few_come_two_are_matched_at_once() {
    let mut rig = fair();
    (1..=4).for_each(|n| rig.waits("g1", of(n, n)));
    assert_eq!(rig.pairs(), 2);
}

#[test]
fn where_many_come_all_wait_for_the_round() {
    let mut rig = fair();
    (1..=4).for_each(|n| rig.waits("g1", of(n, n)));
    rig.pairs();
    (5..=8).for_each(|n| rig.waits("g1", of(n, n)));
    rig.pass(ROUND - MOMENT);
    rig.sends(&[]);
    rig.pass(MOMENT);
    assert_eq!(rig.pairs(), 2);
    assert_eq!(rig.pool.waiting(), 0);
}

#[test]
fn people_of_an_invite_never_wait_for_a_round() {
    let mut rig = fair();
    for n in 0..20 {
        let code = |n| Want { queue: invite(n / 2), ..of(n + 1, n) };
        rig.waits("g1", code(n));
    }
    assert_eq!(rig.pairs(), 10);
}

#[test]
fn a_change_of_a_want_that_waits_does_not_anticipate_a_round() {
    let mut rig = fair();
    rig.waits("g1", Want { met: vec![RememberedRoom(tag(1), Duration::from_secs(3))], ..of(1, 1) });
    rig.waits("g1", Want { met: vec![RememberedRoom(tag(1), Duration::from_secs(3))], ..of(2, 2) });
    rig.pass(Duration::from_secs(2));
    // Three more of whom nobody may meet anybody keep the market busy.
    for n in 3..=5 {
        rig.waits("g1", Want { met: vec![RememberedRoom(tag(1), MET_LIFE)], ..of(n, n) });
    }
    rig.pass(Duration::from_secs(2));
    rig.waits("g1", Want { met: Vec::new(), age: Duration::from_secs(4), ..of(1, 1) });
    rig.sends(&[]);
    rig.pass(ROUND);
    assert_eq!(rig.pairs(), 1);
}

#[test]
fn a_want_that_is_offered_later_meets_only_who_has_waited_for_so_long() {
    let mut rig = fair();
    let wants = [later(1, 20), later(2, 0)];
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    rig.wait(Duration::from_secs(19), &wants);
    rig.sends(&[]);
    rig.wait(Duration::from_secs(2), &wants);
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

#[test]
fn whoever_else_comes_is_preferred_to_a_want_that_is_offered_later() {
    let mut rig = fair();
    let wants = [later(1, 20), later(2, 0)];
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    rig.wait(Duration::from_secs(10), &wants);
    rig.waits("g1", later(3, 0));
    rig.sends(&[pair("g1", (2, "g1"), (3, "g1"))]);
}

#[test]
fn two_that_are_offered_later_meet_when_both_have_waited_long_enough() {
    let mut rig = fair();
    let wants = [later(1, 5), later(2, 60)];
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    rig.wait(Duration::from_secs(59), &wants);
    rig.sends(&[]);
    rig.wait(Duration::from_secs(2), &wants);
    assert_eq!(rig.pool.counts().matches, 1);
}

#[test]
fn no_want_is_offered_more_than_a_minute_later() {
    let mut rig = fair();
    let wants = [later(1, 100_000), later(2, 0)];
    wants.iter().for_each(|want| rig.waits("g1", want.clone()));
    rig.wait(Duration::from_secs(61), &wants);
    assert_eq!(rig.pool.counts().matches, 1);
}

#[test]
fn where_age_counts_nobody_is_offered_later() {
    let mut rig = Rig::active();
    rig.waits("g1", later(1, 60));
    rig.waits("g1", later(2, 0));
    rig.sends(&[pair("g1", (1, "g1"), (2, "g1"))]);
}

fn report(rig: &mut Rig, room: u8, reported: &Want) {
    let session = reported.session.tag();
    let event = Report { room: tag(room), session, origin: reported.origin, reporter: None, chats: 1 };
    rig.pool.report(rig.now, &event);
}

/// Somebody who has reported the other side of room 1.
fn reporter(n: u8, place: u8) -> Want {
    Want { reported: vec![tag(1)], ..of(n, place) }
}

#[test]
fn who_has_reported_somebody_does_not_meet_that_origin_for_half_an_hour() {
    let mut rig = fair();
    report(&mut rig, 1, &of(9, 7));
    rig.waits("g1", reporter(1, 1));
    rig.waits("g1", of(2, 7));
    rig.sends(&[]);
    rig.waits("g1", of(3, 8));
    assert_eq!(rig.pairs(), 1, "another origin");
    let mut rig = fair();
    report(&mut rig, 1, &of(9, 7));
    rig.pass(Duration::from_secs(30 * 60));
    rig.waits("g1", reporter(1, 1));
    rig.waits("g1", of(2, 7));
    assert_eq!(rig.pairs(), 1, "half an hour later");
}

#[test]
fn one_report_never_parts_two_crowds() {
    let mut rig = fair();
    // Five of them, who wait for different things.
    for n in 2..=6 {
        rig.waits("g1", Want { queue: Queue::Topic([n; 16]), ..of(n, 7) });
    }
    report(&mut rig, 1, &of(2, 7));
    rig.waits("g1", reporter(1, 1));
    rig.waits("g1", Want { id: id(102), stamp: Stamp(2), ..of(2, 7) });
    rig.sends(&[]);
    rig.waits("g1", Want { id: id(103), stamp: Stamp(2), ..of(3, 7) });
    rig.pass(ROUND);
    assert_eq!(rig.pairs(), 1, "everybody but the one who was reported");
}

#[test]
fn who_reports_somebody_of_the_same_origin_is_not_left_alone() {
    let mut rig = fair();
    report(&mut rig, 1, &of(2, 7));
    rig.waits("g1", reporter(1, 7));
    rig.waits("g1", of(2, 7));
    rig.sends(&[]);
    rig.waits("g1", of(3, 7));
    assert_eq!(rig.pairs(), 1);
}

#[test]
fn the_one_who_was_reported_is_kept_away_also_with_an_older_token_on_another_gateway() {
    let mut rig = fair();
    report(&mut rig, 1, &of(2, 7));
    rig.waits("g1", reporter(1, 1));
    rig.waits("g2", Want { origin: Some(origin(8)), ..of(2, 7) });
    rig.sends(&[]);
    rig.waits("g2", of(3, 8));
    assert_eq!(rig.pairs(), 2, "anybody else");
}
