//! What gateways are told of how it stands where their people wait.

use schemas::outlook::{Age, ClassState, Partners, RECENT};

use super::*;

fn with_role(n: u8, role: Role) -> Want {
    Want { role: Some(role), ..want(n) }
}

impl Rig {
    /// What this gateway is told of its people with this role; `None` if it is told nothing.
    fn told(&mut self, at: &str, role: Option<Role>) -> Option<ClassState> {
        let told = self.pool.tell(self.now, Past::Known);
        let mut of_node = told.into_iter().filter(|(to, _)| *to == node(at));
        let (_, states) = of_node.next()?;
        assert!(of_node.next().is_none(), "a gateway is told once");
        states.classes.into_iter().find(|state| state.class.role == role)
    }

    /// A pair of these roles meets, the seeker after so many seconds.
    fn meet(&mut self, seeker: u8, helper: u8, secs: u64) {
        self.waits("g1", with_role(seeker, Role::Seek));
        let since = self.now;
        while self.now.since(since) < Duration::from_secs(secs) {
            self.pass(WANT_REPEAT);
            self.waits("g1", with_role(seeker, Role::Seek));
        }
        self.waits("g1", with_role(helper, Role::Offer));
        assert!(!self.pool.take_effects().is_empty(), "{seeker} and {helper} have met");
    }
}

#[test]
fn a_gateway_is_told_of_the_classes_of_its_people_and_of_no_others() {
    let mut rig = Rig::active();
    rig.waits("g1", with_role(1, Role::Seek));
    rig.waits("g2", with_role(2, Role::Seek));
    rig.waits("g2", Want { queue: Queue::Topic([7; 16]), ..with_role(3, Role::Offer) });
    rig.waits("g3", Want { queue: invite(1), ..with_role(4, Role::Seek) });
    let seekers = rig.told("g1", Some(Role::Seek)).unwrap();
    assert_eq!((seekers.waiting, seekers.partners, seekers.on_duty), (2, 0, Some(0)));
    assert_eq!(rig.told("g2", Some(Role::Seek)), Some(seekers));
    assert_eq!(rig.told("g1", Some(Role::Offer)), None, "nobody of it waits for that topic");
    assert_eq!(rig.told("g3", Some(Role::Seek)), None, "an invite is nobody else's business");
    rig.withdraws("g1", 1);
    assert_eq!(rig.told("g1", Some(Role::Seek)), None);
}

#[test]
fn the_ages_at_the_ends_of_the_steps_are_told_where_the_longest_waiting_is_first() {
    let mut rig = Rig::active();
    for n in 1..=11 {
        rig.waits(
            "g1",
            Want { language: (n % 2 == 0).then(|| "ko".parse().unwrap()), ..with_role(n, Role::Seek) },
        );
        rig.now += MOMENT;
    }
    let told = rig.told("g1", Some(Role::Seek)).unwrap();
    assert_eq!(told.oldest, [11, 10, 7, 2].map(|places| Age(MOMENT * places)), "whatever their languages");
    let mut by_origin = Rig { pool: Pool::new(FairBy::Origin, [1; 32]), ..Rig::standby() };
    by_origin.activate();
    by_origin.waits("g1", with_role(1, Role::Seek));
    assert_eq!(by_origin.told("g1", Some(Role::Seek)).unwrap().oldest, []);
}

