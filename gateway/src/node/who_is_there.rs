//! Who is there for each topic, as it is told to anybody before they wait, where the operator wants
//! it told: coarsely, and seldom enough that nobody can watch a single person come and go.

use std::{collections::HashMap, time::Duration};

use schemas::{
    UnixMillis,
    criteria::{ChannelVersion, Queue, Role},
    event::WantEvent,
    limits::{ASK_BATCH, OUTLOOK_SILENCE, RENEWAL},
    message::Message,
    outlook::{Class, ClassState, Partners, QueueStates},
};

use super::Node;
use crate::{about::Presence, config::Config};

/// How long one answer is told.
const TOLD_FOR: Duration = Duration::from_secs(10);

/// What pairing has said of the queues that are offered.
#[derive(Default)]
pub(super) struct WhoIsThere {
    /// At most three classes for each queue.
    heard: HashMap<Class, (UnixMillis, ClassState)>,
    asked: UnixMillis,
    told: Option<(u64, Vec<AtTopic>)>,
}

/// Who is there for one topic. What is absent is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtTopic {
    /// As it is shown; `None` for no topic.
    pub(crate) topic: Option<String>,
    /// Those with the role `offer`.
    pub(crate) helpers: Option<Partners>,
    /// Those with the role `seek`.
    pub(crate) seekers: Option<Partners>,
    /// Those without a role.
    pub(crate) others: Option<Partners>,
    /// Those with the role `seek` who wait now, without those who were matched lately.
    pub(crate) waiting: Option<Partners>,
}

impl WhoIsThere {
    fn hear(&mut self, now: UnixMillis, states: &QueueStates, is_offered: impl Fn(Queue) -> bool) {
        for state in &states.classes {
            let Class { queue, channel, .. } = state.class;
            if channel == ChannelVersion::CURRENT && is_offered(queue) {
                self.heard.insert(state.class, (now, state.clone()));
            }
        }
    }

    /// Whether it is to be asked now.
    fn asks(&mut self, now: UnixMillis) -> bool {
        let is_due = self.heard.is_empty() || now.since(self.asked) >= RENEWAL;
        if is_due {
            self.asked = now;
        }
        is_due
    }

    /// What is told now of these. Times are those of the clock: nobody who asks chooses when one
    /// begins.
    fn at(&mut self, now: UnixMillis, offered: &[(Option<String>, Queue)]) -> Vec<AtTopic> {
        let turn = now.as_secs() / TOLD_FOR.as_secs();
        match &self.told {
            Some((told, all)) if *told == turn => all.clone(),
            _ if self.heard.is_empty() => Vec::new(),
            _ => {
                let all: Vec<_> =
                    offered.iter().map(|(topic, queue)| self.of(now, topic.clone(), *queue)).collect();
                self.told = Some((turn, all.clone()));
                all
            }
        }
    }

    fn of(&self, now: UnixMillis, topic: Option<String>, queue: Queue) -> AtTopic {
        let state_of = |role| {
            let (heard, state) = self.heard.get(&Class { queue, role, channel: ChannelVersion::CURRENT })?;
            (now.since(*heard) < OUTLOOK_SILENCE).then_some(state)
        };
        let counterparts_of = |role| state_of(role).and_then(ClassState::counterparts);
        AtTopic {
            topic,
            helpers: counterparts_of(Some(Role::Seek)),
            seekers: counterparts_of(Some(Role::Offer)),
            others: counterparts_of(None),
            waiting: state_of(Some(Role::Offer)).and_then(ClassState::waiting_counterparts),
        }
    }
}

/// The queues of strangers that are offered, with their names.
fn offered(config: &Config) -> Vec<(Option<String>, Queue)> {
    let topics = config.topics.iter().flatten();
    let named = topics.map(|offer| (Some(offer.shown.clone()), Queue::of_topic(Some(&offer.topic))));
    std::iter::once((None, Queue::of_topic(None))).chain(named).collect()
}

impl Node {
    /// Pairing says how it stands in some classes.
    pub(crate) fn hear_queues(&self, states: &QueueStates) {
        if self.config.about.presence == Presence::Shown {
            let is_offered = |queue| {
                let mut topics = self.config.topics.iter().flatten();
                queue == Queue::Anyone || topics.any(|offer| Queue::of_topic(Some(&offer.topic)) == queue)
            };
            self.who_is_there.lock().hear(self.clock.now(), states, is_offered);
        }
    }

