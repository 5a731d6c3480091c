//! What has become of a report, in words.

/// What a person is told once it is known, and not before.
pub(crate) fn reported(taken: bool) -> &'static str {
    if taken {
        "the server has taken your report: you will not meet this person again in this session"
    } else {
        "the server has not confirmed your report: you may meet this person again"
    }
}