#[test]
fn who_was_matched_lately_is_on_duty_and_who_waits_again_is_not_counted_twice() {
    let mut rig = Rig::active();
    rig.meet(1, 101, 0);
    rig.waits("g1", with_role(2, Role::Seek));
    let partners = |rig: &mut Rig| {
        let told = rig.told("g1", Some(Role::Seek)).unwrap();
        (told.partners, told.on_duty, told.counterparts())
    };
    assert_eq!(partners(&mut rig), (0, Some(1), Some(Partners::Few)));
    // The helper waits again, for seekers that it may not meet.
    let of_room = |want: Want| Want { met: vec![RememberedRoom(tag(9), MET_LIFE)], ..want };
    rig.withdraws("g1", 2);
    rig.waits("g1", of_room(with_role(3, Role::Seek)));
    rig.waits("g1", of_room(Want { id: id(102), ..with_role(101, Role::Offer) }));
    assert_eq!(partners(&mut rig), (1, Some(0), Some(Partners::Few)));
    rig.withdraws("g1", 102);
    assert_eq!(partners(&mut rig), (0, Some(1), Some(Partners::Few)));
    rig.now += RECENT;
    rig.waits("g1", with_role(5, Role::Seek));
    let told = rig.pool.answer(rig.now, Past::Known, &[Queue::Anyone]);
    let seekers = told.classes.iter().find(|state| state.class.role == Some(Role::Seek)).unwrap();
    assert_eq!(seekers.on_duty, Some(0), "a quarter of an hour is over");
}

#[test]
fn nobody_is_said_to_be_off_duty_by_a_pool_that_has_not_made_all_matches() {
    let mut rig = Rig::active();
    rig.waits("g1", with_role(1, Role::Seek));
    let of_seekers = |rig: &Rig| {
        let told = rig.pool.answer(rig.now, Past::Unknown, &[Queue::Anyone]);
        told.classes.into_iter().find(|state| state.class.role == Some(Role::Seek)).unwrap()
    };
    assert_eq!((of_seekers(&rig).on_duty, of_seekers(&rig).counterparts()), (None, None));
    rig.waits("g1", with_role(2, Role::Offer));
    assert_eq!(of_seekers(&rig).counterparts(), Some(Partners::Few), "but this one was seen");
}

#[test]
fn the_median_wait_of_five_is_told() {
    let mut rig = Rig::active();
    for (n, secs) in (1..).zip([0, 40, 20, 10]) {
        rig.meet(n, 100 + n, secs);
    }
    let median = |rig: &Rig| {
        let told = rig.pool.answer(rig.now, Past::Known, &[Queue::Anyone]);
        told.classes.into_iter().find(|state| state.class.role == Some(Role::Seek)).unwrap().wait
    };
    assert_eq!(median(&rig), None);
    rig.meet(5, 105, 30);
    assert_eq!(median(&rig), Some(Duration::from_secs(20)));
    rig.now += RECENT;
    assert_eq!(median(&rig), None);
}

#[test]
fn an_answer_names_each_role_of_each_queue_of_strangers() {
    let rig = Rig::active();
    let queues = [Queue::Anyone, invite(1), Queue::Topic([1; 16])];
    let told = rig.pool.answer(rig.now, Past::Known, &queues);
    let classes: Vec<_> = told.classes.iter().map(|state| (state.class.queue, state.class.role)).collect();
    let roles = [None, Some(Role::Seek), Some(Role::Offer)];
    let expected = [queues[0], queues[2]].into_iter().flat_map(|queue| roles.map(|role| (queue, role)));
    assert!(expected.eq(classes));
    let many = vec![Queue::Anyone; 10_000];
    assert!(rig.pool.answer(rig.now, Past::Known, &many).classes.len() <= schemas::limits::CLASS_BATCH);
}

#[test]
fn however_many_topics_there_are_each_has_its_turn() {
    let mut rig = Rig::active();
    let topics = 3 * schemas::limits::CLASS_BATCH as u32 / 2;
    for n in 0..topics {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let want = Want {
            id: WantId::from_bytes(bytes),
            session: SessionId::from_random(bytes.map(|byte| byte ^ 0xff)),
            queue: Queue::Topic(bytes),
            ..want(1)
        };
        rig.waits("g1", want);
    }
    let mut told = std::collections::BTreeSet::new();
    for second in 1..=2 {
        let (_, states) = rig.pool.tell(rig.now, Past::Known).pop().unwrap();
        assert_eq!(states.classes.len(), schemas::limits::CLASS_BATCH);
        told.extend(states.classes.into_iter().map(|state| state.class.queue));
        assert_eq!(told.len(), (topics as usize).min(second * schemas::limits::CLASS_BATCH));
    }
}
