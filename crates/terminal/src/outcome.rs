//! How a run has gone, for the exit code.

use std::process::ExitCode;

use client::chat::End;
use schemas::control::EndReason;

/// A chat was broken off by a fault, or there was none to be had.
const BADLY: u8 = 1;
/// The last chat was ended without a goodbye that the peer's keys vouch for: the server says that
/// the peer has left, or is lost. (3 is taken: a server cannot listen.)
const NO_GOODBYE: u8 = 4;
/// A text may not have arrived.
const LOST: u8 = 5;

/// How all chats have gone so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    failed: bool,
    lost: bool,
    goodbye: Goodbye,
}

/// How the last chat was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Goodbye {
    /// By this side, or by a goodbye of the peer, which is authenticated.
    #[default]
    Said,
    Missing,
}

impl Outcome {
    /// Something went wrong.
    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    /// A text may not have arrived, or was never sent.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// A chat begins.
    pub(super) fn begin(&mut self) {
        self.goodbye = Goodbye::Said;
    }

    /// A chat has ended.
    pub(super) fn end(&mut self, end: End) {
        match end {
            End::Bye | End::PeerBye | End::Report => {}
            End::Room(EndReason::Left | EndReason::Reported | EndReason::Expired | EndReason::Shutdown) => {
                self.goodbye = Goodbye::Missing
            }
            End::Fault(_) | End::Closed(_) => self.fail(),
        }
    }

    /// Whether something went wrong.
    pub(super) fn has_failed(self) -> bool {
        self.failed || self.lost
    }

    pub(super) fn code(self) -> ExitCode {
        match self {
            Self { failed: true, .. } => ExitCode::from(BADLY),
            Self { lost: true, .. } => ExitCode::from(LOST),
            Self { goodbye: Goodbye::Missing, .. } => ExitCode::from(NO_GOODBYE),
            Self { goodbye: Goodbye::Said, .. } => ExitCode::SUCCESS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_authenticated_end_is_a_success() {
        let code = |ends: &[End]| {
            let mut outcome = Outcome::default();
            for end in ends {
                outcome.begin();
                outcome.end(*end);
            }
            format!("{:?}", outcome.code())
        };
        let is = |code: u8| format!("{:?}", ExitCode::from(code));
        for end in [End::Bye, End::PeerBye, End::Report] {
            assert_eq!(code(&[end]), is(0), "{end}");
        }
        for reason in [EndReason::Left, EndReason::Reported, EndReason::Expired, EndReason::Shutdown] {
            assert_eq!(code(&[End::Room(reason)]), is(NO_GOODBYE), "{reason:?}");
            assert_eq!(code(&[End::Room(reason), End::PeerBye]), is(0), "{reason:?}");
        }
        let fault = End::Fault(client::channel::ChannelEnd::Malformed);
        assert_eq!(code(&[fault, End::Room(EndReason::Left)]), is(BADLY));
    }

    #[test]
    fn a_lost_text_has_a_code_of_its_own() {
        let mut outcome = Outcome::default();
        outcome.begin();
        outcome.lose();
        outcome.end(End::Room(EndReason::Left));
        assert_eq!(format!("{:?}", outcome.code()), format!("{:?}", ExitCode::from(LOST)));
        assert!(outcome.has_failed());
    }
}
