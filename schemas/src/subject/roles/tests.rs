use super::*;
use crate::subject::inbox_prefix;
use crate::subject::tests::{every_interest, every_subject, wildcard_matches};

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn members() -> Vec<(Service, NodeId)> {
    vec![
        (Service::Gateway, node("g1")),
        (Service::Gateway, node("g2")),
        (Service::Pairing, node("p1")),
        (Service::Janitor, node("j1")),
    ]
}

fn of(role: Service, name: &str) -> Permissions {
    Permissions::of_node(role, &node(name), &members())
}

fn assert_lists(found: &Permissions, publish: &[&str], subscribe: &[&str]) {
    let sorted = |list: &mut Vec<String>| list.sort_unstable();
    let whole = |list: &[&str]| -> Vec<String> {
        let whole = |&text: &&str| match text {
            own if own.starts_with(['_', '$']) => own.to_owned(),
            text => format!("cc.v1.{text}"),
        };
        list.iter().map(whole).collect()
    };
    let (mut found, mut expected) =
        (found.clone(), Permissions { publish: whole(publish), subscribe: whole(subscribe) });
    for list in [&mut found.publish, &mut found.subscribe, &mut expected.publish, &mut expected.subscribe] {
        sorted(list);
    }
    assert_eq!(found, expected);
}

/// The whole list of each role, so that a change of it is seen when it is reviewed.
#[test]
fn a_gateway_has_these_permissions_and_no_others() {
    assert_lists(
        &of(Service::Gateway, "g1"),
        &[
            "room.*.frame.*",
            "room.*.peer.*",
            "room.*.event.gateway",
            "presence.*",
            "want.g1",
            "report.g1",
            "origin.g1",
            "session.*.event.gateway",
            "room.*.at-g1.*",
            "joined.g1.*",
            "present.g1.*",
            "attached.g1.*",
            "session.*.ask",
            "key.*.gateway.g1",
            "lease.g1",
            "sync.g1",
            "node.gateway.g1",
            "orders.ask",
            "_INBOX_g1.>",
            "_INBOX_g2.>",
            "_INBOX_j1.>",
            "_INBOX_p1.>",
            "_INBOX_ops.>",
        ],
        &[
            "room.*.*.g1",
            "room.*.event.*",
            "presence.g1",
            "match.g1",
            "queue.g1",
            "origin.*",
            "report.*",
            "session.*.event.*",
            "joined.*.*",
            "present.*.g1",
            "attached.*.*",
            "session.*.ask",
            "key.*.*.*",
            "sync.*",
            "node.gateway.*",
            "node.pairing.*",
            "node.janitor.*",
            "order.*",
            "orders.ask",
            "_INBOX_g1.>",
            "$SRV.>",
        ],
    );
}

#[test]
fn a_pairing_node_has_these_permissions_and_no_others() {
    assert_lists(
        &of(Service::Pairing, "p1"),
        &["match.*", "queue.*", "node.pairing.p1", "orders.ask", "_INBOX_p1.>", "_INBOX_ops.>"],
        &[
            "want.*",
            "report.*",
            "node.gateway.*",
            "node.pairing.*",
            "node.janitor.*",
            "order.*",
            "orders.ask",
            "_INBOX_p1.>",
            "$SRV.>",
        ],
    );
}

#[test]
fn a_janitor_has_these_permissions_and_no_others() {
    assert_lists(
        &of(Service::Janitor, "j1"),
        &[
            "room.*.event.janitor",
            "session.*.event.janitor",
            "key.*.janitor.j1",
            "sync.j1",
            "node.janitor.j1",
            "orders.ask",
            "_INBOX_j1.>",
            "_INBOX_g1.>",
            "_INBOX_g2.>",
            "_INBOX_p1.>",
            "_INBOX_ops.>",
        ],
        &[
            "room.*.peer.*",
            "room.*.event.*",
            "session.*.event.*",
            "joined.*.*",
            "attached.*.*",
            "session.*.ask",
            "key.*.*.*",
            "lease.*",
            "sync.*",
            "node.gateway.*",
            "node.pairing.*",
            "node.janitor.*",
            "order.*",
            "orders.ask",
            "_INBOX_j1.>",
            "$SRV.>",
        ],
    );
}

