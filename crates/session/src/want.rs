//! A want that this gateway has published for one of its sessions.

use schemas::{
    SessionId, Stamp, Tag, UnixMillis, WantId,
    criteria::{Criteria, Language, Queue, Role},
    event::Want,
};

/// A want of a session of this gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnWant {
    pub(crate) id: WantId,
    pub(crate) queue: Queue,
    since: UnixMillis,
    role: Option<Role>,
    language: Option<Language>,
}

impl OwnWant {
    pub(crate) fn new(now: UnixMillis, id: WantId, find: Criteria) -> Self {
        Self { id, queue: find.queue(), since: now, role: find.role, language: find.language }
    }

    /// Whether it is what this message asks for, too.
    pub(crate) fn is_for(&self, find: &Criteria) -> bool {
        (self.queue, self.role, &self.language) == (find.queue(), find.role, &find.language)
    }

    /// What pairing is to know of it. `tags` are those of rooms whose people are not to meet again.
    pub(crate) fn publication(
        &self,
        now: UnixMillis,
        session: SessionId,
        stamp: Stamp,
        tags: Vec<Tag>,
    ) -> Want {
        Want {
            id: self.id,
            session,
            stamp,
            age: now.since(self.since),
            queue: self.queue,
            role: self.role,
            language: self.language.clone(),
            tags,
        }
    }
}
