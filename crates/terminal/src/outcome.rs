//! How a run has gone, for the exit code.

use std::process::ExitCode;

use client::chat::End;
use schemas::control::EndReason;

/// A text may not have arrived, or a chat was broken off by a fault.
const BADLY: u8 = 1;
/// The last chat was ended without a goodbye that the peer's keys vouch for: the server says that the
/// peer has left. (3 is taken: a server cannot listen.)
const NO_GOODBYE: u8 = 4;

/// How all chats have gone so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    failed: bool,
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

    /// A chat begins.
    pub(super) fn begin(&mut self) {
        self.goodbye = Goodbye::Said;
    }

    /// A chat has ended.
    pub(super) fn end(&mut self, end: End) {
        match end {
            End::Bye | End::PeerBye | End::Report => {}
            End::Room(EndReason::Left | EndReason::Reported) => self.goodbye = Goodbye::Missing,
            End::Room(EndReason::Expired | EndReason::Shutdown) | End::Fault(_) | End::Closed(_) => {
                self.fail()
            }
        }
    }

    /// Whether something went wrong.
    pub(super) fn has_failed(self) -> bool {
        self.failed
    }

    pub(super) fn code(self) -> ExitCode {
        match (self.failed, self.goodbye) {
            (true, _) => ExitCode::from(BADLY),
            (false, Goodbye::Missing) => ExitCode::from(NO_GOODBYE),
            (false, Goodbye::Said) => ExitCode::SUCCESS,
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
        assert_eq!(code(&[End::Room(EndReason::Left)]), is(NO_GOODBYE));
        assert_eq!(code(&[End::Room(EndReason::Left), End::PeerBye]), is(0));
        assert_eq!(code(&[End::Room(EndReason::Expired), End::PeerBye]), is(BADLY));
        assert_eq!(code(&[End::Room(EndReason::Shutdown), End::Room(EndReason::Left)]), is(BADLY));
    }
}
