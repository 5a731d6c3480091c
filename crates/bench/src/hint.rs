//! What a refusal means for the operator of the server: which of its options caused it.

use std::error::Error;

use client::RestError;

/// For a refused `find`.
pub(crate) const FIND_RATE: &str = "requests to be matched were refused: by the server's --find-rate (0 turns it off), or \
                             because the bus is down";

/// The message for a failed call.
pub(crate) fn of_rest(error: &RestError) -> String {
    match error {
        RestError::Problem(problem) if problem.status == 429 => {
            let option = match &problem.detail {
                Some(detail) if detail.contains("connections") => "--connections-per-address",
                _ => "--session-rate",
            };
            format!(
                "{problem}. Start the server with {option} 0 for a load test, or use more client addresses"
            )
        }
        error => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// The message for an answer that took too long.
pub(crate) fn of_silence(lost: u64) -> &'static str {
    match lost {
        0 => "; do all the URLs lead to the same cluster?",
        _ => {
            "; connections were refused or lost meanwhile: see the server's --connect-rate and \
             --connections-per-address (0 turns one off), its limit of open files, and its log"
        }
    }
}

#[cfg(test)]
mod tests {
    use client::rest::Problem;

    use super::*;

    fn of_status(status: u16, detail: &str) -> String {
        of_rest(&RestError::Problem(Problem { status, detail: Some(detail.into()), ..Problem::default() }))
    }

    #[test]
    fn a_rate_limit_is_explained_with_the_option_that_turns_it_off() {
        assert!(of_status(429, "too many requests: more than 30 in 60 s").contains("--session-rate 0"));
        let crowded = of_status(429, "too many connections from this address: close one first");
        assert!(crowded.contains("--connections-per-address 0"));
        assert!(!of_status(403, "a foreign origin").contains("--"));
    }
}
