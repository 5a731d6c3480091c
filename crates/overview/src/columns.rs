//! What is shown of each node besides its heartbeat, as queries.

use crate::query::Query;

/// A figure of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    Ready,
    Lacks,
    Frames,
    Requests,
    Refused,
    Matches,
    SlowestRequest,
    SlowestMatch,
    Processor,
    Memory,
    Files,
    Certificate,
}

impl Column {
    const ALL: [Self; 12] = [
        Self::Ready,
        Self::Lacks,
        Self::Frames,
        Self::Requests,
        Self::Refused,
        Self::Matches,
        Self::SlowestRequest,
        Self::SlowestMatch,
        Self::Processor,
        Self::Memory,
        Self::Files,
        Self::Certificate,
    ];

    /// Its query, whose answers have the label `node`. The slowest times are those that one of a
    /// hundred exceeds.
    const fn text(self) -> &'static str {
        match self {
            Self::Ready => "sum by (node) (cipher_chat_node_ready)",
            Self::Lacks => "sum by (node) (cipher_chat_node_lacks)",
            Self::Frames => "sum by (node) (rate(cipher_chat_gateway_frames_relayed_total[1m]))",
            Self::Requests => "sum by (node) (rate(cipher_chat_gateway_http_requests_total[1m]))",
            Self::Refused => "sum by (node) (rate(cipher_chat_gateway_http_refusals_total[1m]))",
            Self::Matches => "sum by (node) (rate(cipher_chat_pairing_matches_total[1m]))",
            Self::SlowestRequest => {
                "histogram_quantile(0.99, sum by (node, le) \
                 (rate(cipher_chat_gateway_http_request_duration_seconds_bucket[5m])))"
            }
            Self::SlowestMatch => {
                "histogram_quantile(0.99, sum by (node, le) (rate(cipher_chat_gateway_match_wait_seconds_bucket[5m])))"
            }
            Self::Processor => "sum by (node) (rate(cipher_chat_process_cpu_seconds_total[1m]))",
            Self::Memory => "sum by (node) (cipher_chat_process_resident_memory_bytes)",
            Self::Files => "sum by (node) (cipher_chat_process_open_fds / cipher_chat_process_max_fds)",
            Self::Certificate => {
                "min by (node) (cipher_chat_node_certificate_not_after_timestamp_seconds - time())"
            }
        }
    }

    /// All of them, read.
    pub(crate) fn queries() -> Result<Vec<(Self, Query)>, crate::QueryError> {
        Self::ALL.into_iter().map(|column| Ok((column, Query::parse(column.text())?))).collect()
    }
}
