//! Opening a session, with what it takes its time for on a line of its own. Ctrl-C ends it, as it
//! ends every program that has not asked for its signals yet.

use std::{
    fmt,
    io::{IsTerminal, Write},
};

use client::{Chat, Opening, RestError, Server, Session};

use crate::plan::Plan;

/// Opens a session and connects it: with the work that the server may ask for, and in its turn if
/// the server is busy.
pub(crate) async fn open(server: &Server, plan: &Plan) -> Result<Chat, RestError> {
    let mut line = Line { shown: false };
    let session =
        Session::open_patiently_as(server, plan.helper.clone(), |step| line.show(&Step(step))).await;
    line.end();
    Ok(plan.chat(&session?))
}

/// A step in words.
pub(crate) struct Step(pub(crate) Opening);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Opening::Working(share) => {
                write!(f, "the server asks for some work before it lets anybody in: {:.0} %", share * 100.0)
            }
            Opening::Waiting(time) => {
                write!(
                    f,
                    "many come from this network at the moment: it is your turn in {} s",
                    time.as_secs() + 1
                )
            }
        }
    }
}

/// One line on standard error that is written over. In a file or a pipe, a line for each wait.
struct Line {
    shown: bool,
}

impl Line {
    fn show(&mut self, step: &Step) {
        let mut errors = std::io::stderr().lock();
        // Where nobody can be told, nobody reads.
        if errors.is_terminal() {
            let _ = write!(errors, "\r\x1b[K{step}");
            self.shown = true;
        } else if let Step(Opening::Waiting(_)) = step {
            let _ = writeln!(errors, "{step}");
        }
    }

    fn end(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_waited_for_is_said_in_words() {
        let words = |step| Step(step).to_string();
        assert!(words(Opening::Working(0.456)).ends_with("lets anybody in: 46 %"));
        assert!(words(Opening::Waiting(Duration::from_millis(41_200))).ends_with("your turn in 42 s"));
    }
}