    /// Asks pairing who is there, if that is told and the time has come. To be called each second.
    pub(crate) fn ask_who_is_there(&self) {
        let is_told = self.config.about.presence == Presence::Shown;
        if !is_told || !self.who_is_there.lock().asks(self.clock.now()) {
            return;
        }
        let queues: Vec<_> = offered(&self.config).into_iter().map(|(_, queue)| queue).collect();
        for part in queues.chunks(ASK_BATCH) {
            let event = WantEvent::Asked(part.to_vec());
            // Asked again in a while.
            let _ = self.bus.publish(&Message::Want { from: self.config.node.clone(), event });
        }
    }

    /// Who is there for each topic that is offered, and for none; `None` if the operator does not
    /// want it told.
    pub(crate) fn who_is_there(&self) -> Option<Vec<AtTopic>> {
        (self.config.about.presence == Presence::Shown && self.offers_strangers())
            .then(|| self.who_is_there.lock().at(self.clock.now(), &offered(&self.config)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn states(role: Option<Role>, partners: u32) -> QueueStates {
        let class = Class { queue: Queue::Anyone, role, channel: ChannelVersion::CURRENT };
        let state =
            ClassState { class, waiting: 1, partners, on_duty: Some(0), wait: None, oldest: Vec::new() };
        QueueStates { classes: vec![state] }
    }

    fn told(who: &mut WhoIsThere, after_secs: u64) -> Option<AtTopic> {
        who.at(NOW + Duration::from_secs(after_secs), &[(None, Queue::Anyone)]).pop()
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let mut who = WhoIsThere::default();
        assert_eq!(told(&mut who, 0), None);
        who.hear(NOW, &states(Some(Role::Seek), 5), |_| true);
        who.hear(NOW, &states(None, 0), |_| true);
        let (helpers, others) = (Some(Partners::Many), Some(Partners::None));
        let known = AtTopic { topic: None, helpers, seekers: None, others, waiting: None };
        assert_eq!(told(&mut who, 0), Some(known.clone()));
        let nothing = AtTopic { helpers: None, others: None, ..known };
        assert_eq!(told(&mut who, 30), Some(nothing), "pairing has fallen silent");
    }

    #[test]
    fn who_was_matched_lately_is_there_and_does_not_wait() {
        let mut who = WhoIsThere::default();
        let mut seen = |after, partners, on_duty| {
            let mut states = states(Some(Role::Offer), partners);
            states.classes[0].on_duty = on_duty;
            who.hear(NOW + Duration::from_secs(after), &states, |_| true);
            let AtTopic { seekers, waiting, .. } = told(&mut who, after).unwrap();
            (seekers, waiting)
        };
        assert_eq!(seen(0, 0, Some(1)), (Some(Partners::Few), Some(Partners::None)));
        assert_eq!(seen(10, 1, Some(4)), (Some(Partners::Many), Some(Partners::Few)));
        assert_eq!(seen(20, 0, None), (None, None), "a replica that has just begun to lead");
        assert_eq!(seen(30, 5, None), (Some(Partners::Many), Some(Partners::Many)));
    }

    #[test]
    fn who_comes_is_not_seen_before_the_next_turn() {
        let mut who = WhoIsThere::default();
        who.hear(NOW, &states(Some(Role::Seek), 0), |_| true);
        let mut helpers = |after, partners| {
            who.hear(NOW + Duration::from_secs(after), &states(Some(Role::Seek), partners), |_| true);
            told(&mut who, after).unwrap().helpers.unwrap()
        };
        assert_eq!(helpers(0, 0), Partners::None);
        assert_eq!(helpers(9, 1), Partners::None, "somebody has come");
        assert_eq!(helpers(10, 1), Partners::Few);
        assert_eq!(helpers(19, 0), Partners::Few, "and has gone");
    }

    #[test]
    fn only_offered_topics_and_the_present_channel_are_kept() {
        let mut who = WhoIsThere::default();
        who.hear(NOW, &states(None, 1), |_| false);
        let mut old = states(None, 1);
        old.classes[0].class.channel = ChannelVersion::FIRST;
        who.hear(NOW, &old, |_| true);
        assert!(who.heard.is_empty());
    }

    #[test]
    fn pairing_is_asked_until_it_has_answered_and_then_seldom() {
        let mut who = WhoIsThere::default();
        assert!(who.asks(NOW) && who.asks(NOW));
        who.hear(NOW, &states(None, 0), |_| true);
        assert!(!who.asks(NOW + RENEWAL / 2));
        assert!(who.asks(NOW + RENEWAL) && !who.asks(NOW + RENEWAL));
    }
}
