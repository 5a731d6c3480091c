//! What those who wait are told of what they may expect.

use schemas::{
    criteria::Role,
    outlook::{Age, Class, ClassState, Partners, QueueStates},
};

use super::*;

const NOTHING: Outlook = Outlook { ahead: None, partners: None, about_s: None };

fn seeking(topic: &str) -> Criteria {
    Criteria { role: Some(Role::Seek), ..about(topic) }
}

/// How it stands with so many partners.
fn states(find: &Criteria, partners: u32) -> QueueStates {
    let class = Class { queue: find.queue(), role: find.role, channel: find.channel };
    let state = ClassState { class, waiting: 1, partners, on_duty: Some(0), wait: None, oldest: Vec::new() };
    QueueStates { classes: vec![state] }
}

fn told(partners: Partners) -> ToClient {
    ToClient::Waiting(Outlook { partners: Some(partners), ..NOTHING })
}

impl Cluster {
    fn hears_of(&mut self, find: &Criteria, partners: u32) {
        let states = states(find, partners);
        self.handle(0, Message::Queue { to: node(0), states });
    }
}

/// Somebody who waits, and has heard `waiting`.
fn waiting(cluster: &mut Cluster, n: u8, find: &Criteria) -> Person {
    let person = cluster.connect(0, n);
    cluster.ask(person, ClientCommand::Find(find.clone())).unwrap();
    assert_eq!(news(cluster.told(person)), [ToClient::Waiting(NOTHING)]);
    person
}

#[test]
fn only_whoever_waits_in_the_class_is_told_and_only_of_a_change() {
    let mut cluster = Cluster::new(1);
    let find = seeking("grief");
    let person = waiting(&mut cluster, 1, &find);
    let others = [seeking("debt"), about("grief"), Criteria { role: Some(Role::Offer), ..about("grief") }];
    let others: Vec<_> = (2..).zip(&others).map(|(n, find)| waiting(&mut cluster, n, find)).collect();
    cluster.hears_of(&find, 0);
    assert_eq!(cluster.told(person), [told(Partners::None)]);
    cluster.secs(6);
    cluster.hears_of(&find, 0);
    assert_eq!(cluster.told(person), [], "nothing has changed");
    for other in others {
        assert_eq!(cluster.told(other), []);
    }
}

#[test]
fn a_change_is_told_every_five_seconds_at_most() {
    let mut cluster = Cluster::new(1);
    let find = seeking("grief");
    let person = waiting(&mut cluster, 1, &find);
    let mut heard = Vec::new();
    for second in 0..12 {
        cluster.hears_of(&find, second % 2);
        heard.extend(cluster.told(person).into_iter().map(|message| (second, message)));
        cluster.secs(1);
    }
    assert_eq!(heard, [(0, told(Partners::None)), (5, told(Partners::Few)), (10, told(Partners::None))]);
}

#[test]
fn how_many_are_ahead_follows_from_ones_own_age() {
    let mut cluster = Cluster::new(1);
    let find = seeking("grief");
    let [first, second] = [1, 2].map(|n| {
        let person = waiting(&mut cluster, n, &find);
        cluster.secs(1);
        person
    });
    let mut states = states(&find, 0);
    states.classes[0].oldest = [2, 1].map(|secs| Age(Duration::from_secs(secs))).into();
    cluster.handle(0, Message::Queue { to: node(0), states });
    let told = |ahead| {
        [ToClient::Waiting(Outlook { ahead: Some(ahead), partners: Some(Partners::None), ..NOTHING })]
    };
    assert_eq!((&cluster.told(first)[..], &cluster.told(second)[..]), (&told(0)[..], &told(1)[..]));
}

#[test]
fn what_pairing_does_not_confirm_is_taken_back() {
    let mut cluster = Cluster::new(1);
    let find = seeking("grief");
    let person = waiting(&mut cluster, 1, &find);
    cluster.hears_of(&find, 1);
    assert_eq!(cluster.told(person), [told(Partners::Few)]);
    cluster.secs(29);
    assert_eq!(news(cluster.told(person)), []);
    cluster.secs(3);
    assert_eq!(news(cluster.told(person)), [ToClient::Waiting(NOTHING)]);
    cluster.hears_of(&find, 1);
    cluster.secs(5);
    cluster.hears_of(&find, 1);
    assert_eq!(news(cluster.told(person)), [told(Partners::Few)]);
}

#[test]
fn a_find_that_changes_nothing_says_what_is_known_and_another_one_forgets_it() {
    let mut cluster = Cluster::new(1);
    let find = seeking("grief");
    let person = waiting(&mut cluster, 1, &find);
    cluster.hears_of(&find, 7);
    cluster.ask(person, ClientCommand::Find(find.clone())).unwrap();
    assert_eq!(cluster.told(person), [told(Partners::Many), told(Partners::Many)]);
    cluster.ask(person, ClientCommand::Find(seeking("debt"))).unwrap();
    cluster.hears_of(&find, 0);
    assert_eq!(cluster.told(person), [ToClient::Waiting(NOTHING)]);
}
