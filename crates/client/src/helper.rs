//! A helper: who has a link with a secret, and a pass of the operator.

use std::fmt;

use passes::{Link, LinkError, Pass, SessionProof};
use schemas::UnixMillis;
use zeroize::Zeroizing;

/// A helper's secret and pass. Cheap enough to clone for each session; its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Helper {
    pub(crate) secret: passes::Secret,
    pub(crate) pass: String,
}

/// Why a text is not the link of a helper. No message repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelperError {
    /// Not of the form of a link.
    #[error("a helper's link looks like https://host/desk#secret.pass")]
    Form,
    /// The secret alone.
    #[error("the link has no pass after its secret")]
    NoPass,
    /// What stands after the secret is no pass, or it is somebody else's.
    #[error("the pass of the link is not for its secret")]
    NotItsPass,
}

impl From<LinkError> for HelperError {
    fn from(_: LinkError) -> Self {
        Self::Form
    }
}

impl Helper {
    /// Reads a link that the operator has made, or what stands after its `#`. Whether the operator
    /// has signed the pass, and whether it is over, the server says.
    ///
    /// # Errors
    /// If it is none, or if its secret and its pass do not belong together.
    pub fn from_link(link: &str) -> Result<Self, HelperError> {
        let Link { secret, pass } = Link::parse(link)?;
        let pass = pass.ok_or(HelperError::NoPass)?;
        let said = Pass::read(&pass).ok_or(HelperError::NotItsPass)?;
        if said.key == secret.public() { Ok(Self { secret, pass }) } else { Err(HelperError::NotItsPass) }
    }

    /// What the pass says. Nothing of it is checked here.
    pub fn pass(&self) -> Option<Pass> {
        Pass::read(&self.pass)
    }

    /// The fields of a request that opens a session at this host: host and port of its URL.
    pub(crate) fn proof(&self, host: &str, now: UnixMillis) -> Zeroizing<String> {
        let proof = SessionProof::new(&self.secret, &self.pass, host, now, rand::random());
        Zeroizing::new(proof.text())
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Helper(…)")
    }
}
