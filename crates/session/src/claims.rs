//! Who is believed when something is said of an attachment, and on which subjects this gateway says
//! it.
//!
//! A gateway that has been taken over may say anything. What it says on a subject that names it
//! ([`Message::Own`]) can only be of itself, since the NATS servers hold it to its own name. On the
//! subjects of the version before, what it says may be of anybody. So those are for gateways that
//! do not name themselves: because they are of that version, or because the NATS servers do not
//! permit it yet. Who does is told by its heartbeats, which name it, too.

use std::{collections::BTreeMap, time::Duration};

use schemas::{NodeId, UnixMillis, message::Message};

use crate::neighbours::{NeighbourNews, Neighbours};

/// So long after a gateway has begun to name itself it is believed on the older subjects as well:
/// some heartbeats, so that both know of each other what they do.
const SETTLING: Duration = Duration::from_secs(5);

/// How many gateways are known at most, some 100 bytes each: more than a cluster has.
const MOST: usize = 4096;

/// What is known of this gateway and of the others.
#[derive(Default)]
pub(crate) struct Claims {
    /// Since when this gateway names itself.
    own: Option<UnixMillis>,
    /// Since when each other one does, by its last heartbeat. They are remembered while they are
    /// silent: a gateway that was cut off knows how to speak to the others as soon as it is back.
    others: BTreeMap<NodeId, Option<UnixMillis>>,
}

impl Claims {
    /// A gateway's heartbeat tells whether it names itself. One that has started again has to learn
    /// of all others what they do.
    pub(crate) fn hear(&mut self, now: UnixMillis, from: &NodeId, names_itself: bool, news: NeighbourNews) {
        let Some(since) = self.others.get_mut(from) else {
            if self.others.len() < MOST {
                self.others.insert(from.clone(), names_itself.then_some(now));
            }
            return;
        };
        let before = since.filter(|_| news == NeighbourNews::Known);
        *since = names_itself.then(|| before.unwrap_or(now));
    }

    /// Whether that gateway names itself, and hears what is said on subjects that name the speaker.
    fn is_named(&self, node: &NodeId) -> bool {
        self.others.get(node).is_some_and(Option::is_some)
    }

    /// Whether something that is said of an attachment of `node` is believed on a subject that does
    /// not name who says it.
    fn believes_unnamed(&self, now: UnixMillis, node: &NodeId) -> bool {
        let is_settled = |since: UnixMillis| now.since(since) >= SETTLING;
        match (self.own, self.others.get(node)) {
            (Some(own), _) if !is_settled(own) => true,
            (Some(_), Some(Some(since))) => !is_settled(*since),
            (Some(_), Some(None)) | (None, _) => true,
            // Whoever is of the version before has published a heartbeat before anything else.
            (Some(_), None) => false,
        }
    }

    /// The servers permit this gateway to name itself.
    pub(crate) fn permit_names(&mut self, now: UnixMillis) {
        self.own.get_or_insert(now);
    }

    /// They do not, or no longer.
    pub(crate) fn forbid_names(&mut self) {
        self.own = None;
    }

    /// Whether it does.
    pub(crate) fn names_itself(&self) -> bool {
        self.own.is_some()
    }

    /// What is to be acted on of a message; `None` if it is said of somebody who would have said it
    /// itself, on a subject that names it. What the gateway `own` has said itself changes nothing.
    pub(crate) fn believed<'a>(
        &self,
        now: UnixMillis,
        own: &NodeId,
        message: &'a Message,
    ) -> Option<&'a Message> {
        match message {
            Message::Own { message, .. } => Some(message),
            unnamed => {
                let is_believed = |node: &NodeId| node == own || self.believes_unnamed(now, node);
                unnamed.claimant().is_none_or(is_believed).then_some(unnamed)
            }
        }
    }

    /// The forms in which something is published: on the subject that names this gateway for all
    /// who hear that, and on the older one for those who do not.
    pub(crate) fn forms(&self, neighbours: &Neighbours, message: Message) -> [Option<Message>; 2] {
        let Some(own) = self.names_itself().then(|| message.own()).flatten() else {
            return [Some(message), None];
        };
        match &message {
            Message::Peer { to, .. } | Message::Presence { to, .. } => {
                [Some(if self.is_named(to) { own } else { message }), None]
            }
            _ => {
                let is_older = neighbours.heard().any(|node| !self.is_named(node));
                [Some(own), is_older.then_some(message)]
            }
        }
    }
}
