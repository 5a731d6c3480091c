//! What is wrong now, and what was lately: the answers to the queries of the [rules](crate::rules).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use schemas::UnixMillis;
use serde::Serialize;

use crate::{
    query::{Labels, Moment},
    rules::Rule,
    text,
};

/// How many alarms that are over are remembered.
const PAST: usize = 50;

/// How many answers of one rule are looked at: one for each node and use of a certificate, in a
/// cluster larger than any.
const MOST_ANSWERS: usize = 1000;

/// Whom an alarm concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It wakes somebody up.
    Page,
    /// It waits for the morning.
    Ticket,
    /// It is always there, and shows that alarms arrive.
    None,
}

impl Severity {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Page, Self::Ticket, Self::None].into_iter().find(|severity| severity.word() == word)
    }

    /// The word in the file of alarms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::None => "none",
        }
    }
}

/// An alarm that is there, or about to come.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    pub(crate) since: UnixMillis,
    pub(crate) summary: String,
    /// Whether it has been there for as long as it must be.
    pub(crate) is_firing: bool,
}

/// An alarm that is over.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) rule: usize,
    pub(crate) since: UnixMillis,
    pub(crate) until: UnixMillis,
    pub(crate) summary: String,
}

/// All alarms.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// By the rule's number, and by what its answer is about.
    pub(crate) raised: BTreeMap<(usize, Labels), Raised>,
    /// The newest last.
    pub(crate) past: VecDeque<Over>,
}

/// How much is known of the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knowledge {
    Whole,
    /// Some node does not tell its metrics: what is said of all nodes together is not true.
    Partial,
    /// The bus is down, or nothing has been heard yet.
    None,
}

impl Alarms {
    /// Looks again. While nothing is known everything stays as it was.
    pub(crate) fn look(&mut self, rules: &[Rule], moment: Moment<'_>, knowledge: Knowledge) {
        if knowledge == Knowledge::None {
            return;
        }
        // What is said of all nodes together cannot be judged by some of them.
        let is_judged = |labels: &Labels| knowledge == Knowledge::Whole || labels.contains_key("node");
        let mut seen = BTreeMap::new();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.severity != Severity::None) {
            let answers = moment.answer(&rule.query).into_vector().into_iter().take(MOST_ANSWERS);
            for (labels, value) in answers {
                if is_judged(&labels) {
                    seen.insert((number, labels), value);
                }
            }
        }
        let is_over = |key: &(usize, Labels), _: &mut Raised| is_judged(&key.1) && !seen.contains_key(key);
        for ((rule, _), raised) in self.raised.extract_if(.., is_over) {
            if raised.is_firing {
                let Raised { since, summary, .. } = raised;
                self.past.push_back(Over { rule, since, until: moment.now, summary });
            }
        }
        while self.past.len() > PAST {
            self.past.pop_front();
        }
        for ((number, labels), value) in seen {
            let rule = &rules[number];
            let summary = text::filled(&rule.summary, &labels, value);
            let since = self.raised.get(&(number, labels.clone())).map_or(moment.now, |raised| raised.since);
            let is_firing = moment.now.since(since) >= rule.hold;
            self.raised.insert((number, labels), Raised { since, summary, is_firing });
        }
    }

    /// After a time in which nothing was known: what is about to come begins anew.
    pub(crate) fn discount(&mut self, pause: Duration, now: UnixMillis) {
        for raised in self.raised.values_mut().filter(|raised| !raised.is_firing) {
            raised.since = (raised.since + pause).min(now);
        }
    }
}
