//! Which orders are in force: a fold over the signed orders that a node is given. Of each kind the
//! one with the highest number counts, whatever the order in which they come.

use std::collections::BTreeMap;

use crate::{
    BootId, NodeId, UnixMillis,
    control::{ServiceState, Strangers},
    limits,
    order::{Order, OrderKind, OrderMark, Outcome, SignedOrder},
};

/// The public half of the operator's key (Ed25519).
pub type OrderKey = [u8; 32];

/// The newest order of each kind.
///
/// One that is over is kept, so that it still keeps older ones away: whoever has the network could
/// otherwise bring back what the operator has replaced or taken back.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    key: Option<OrderKey>,
    newest: BTreeMap<OrderKind, SignedOrder>,
}

/// What the orders in force come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What clients are told.
    pub service: ServiceState,
    /// What a new session costs, instead of what the node was configured with; 0 is no work.
    pub admission: Option<u32>,
    /// The signed list of the passes that are taken back.
    pub revoked_passes: Option<String>,
}

/// Who has brought an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bringer {
    /// Whoever issues it, now.
    Issuer,
    /// Somebody who keeps it: another node, or a file. One that is over tells what it has replaced.
    Keeper,
}

impl Orders {
    /// Judges orders by this key; without one it takes none.
    pub fn new(key: Option<OrderKey>) -> Self {
        Self { key, newest: BTreeMap::new() }
    }

    /// Takes an order, if it counts. If not, nothing changes.
    pub fn take(&mut self, now: UnixMillis, order: &SignedOrder, bringer: Bringer) -> Outcome {
        let Some(key) = &self.key else { return Outcome::NoKey };
        // The cheap questions first.
        if order.check().is_err() {
            return Outcome::Unfit;
        }
        match self.newest.get(&order.kind()) {
            Some(newest) if newest == order => return Outcome::Known,
            Some(newest) if newest.number >= order.number => return Outcome::OutOfOrder,
            _ => {}
        }
        if order.number > now + limits::LEEWAY {
            return Outcome::Ahead;
        }
        let is_over = order.expires <= now;
        if is_over && bringer == Bringer::Issuer {
            return Outcome::Expired;
        }
        if !order.is_signed_with(key) {
            return Outcome::Forged;
        }
        self.newest.insert(order.kind(), order.clone());
        if is_over { Outcome::Expired } else { Outcome::Taken }
    }

    /// The orders in force, by kind.
    pub fn in_force(&self, now: UnixMillis) -> impl Iterator<Item = &SignedOrder> {
        let resumed = self.newest.get(&OrderKind::Resume).map(|resume| resume.number);
        self.newest.values().filter(move |order| {
            let is_lasting = matches!(order.kind(), OrderKind::Resume | OrderKind::RevokePasses);
            let is_ended = !is_lasting && resumed > Some(order.number);
            now < order.expires && !is_ended && !is_empty(&order.order)
        })
    }

    /// What the orders in force come to.
    pub fn rules(&self, now: UnixMillis) -> Rules {
        let (mut service, mut admission, mut revoked_passes) = (ServiceState::default(), None, None);
        for SignedOrder { order, .. } in self.in_force(now) {
            match order {
                Order::Pause if service.strangers == Strangers::Meet => service.strangers = Strangers::Paused,
                Order::InvitesOnly => service.strangers = Strangers::NotOffered,
                Order::Close(text) => service.closed = Some(text.clone()),
                Order::Admission(hashes) => admission = Some(*hashes),
                Order::Notice(text) => service.notice = Some(text.clone()),
                Order::RevokePasses(list) => revoked_passes = Some(list.clone()),
                Order::Pause | Order::Drain { .. } | Order::Resume => {}
            }
        }
        Rules { service, admission, revoked_passes }
    }

    /// Whether this run of this node is to stop.
    pub fn drains(&self, now: UnixMillis, node: &NodeId, boot: BootId) -> bool {
        let me = Order::Drain { node: node.clone(), boot };
        self.in_force(now).any(|order| order.order == me)
    }

    /// How heartbeats tell of the orders in force.
    pub fn marks(&self, now: UnixMillis) -> Vec<OrderMark> {
        self.in_force(now).map(SignedOrder::mark).collect()
    }

    /// Whether another node has a newer order than this one.
    pub fn is_behind(&self, marks: &[OrderMark]) -> bool {
        let is_newer = |&OrderMark(kind, number, _): &OrderMark| {
            self.newest.get(&kind).is_none_or(|newest| newest.number < number)
        };
        self.key.is_some() && marks.iter().any(is_newer)
    }

