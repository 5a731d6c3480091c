//! The trace to which a message belongs, as its header.

use async_nats::HeaderMap;
use schemas::trace::{TRACEPARENT, TraceContext};

use super::NEEDED_PAYLOAD;

/// What the header takes: its version line, its one field, and the empty line.
pub(super) const HEADER_BYTES: usize = 82;

/// The headers of a message with a body of so many bytes that is published now: none unless it
/// belongs to a trace that is kept. The server counts headers with the body, so the largest
/// messages go without.
pub(super) fn of_message(body: usize) -> Option<HeaderMap> {
    let trace = spans::current().filter(|_| body + HEADER_BYTES <= NEEDED_PAYLOAD)?;
    let mut headers = HeaderMap::new();
    headers.insert(TRACEPARENT, trace.header());
    Some(headers)
}

/// The trace that the headers of a message name, in whatever case: servers before 2.14 may change
/// it.
pub(super) fn read(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values =
        headers.iter().filter(|(name, _)| AsRef::<str>::as_ref(*name).eq_ignore_ascii_case(TRACEPARENT));
    let (_, values) = values.next()?;
    TraceContext::from_header(values.first()?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_in_any_case_and_nothing_else_is() {
        let trace = TraceContext::new([0xab; 16], [0xcd; 8]);
        for (name, value, expected) in [
            ("traceparent", trace.header(), Some(trace)),
            ("Traceparent", trace.header(), Some(trace)),
            ("TRACEPARENT", trace.header(), Some(trace)),
            ("traceparent", "nonsense".to_owned(), None),
            ("tracestate", trace.header(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value);
            assert_eq!(read(&headers), expected, "{name}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_reserved_for_the_header_is_what_it_takes() {
        let line = format!("{TRACEPARENT}: {}\r\n", TraceContext::new([1; 16], [1; 8]).header());
        assert_eq!(HEADER_BYTES, "NATS/1.0\r\n".len() + line.len() + "\r\n".len());
    }
}
