//! How often a gateway asks the others what it has missed.

use std::time::Duration;

/// How long it waits for them to tell, each time that it asks.
pub const SYNC_PATIENCE: Duration = Duration::from_secs(1);

/// How often it asks if only janitors are there: one that has just started itself does not answer.
const SYNCS_OF_JANITORS: u32 = 3;

/// How often it asks if nobody is known to be there: others say every second that they live, but it
/// may have just come back itself, and heard nobody yet. It is ready meanwhile.
const SYNCS_OF_NOBODY: u32 = 3;

/// Who is known to be there to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// Other gateways: each of them answers.
    pub gateways: bool,
    /// A janitor.
    pub janitor: bool,
}

/// Questions that were not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    unanswered: u32,
}

/// What follows when [`SYNC_PATIENCE`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterAsking {
    /// Whether the gateway knows what there is to know, as far as it can tell.
    pub is_synced: bool,
    /// Whether it asks again.
    pub asks_again: bool,
}

impl Asking {
    /// A question is over: somebody has told all that they know, or nobody has.
    pub fn after(&mut self, is_answered: bool, others: Others) -> AfterAsking {
        // Where others are there, silence does not mean that there is nobody: they, or their answers,
        // are late.
        let is_owed = others.gateways || (others.janitor && self.unanswered < SYNCS_OF_JANITORS);
        let asks_again = !is_answered && (is_owed || self.unanswered < SYNCS_OF_NOBODY);
        self.unanswered = if asks_again { self.unanswered.saturating_add(1) } else { 0 };
        AfterAsking { is_synced: is_answered || !is_owed, asks_again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(times: usize, gateways: bool, janitor: bool) -> Vec<(bool, bool)> {
        let mut asking = Asking::default();
        let mut after = || asking.after(false, Others { gateways, janitor });
        (0..times).map(|_| after()).map(|it| (it.is_synced, it.asks_again)).collect()
    }

    #[test]
    fn an_answer_is_the_end_of_it() {
        let mut asking = Asking::default();
        let others = Others { gateways: true, janitor: true };
        let is = |is_synced, asks_again| AfterAsking { is_synced, asks_again };
        assert_eq!(asking.after(false, others), is(false, true));
        assert_eq!(asking.after(true, others), is(true, false));
        assert_eq!(asking, Asking::default());
    }

    #[test]
    fn other_gateways_are_asked_until_one_answers() {
        assert_eq!(asked(50, true, false), [(false, true); 50]);
    }

    #[test]
    fn a_janitor_alone_is_asked_three_times_more() {
        assert_eq!(asked(4, false, true), [(false, true), (false, true), (false, true), (true, false)]);
    }

    #[test]
    fn whoever_seems_to_be_alone_is_ready_at_once_and_asks_some_times_more() {
        assert_eq!(asked(4, false, false), [(true, true), (true, true), (true, true), (true, false)]);
    }
}