    /// All that another node is to know: also what is over, as long as it can keep an older one
    /// away.
    pub fn kept(&self, now: UnixMillis) -> Vec<SignedOrder> {
        let kept = |order: &&SignedOrder| now.since(order.number) <= order.order.longest_life();
        self.newest.values().filter(kept).cloned().collect()
    }
}

/// A notice without a text: it takes another one down, and says nothing itself.
fn is_empty(order: &Order) -> bool {
    matches!(order, Order::Notice(text) if text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use Bringer::{Issuer, Keeper};

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn orders() -> Orders {
        Orders::new(Some(key().public_key().as_ref().try_into().unwrap()))
    }

    fn at(number: UnixMillis, order: Order) -> SignedOrder {
        SignedOrder::sign(order, number, HOUR, &key()).unwrap()
    }

    fn notice(text: &str) -> Order {
        Order::Notice(text.into())
    }

    #[test]
    fn what_is_ordered_is_in_force_until_it_ends() {
        let mut orders = orders();
        for order in [Order::Pause, Order::Close("gone".into()), Order::Admission(5000), notice("hello")] {
            assert_eq!(orders.take(NOW, &at(NOW, order), Issuer), Outcome::Taken);
        }
        let service = ServiceState {
            strangers: Strangers::Paused,
            closed: Some("gone".into()),
            notice: Some("hello".into()),
        };
        assert_eq!(orders.rules(NOW), Rules { service, admission: Some(5000), revoked_passes: None });
        let kinds = [OrderKind::Pause, OrderKind::Close, OrderKind::Admission, OrderKind::Notice];
        assert_eq!(orders.marks(NOW), kinds.map(|kind| OrderMark(kind, NOW, NOW + HOUR)));
        assert_eq!(orders.rules(NOW + HOUR), Rules::default());
        assert_eq!(orders.marks(NOW + HOUR), []);
    }

    #[test]
    fn whoever_offers_invites_only_has_nobody_wait_for_strangers_even_in_a_pause() {
        let mut orders = orders();
        orders.take(NOW, &at(NOW, Order::InvitesOnly), Issuer);
        orders.take(NOW, &at(NOW, Order::Pause), Issuer);
        assert_eq!(orders.rules(NOW).service.strangers, Strangers::NotOffered);
    }

    #[test]
    fn a_pass_that_was_taken_back_stays_so_whatever_resumes() {
        let mut orders = orders();
        orders.take(NOW, &at(NOW, Order::RevokePasses("a.b.c".into())), Issuer);
        orders.take(NOW, &at(NOW + SECOND, Order::Resume), Issuer);
        assert_eq!(orders.rules(NOW).revoked_passes.as_deref(), Some("a.b.c"));
        assert_eq!(orders.rules(NOW + HOUR).revoked_passes, None);
    }

    #[test]
    fn a_forged_replayed_expired_late_or_early_order_changes_nothing() {
        let mut orders = orders();
        let second = at(NOW + SECOND, notice("second"));
        assert_eq!(orders.take(NOW, &second, Issuer), Outcome::Taken);
        let before = (orders.rules(NOW), orders.kept(NOW));
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let forged = SignedOrder::sign(Order::Pause, NOW, HOUR, &other).unwrap();
        let ahead = at(NOW + limits::LEEWAY + Duration::from_millis(1), Order::Pause);
        let long = SignedOrder { expires: NOW + limits::ORDER_LIFE * 2, ..at(NOW, Order::Pause) };
        for bringer in [Issuer, Keeper] {
            for (order, outcome) in [
                (&second, Outcome::Known),
                (&at(NOW, notice("first")), Outcome::OutOfOrder),
                (&at(NOW + SECOND, notice("the same number")), Outcome::OutOfOrder),
                (&forged, Outcome::Forged),
                (&SignedOrder { order: Order::InvitesOnly, ..at(NOW, Order::Pause) }, Outcome::Forged),
                (&ahead, Outcome::Ahead),
                (&long, Outcome::Unfit),
            ] {
                assert_eq!(orders.take(NOW, order, bringer), outcome, "{order:?}");
            }
        }
        assert_eq!(orders.take(NOW + HOUR, &at(NOW, Order::Pause), Issuer), Outcome::Expired);
        assert_eq!((orders.rules(NOW), orders.kept(NOW)), before);
        let mut keyless = Orders::new(None);
        assert_eq!(keyless.take(NOW, &second, Issuer), Outcome::NoKey);
        assert_eq!(keyless.rules(NOW), Rules::default());
    }

    #[test]
    fn resuming_ends_what_was_ordered_before_and_nothing_that_comes_after() {
        let mut orders = orders();
        for order in [Order::Pause, Order::InvitesOnly, Order::Close(String::new()), notice("hello")] {
            orders.take(NOW, &at(NOW, order), Issuer);
        }
        orders.take(NOW, &at(NOW + SECOND, Order::Resume), Issuer);
        assert_eq!(orders.rules(NOW), Rules::default());
        orders.take(NOW, &at(NOW + SECOND * 2, Order::Pause), Issuer);
        assert_eq!(orders.rules(NOW).service.strangers, Strangers::Paused);
    }

    #[test]
    fn an_empty_notice_takes_a_notice_down() {
        let mut orders = orders();
        orders.take(NOW, &at(NOW, notice("hello")), Issuer);
        orders.take(NOW, &at(NOW + SECOND, notice("")), Issuer);
        assert_eq!((orders.rules(NOW), orders.marks(NOW)), (Rules::default(), Vec::new()));
    }

    #[test]
    fn what_is_over_still_keeps_away_what_it_has_replaced() {
        let day = at(NOW, Order::Pause);
        let short = SignedOrder::sign(Order::Pause, NOW + SECOND, Duration::from_millis(1), &key()).unwrap();
        let mut old = orders();
        old.take(NOW, &day, Issuer);
        old.take(NOW + SECOND, &short, Issuer);
        let later = NOW + SECOND * 10;
        assert_eq!(old.rules(later), Rules::default());
        // A node that starts now learns the newer one, which is over.
        let mut new = orders();
        for order in old.kept(later) {
            assert_eq!(new.take(later, &order, Keeper), Outcome::Expired);
        }
        assert_eq!(new.take(later, &day, Keeper), Outcome::OutOfOrder);
        assert_eq!(new.rules(later), Rules::default());
    }

    #[test]
    fn one_run_of_one_node_is_drained() {
        let (node, boot): (NodeId, _) = ("g1".parse().unwrap(), BootId(5));
        let drain = Order::Drain { node: node.clone(), boot };
        let drain = SignedOrder::sign(drain, NOW, limits::DRAIN_ORDER_LIFE, &key()).unwrap();
        let mut orders = orders();
        orders.take(NOW, &drain, Issuer);
        assert!(orders.drains(NOW, &node, boot));
        assert!(!orders.drains(NOW, &node, BootId(6)), "it has started again");
        assert!(!orders.drains(NOW, &"g2".parse().unwrap(), boot));
        assert!(!orders.drains(NOW + limits::DRAIN_ORDER_LIFE, &node, boot));
        assert_eq!(orders.rules(NOW), Rules::default());
    }

    #[test]
    fn a_heartbeat_shows_who_is_behind() {
        let (mut old, mut new) = (orders(), orders());
        old.take(NOW, &at(NOW, Order::Pause), Issuer);
        new.take(NOW, &at(NOW, Order::Pause), Issuer);
        assert!(!old.is_behind(&new.marks(NOW)));
        new.take(NOW, &at(NOW + SECOND, Order::Pause), Issuer);
        assert!(old.is_behind(&new.marks(NOW)) && !new.is_behind(&old.marks(NOW)));
        assert!(!Orders::new(None).is_behind(&new.marks(NOW)), "it could judge none");
    }

    proptest! {
        /// Whatever the way in which orders come, and come again: nodes that have heard the same
        /// ones agree.
        #[test]
        fn nodes_that_have_heard_the_same_orders_agree(
            heard in prop::collection::vec((0_u64..6, 0_usize..5), 1..12).prop_shuffle(),
            again in subsequence((0..12).collect::<Vec<usize>>(), 0..12),
        ) {
            let made: Vec<_> = heard.iter().map(|&(second, kind)| {
                let order = match kind {
                    0 => Order::Pause,
                    1 => Order::Resume,
                    2 => Order::InvitesOnly,
                    3 => Order::Admission(5000),
                    // Two orders never have one number: its text says which it is.
                    _ => notice(&second.to_string()),
                };
                at(NOW + SECOND * u32::try_from(second).unwrap(), order)
            }).collect();
            let later = NOW + SECOND * 10;
            let mut sorted = made.clone();
            sorted.sort_by_key(|order| order.number);
            let (mut one, mut two) = (orders(), orders());
            for order in made.iter().chain(again.iter().filter_map(|n| made.get(*n))) {
                one.take(later, order, Issuer);
            }
            for order in &sorted {
                two.take(later, order, Issuer);
            }
            prop_assert_eq!(one.rules(later), two.rules(later));
            prop_assert_eq!(one.kept(later), two.kept(later));
        }
    }
}
