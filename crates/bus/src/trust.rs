//! What a node vouches for, and what it believes of others.

use std::collections::BTreeSet;

use schemas::{
    NodeId, UnixMillis,
    announcement::{Announcement, Proof},
    message::{Answer, Message},
};

use super::{
    Backend, Bus, ConnectError, counters,
    identity::{self, Doubt, Identity},
};

impl Bus {
    /// Vouches for a statement of this node with its bus certificate. `None` without one.
    pub fn vouch(&self, statement: &[u8]) -> Option<Proof> {
        self.identity()?.vouch(statement)
    }

    /// Vouches for a key of this node again, if that was done with a certificate that was renewed
    /// since. `None` if there is no need, or no certificate.
    pub fn vouch_again(&self, own: &Announcement) -> Option<Proof> {
        self.identity()?.vouch_again(&own.statement(), own.proof.as_ref())
    }

    /// The gateways that have a certificate of a later generation since this was asked last: one of
    /// them was revoked. See [`Bus::is_revoked`].
    pub fn take_renewed(&self) -> BTreeSet<NodeId> {
        self.identity().map(Identity::take_renewed).unwrap_or_default()
    }

    /// Whether the certificate that vouched for a key, which was believed, was revoked since.
    pub fn is_revoked(&self, announcement: &Announcement) -> bool {
        let (node, proof) = (&announcement.node, announcement.proof.as_ref());
        self.identity().is_some_and(|identity| identity.is_revoked(node, proof))
    }

    /// Reads this node's certificate and its authorities again, for the next connection and the
    /// next key. The connection stays. Does nothing on a local bus.
    ///
    /// # Errors
    /// If a file is unfit: then what was in use stays so.
    pub fn renew_certificates(&self) -> Result<(), ConnectError> {
        match &self.backend {
            Backend::Local(_) => Ok(()),
            Backend::Nats(connection) => connection.renew(),
        }
    }

    /// The same where keys are vouched for, with a line in the log about what is unfit.
    pub fn renew_identity(&self) {
        if let Some(identity) = self.identity() {
            identity.renew();
        }
    }

    /// Whether an announcement of a key is what it says, whoever has passed it on.
    ///
    /// # Errors
    /// If it is not signed with the key itself, or, where nodes have certificates, not by the
    /// gateway that it names. That is counted.
    pub fn believe(&self, announcement: &Announcement, now: UnixMillis) -> Result<(), Doubt> {
        let believed = identity::possesses(announcement).and_then(|()| {
            let (statement, proof) = (announcement.statement(), announcement.proof.as_ref());
            self.vouches(&announcement.node, &statement, proof, now)
        });
        self.count_doubt(believed)
    }

    /// The same of one that `speaker` has published without having been asked. A node that says too
    /// much is not heard for a while: looking at signatures takes time.
    ///
    /// # Errors
    /// As [`Bus::believe`], and if too many of this node have been checked.
    pub fn believe_of(
        &self,
        speaker: &NodeId,
        announcement: &Announcement,
        now: UnixMillis,
    ) -> Result<(), Doubt> {
        if !self.key_checks.lock().take(now, speaker) {
            return self.count_doubt(Err(Doubt::TooMany));
        }
        self.believe(announcement, now)
    }

    /// Whether the gateway `node` has made a statement about a key. Where nodes have no
    /// certificates everybody is believed.
    ///
    /// # Errors
    /// If nodes have certificates, and that of the gateway does not vouch for it. That is counted.
    pub fn believe_said(
        &self,
        node: &NodeId,
        statement: &[u8],
        proof: Option<&Proof>,
        now: UnixMillis,
    ) -> Result<(), Doubt> {
        self.count_doubt(self.vouches(node, statement, proof, now))
    }

    fn vouches(
        &self,
        node: &NodeId,
        statement: &[u8],
        proof: Option<&Proof>,
        now: UnixMillis,
    ) -> Result<(), Doubt> {
        self.identity().map_or(Ok(()), |identity| identity.check(node, statement, proof, now))
    }

    /// Whether all stamps in a message can be true. If not, it is to be dropped; that is counted.
    pub fn believe_stamps(&self, message: &Message, now: UnixMillis) -> bool {
        self.count_ahead(message.is_ahead_of(now))
    }

    /// The same of an answer.
    pub fn believe_stamps_of(&self, answer: &Answer, now: UnixMillis) -> bool {
        self.count_ahead(answer.is_ahead_of(now))
    }

    fn count_ahead(&self, is_ahead: bool) -> bool {
        if is_ahead {
            counters::count(&self.counters().stamps_ahead);
        }
        !is_ahead
    }

    fn count_doubt(&self, believed: Result<(), Doubt>) -> Result<(), Doubt> {
        if believed.is_err() {
            counters::count(&self.counters().doubted_keys);
        }
        believed
    }

    fn identity(&self) -> Option<&Identity> {
        match &self.backend {
            Backend::Local(_) => None,
            Backend::Nats(connection) => connection.identity(),
        }
    }
}
