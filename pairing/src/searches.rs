//! The traces of those who wait, as far as they are kept: beside the pool, which knows nothing of
//! them. A match belongs to the trace of whoever has waited longer, and names the other one.

use std::{collections::HashMap, time::Duration};

use schemas::{
    UnixMillis, WantId,
    event::{MatchEvent, Want, WantEvent},
    limits::WANT_SILENCE,
    trace::TraceContext,
};
use spans::{Span, span};

/// How many are known at most, in less than 1 MB. Wants beyond it are matched as all others,
/// without their traces.
const MOST: usize = 10_000;

/// How often those are forgotten that nobody repeats any more.
const SWEEP: Duration = Duration::from_secs(10);

struct Search {
    trace: TraceContext,
    /// Since when it has been waiting.
    since: UnixMillis,
    heard: UnixMillis,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Searches {
    searches: HashMap<WantId, Search>,
    swept: UnixMillis,
    /// The match that was sent last, and its span: both gateways of a match belong to one.
    last: Option<(MatchEvent, Span)>,
}

impl Searches {
    /// Wants have come, or are gone.
    pub(crate) fn hear(&mut self, now: UnixMillis, event: &WantEvent) {
        match event {
            WantEvent::Waiting(wants) => wants.iter().for_each(|want| self.note(now, want)),
            WantEvent::Withdrawn(ids) if !self.searches.is_empty() => {
                for id in ids {
                    self.searches.remove(id);
                }
            }
            WantEvent::Withdrawn(_) | WantEvent::Met(_) | WantEvent::Asked(_) => {}
        }
        if now.since(self.swept) >= SWEEP {
            self.swept = now;
            self.searches.retain(|_, search| now.since(search.heard) < WANT_SILENCE);
        }
    }

    fn note(&mut self, now: UnixMillis, want: &Want) {
        let Some(trace) = want.trace else { return };
        if self.searches.len() < MOST || self.searches.contains_key(&want.id) {
            self.searches.insert(want.id, Search { trace, since: now - want.age, heard: now });
        }
    }

    /// The span in which a match is published; none if the trace of neither search is kept.
    pub(crate) fn span_of(&mut self, event: &MatchEvent) -> Span {
        if let Some((_, span)) = self.last.as_ref().filter(|(last, _)| last == event) {
            return span.clone();
        }
        let span = self.new_span(event);
        self.last = (!span.is_disabled()).then(|| (event.clone(), span.clone()));
        span
    }

    /// No other gateway is to be told of the last match: its span is over.
    pub(crate) fn all_sent(&mut self) {
        self.last = None;
    }

    fn new_span(&self, event: &MatchEvent) -> Span {
        if self.searches.is_empty() {
            return Span::none();
        }
        let known = |id: &WantId| self.searches.get(id);
        let (older, younger) = match event {
            MatchEvent::Pair([one, other]) => match (known(&one.want), known(&other.want)) {
                (Some(one), Some(other)) if other.since < one.since => (Some(other), Some(one)),
                (Some(one), other) => (Some(one), other),
                (None, other) => (other, None),
            },
            MatchEvent::Spent(want) => (known(want), None),
        };
        let name = if matches!(event, MatchEvent::Pair(_)) { "pair" } else { "spent" };
        let make = || span!(parent: None, "pair", otel.name = name, otel.kind = "internal");
        let span = spans::go_on(older.map(|search| search.trace), make);
        if let Some(younger) = younger {
            spans::link(&span, younger.trace);
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use schemas::{
        SessionId, Stamp,
        criteria::{ChannelVersion, Queue},
    };

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn want(n: u16, trace: Option<TraceContext>) -> Want {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        Want {
            id: WantId::from_bytes(id),
            session: SessionId::from_random(id),
            stamp: Stamp(1),
            age: Duration::from_secs(1),
            queue: Queue::Anyone,
            role: None,
            language: None,
            channel: ChannelVersion::CURRENT,
            met: Vec::new(),
            reported: Vec::new(),
            origin: None,
            pass: false,
            delay: Duration::ZERO,
            trace,
        }
    }

    fn traced(n: u16) -> Want {
        want(n, Some(TraceContext::new([1; 16], [1; 8])))
    }

    #[test]
    fn only_those_with_a_trace_are_known_and_nobody_for_longer_than_he_waits() {
        let mut searches = Searches::default();
        searches.hear(NOW, &WantEvent::Waiting(vec![traced(1), want(2, None), traced(3)]));
        assert_eq!(searches.searches.len(), 2);
        assert_eq!(searches.searches[&traced(1).id].since, NOW - Duration::from_secs(1));
        searches.hear(NOW, &WantEvent::Withdrawn(vec![traced(1).id, want(2, None).id]));
        assert_eq!(searches.searches.keys().copied().collect::<Vec<_>>(), [traced(3).id]);
        let later = NOW + SWEEP.max(WANT_SILENCE);
        searches.hear(later, &WantEvent::Waiting(vec![traced(4)]));
        assert_eq!(searches.searches.keys().copied().collect::<Vec<_>>(), [traced(4).id]);
    }

    #[test]
    fn there_is_a_limit_and_who_is_known_stays_so() {
        let mut searches = Searches::default();
        let most = u16::try_from(MOST).unwrap();
        searches.hear(NOW, &WantEvent::Waiting((0..most + 5).map(traced).collect()));
        assert_eq!(searches.searches.len(), MOST);
        let later = NOW + Duration::from_secs(1);
        searches.hear(later, &WantEvent::Waiting(vec![traced(0), traced(most)]));
        assert_eq!((searches.searches.len(), searches.searches[&traced(0).id].heard), (MOST, later));
    }
}
