//! Sessions that came with a pass.

use schemas::{control::Expectation, criteria::Role, token::PassGrant};

use super::*;

/// How long the passes of these tests last from the start.
const PASS_LIFE: Duration = Duration::from_secs(3600);

/// A token of somebody who has this pass, which is for everything.
fn with_pass(n: u8, jti: &str) -> TokenClaims {
    let exp = (START + PASS_LIFE).as_secs();
    let pass = PassGrant { jti: jti.to_owned(), role: Role::Offer, topics: None, exp };
    TokenClaims { pass: Some(pass), ..fresh_token(n) }
}

fn with_role(role: Role, find: Criteria) -> ClientCommand {
    ClientCommand::Find(Criteria { role: Some(role), ..find })
}

/// What a client is told to expect of the other side, once they are paired.
fn expected(told: &[ToClient]) -> Option<Expectation> {
    let paired = told.iter().find_map(|message| match message {
        ToClient::Unsigned(Unsigned::Paired(_, expect)) => Some(*expect),
        _ => None,
    });
    paired.unwrap_or_else(|| panic!("not paired: {told:?}"))
}

#[test]
fn a_session_lasts_no_longer_than_its_pass_and_says_so_in_each_token() {
    let mut cluster = Cluster::new(1);
    let claims = with_pass(1, "one");
    let helper = cluster.connect_with(0, &claims, 1);
    assert_eq!(newest(&cluster.told(helper)).pass, claims.pass);
    cluster.pass(PASS_LIFE - Duration::from_secs(10));
    assert_eq!(cluster.closed(helper), None);
    assert_eq!(newest(&cluster.told(helper)).pass, claims.pass);
    cluster.secs(10);
    assert_eq!(cluster.closed(helper), Some(CloseCode::SessionOver));
}

#[test]
fn the_other_side_of_who_offers_with_a_pass_expects_a_credential() {
    for gates in [[0, 0], [0, 1]] {
        for (find, role, expect) in [
            (anyone(), Role::Offer, Some(Expectation::Credential)),
            (invited(), Role::Offer, Some(Expectation::Credential)),
            (invited(), Role::Seek, None),
        ] {
            let mut cluster = Cluster::new(2);
            let helper = cluster.connect_with(gates[0], &with_pass(1, "one"), 1);
            let other = cluster.connect(gates[1], 2);
            let theirs = if role == Role::Offer { Role::Seek } else { Role::Offer };
            cluster.ask(helper, with_role(role, find.clone())).unwrap();
            cluster.ask(other, with_role(theirs, find)).unwrap();
            assert_eq!(cluster.want(helper).pass, expect.is_some());
            cluster.match_them(helper, other);
            assert_eq!(expected(&cluster.told(other)), expect);
            assert_eq!(expected(&cluster.told(helper)), None);
        }
    }
}

#[test]
fn all_sessions_of_a_pass_end_with_it_and_no_others() {
    let mut cluster = Cluster::new(2);
    let here = cluster.connect_with(0, &with_pass(1, "one"), 1);
    let there = cluster.connect_with(1, &with_pass(2, "one"), 2);
    let (other, nobody) = (cluster.connect_with(0, &with_pass(3, "other"), 3), cluster.connect(0, 4));
    let ended = cluster.decide(0, |sessions, now| sessions.revoke_passes(now, |pass| pass.jti == "one"));
    assert_eq!(ended, 1, "each gateway ends its own");
    assert_eq!(cluster.closed(here), Some(CloseCode::SessionOver));
    assert!(cluster.gates.iter().all(|gate| gate.sessions.is_revoked(cluster.now, session(1))));
    assert_eq!([there, other, nobody].map(|person| cluster.closed(person)), [None; 3]);
}
