//! Who was not served over HTTP, and why: counted by cause, and told to the operator now and then
//! with what can be done about it. No address and nothing that a client wrote is in the log.

use std::{collections::BTreeMap, sync::LazyLock};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use serving::refusal::{Refusal, Seldom};

/// The causes that have a code of their own in the gateway's problems.
const PROBLEMS: [&str; 9] = [
    "no-token",
    "bad-token",
    "token-expired",
    "origin",
    "rate",
    "connections",
    "bad-proof",
    "proof-expired",
    "proof-spent",
];

/// What an operator can do about a cause. The others are the clients' own affair.
const ADVICE: [(&str, &str); 9] = [
    (
        "origin",
        "pages whose origin is not the host that was asked got 403: if this is your own page, let the proxy pass the \
         Host header on (Nginx: proxy_set_header Host $host), or name the page's origin with --allowed-origin",
    ),
    (
        "tls",
        "TLS handshakes failed: clients have to speak TLS 1.2 or 1.3 to this port, to trust the certificate, and with \
         --tls-client-ca to show one of their own over TLS 1.3",
    ),
    (
        "proxy-header",
        "connections of --trusted-proxy were refused because no header of the PROXY protocol came first: with \
         --proxy-protocol each of these proxies has to send it (Nginx: proxy_protocol on; HAProxy: send-proxy-v2), its \
         health checks included",
    ),
    (
        "stranger",
        "connections were refused that did not come from --trusted-proxy: with --insecure-listen nobody else may connect",
    ),
    (
        "full",
        "connections were refused because there are as many as may be: raise the limit of open files (LimitNOFILE of \
         the service, ulimit -n) and --connections, or add a gateway",
    ),
    (
        "connections",
        "connections were refused because their address has as many as may be: if that is a proxy, name it with \
         --trusted-proxy; otherwise see --connections-per-address",
    ),
    (
        "rate",
        "requests were refused because their address or session sends too many: if all come from a proxy, name it with \
         --trusted-proxy; otherwise see --session-rate and --connect-rate",
    ),
    (
        "bad-token",
        "tokens were refused that no gateway of this cluster has signed: deleted sessions, or clients of another \
         cluster; if it goes on, do all gateways share one bus, and do their clocks agree?",
    ),
    (
        "unread",
        "connections were cut because nobody read the answers: an attack, or a proxy that has stopped reading",
    ),
];

/// A cause, as a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Cause {
    cause: &'static str,
}

/// The counters, by cause.
pub(crate) type ByCause = Family<Cause, Counter>;

/// Every cause that is counted.
pub(crate) fn causes() -> impl Iterator<Item = &'static str> {
    let of_listener = Refusal::ALL.iter().map(|refusal| refusal.word());
    PROBLEMS.into_iter().chain(of_listener.filter(|word| !PROBLEMS.contains(word)))
}

/// Makes every series visible before anything is counted in it.
pub(crate) fn show_all(family: &ByCause) {
    causes().for_each(|cause| drop(family.get_or_create(&Cause { cause })));
}

/// Counts and tells.
#[derive(Debug)]
pub(crate) struct Refusals {
    counters: ByCause,
    said: BTreeMap<&'static str, Seldom>,
}

impl Refusals {
    pub(crate) fn new(counters: ByCause) -> Self {
        Self { counters, said: ADVICE.iter().map(|(cause, _)| (*cause, Seldom::new())).collect() }
    }

    /// Somebody was refused. A word that is no cause of a refusal is passed over.
    pub(crate) fn refused(&self, cause: &'static str) {
        static CAUSES: LazyLock<Vec<&str>> = LazyLock::new(|| causes().collect());
        if !CAUSES.contains(&cause) {
            return;
        }
        self.counters.get_or_create(&Cause { cause }).inc();
        let Some(seldom) = self.said.get(cause) else { return };
        let advice = ADVICE.iter().find(|(word, _)| *word == cause).map_or("", |(_, advice)| *advice);
        seldom.say(|times| tracing::warn!(event = "clients.refused", cause, times, "{advice}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_counted_by_itself_and_what_is_none_is_not() {
        let counters = ByCause::default();
        let refusals = Refusals::new(counters.clone());
        for cause in ["origin", "origin", "tls", "not-found", "upgrade-required"] {
            refusals.refused(cause);
        }
        let count = |cause| counters.get_or_create(&Cause { cause }).get();
        assert_eq!((count("origin"), count("tls"), count("not-found")), (2, 1, 0));
    }

    #[test]
    fn advice_is_about_causes_that_exist_and_names_options() {
        for (cause, advice) in ADVICE {
            assert!(causes().any(|word| word == cause), "{cause}");
            assert!(!advice.contains("  ") && !advice.ends_with('.'), "{advice}");
        }
        let words: Vec<_> = causes().collect();
        let distinct: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len(), "no cause twice");
    }
}