#[test]
fn who_watches_has_these_permissions_and_no_others() {
    assert_lists(
        &Permissions::of_operator(),
        &["$SRV.>", "order.*", "orders.ask", "_INBOX_ops.>"],
        &["node.>", "room.*.event.>", "room.*.peer.*", "joined.>", "key.>", "order.*", "_INBOX_ops.>"],
    );
}

#[test]
fn a_role_may_publish_on_exactly_the_subjects_that_have_it_as_a_publisher() {
    // The node that these subjects name where they name a node.
    let named = node(&"x".repeat(64));
    for role in Service::ALL {
        for subject in every_subject() {
            let text = subject.text();
            let speaker = match &subject {
                Subject::OwnPeer(_, own, _)
                | Subject::OwnRoom(_, own)
                | Subject::OwnPresence(own, _)
                | Subject::OwnSession(_, own) => own,
                _ => &named,
            };
            let permissions = Permissions::of_node(role, speaker, &members());
            let speaker_fits = match &subject {
                Subject::Room(_, speaker) | Subject::Session(_, speaker) | Subject::Key(_, speaker, _) => {
                    *speaker == role
                }
                Subject::Node(service, _) => *service == role,
                _ => true,
            };
            let expected = subject.publishers().contains(&role) && speaker_fits;
            let permitted = permissions.publish.iter().any(|wildcard| wildcard_matches(wildcard, &text));
            assert_eq!(permitted, expected, "{role:?} {text}");
        }
    }
}

/// Where a subject names its publisher, nobody may publish in another's name.
#[test]
fn no_node_speaks_for_another() {
    for role in Service::ALL {
        let permissions = Permissions::of_node(role, &node("me"), &members());
        let named = [Kind::Want, Kind::Report, Kind::Origin, Kind::Key, Kind::Lease, Kind::Sync, Kind::Node];
        let own = [Kind::OwnPeer, Kind::OwnRoom, Kind::OwnPresence, Kind::OwnSession];
        for kind in named.into_iter().chain(own) {
            for other in Service::ALL {
                let theirs = kind.published_by(other, &node("other"));
                assert!(
                    !permissions.publish.iter().any(|wildcard| wildcard_matches(wildcard, &theirs)),
                    "{role:?} {theirs}"
                );
            }
        }
    }
}

/// An order is believed by its signature, and still no node may publish one.
#[test]
fn only_the_operator_publishes_orders() {
    let order = Kind::Order.published_by(Service::Gateway, &node("g1"));
    for (role, name) in members() {
        let permissions = Permissions::of_node(role, &name, &members());
        assert!(!permissions.publish.contains(&order), "{role:?}");
        assert!(permissions.subscribe.contains(&order), "{role:?}");
    }
    assert!(Permissions::of_operator().publish.contains(&order));
}

#[test]
fn what_is_published_is_received_by_some_role() {
    for subject in every_subject() {
        let received = every_interest().into_iter().any(|interest| {
            let roles = Service::ALL.into_iter();
            interest.covers(&subject)
                && roles
                    .flat_map(|role| Interest::of(role, &node(&"x".repeat(64))))
                    .chain(Interest::of_orders())
                    .any(|own| own == interest)
        });
        assert!(received, "{}", subject.text());
    }
}

#[test]
fn who_receives_a_question_and_answers_may_reach_every_inbox_that_asks() {
    for role in Service::ALL {
        for (kind, question) in [(Kind::Ask, Interest::Asks), (Kind::Sync, Interest::Syncs)] {
            let receives = Interest::of(role, &node("me")).contains(&question);
            assert_eq!(receives, kind.answered_by().contains(&role), "{role:?} {kind:?}");
            for (asker, name) in members().iter().filter(|(asker, _)| kind.publishers().contains(asker)) {
                let inbox = format!("{}.abc", inbox_prefix(name));
                let permissions = Permissions::of_node(role, &node("me"), &members());
                let permitted = permissions.publish.iter().any(|wildcard| wildcard_matches(wildcard, &inbox));
                assert_eq!(permitted, receives, "{role:?} answers {asker:?}");
            }
        }
    }
}
