//! What a gateway is told of helpers: who may offer help, and whose passes it lets in.

use std::path::PathBuf;

use passes::{PassKeys, Refused};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Who may offer help to strangers. With an invite anybody may take any part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helpers {
    /// Anybody.
    Anyone,
    /// Only sessions whose pass allows it.
    Pass,
}

impl Helpers {
    /// The word for operators and clients.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Pass => "pass",
        }
    }
}

/// How passes are judged.
#[derive(Clone, Debug)]
pub struct PassRules {
    /// The operator's public keys.
    pub keys: PassKeys,
    /// The hosts, each with its port unless that is the scheme's own, at which clients reach the
    /// service. Empty, it is the machine's own: a proof that another host was given opens nothing
    /// here.
    pub hosts: Vec<String>,
    /// The passes that are taken back from the start.
    pub revoked: Option<RevokedFile>,
}

/// A signed list of passes that are taken back.
#[derive(Clone, Debug)]
pub struct RevokedFile {
    /// Its file. Whoever runs the gateway reads it again.
    pub file: PathBuf,
    /// The list, as the file had it when the options were read.
    pub list: String,
}

/// Why nobody is let in by a pass. For the operator: whoever came is told one word for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassRefusal {
    /// This gateway was given no key to judge it by.
    NoKey,
    /// A pass without a proof, or a proof without a pass.
    Half,
    /// The door says so.
    Refused(Refused),
}

/// What became of passes that were shown. No label tells whose.
#[derive(Clone, Default)]
pub(crate) struct PassMetrics {
    accepted: Counter,
    refused: Family<CauseLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    reason: &'static str,
}

/// What [`PassRefusal::NoKey`] and [`PassRefusal::Half`] are called in metrics.
const NO_KEY: &str = "no-key";
const HALF: &str = "incomplete";

impl PassRefusal {
    /// The word in metrics.
    const fn word(self) -> &'static str {
        match self {
            Self::NoKey => NO_KEY,
            Self::Half => HALF,
            Self::Refused(refused) => refused.word(),
        }
    }
}

impl PassMetrics {
    /// Each series is there from the start, so that the first of its kind is seen as an increase.
    pub(crate) fn register(self, registry: &mut Registry) {
        for reason in [NO_KEY, HALF].iter().chain(Refused::WORDS).copied() {
            drop(self.refused.get_or_create(&CauseLabel { reason }));
        }
        registry.register("passes_accepted", "Sessions opened with a pass", self.accepted);
        registry.register("passes_refused", "Passes that opened no session", self.refused);
    }

    pub(crate) fn count<T>(&self, judged: &Result<T, PassRefusal>) {
        match judged {
            Ok(_) => {
                self.accepted.inc();
            }
            Err(refusal) => {
                self.refused.get_or_create(&CauseLabel { reason: refusal.word() }).inc();
            }
        }
    }
}
