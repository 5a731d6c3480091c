//! Whom somebody wants to meet.

use schemas::{
    control::{Find, FindBy},
    criteria::{InviteCode, Language, Role, Topic},
};

use crate::{channel::Meeting, invite::Invite};

/// Whom somebody wants to meet.
#[derive(Clone, Debug)]
pub struct Wish {
    /// By what.
    pub with: With,
    /// The own part: whoever seeks meets only who offers; without a part, only others without one.
    pub role: Option<Role>,
    /// The own language: others who name a different one come later.
    pub language: Option<Language>,
}

/// By what two people meet.
#[derive(Clone, Debug)]
pub enum With {
    /// Anybody who names no topic.
    Anybody,
    /// Whoever names the same topic.
    Topic(Topic),
    /// Whoever has the same invite. The keys of the chat depend on it: without it nobody, and no server, can stand between the two.
    Invite(Invite),
}

impl Wish {
    /// Anybody who names no topic.
    pub fn anybody() -> Self {
        Self { with: With::Anybody, role: None, language: None }
    }

    /// Whoever names the same topic.
    pub fn about(topic: Topic) -> Self {
        Self { with: With::Topic(topic), ..Self::anybody() }
    }

    /// Whoever opens the link with this invite, which was made here.
    pub fn inviting(invite: Invite) -> Self {
        Self { with: With::Invite(invite), role: Some(Role::Offer), language: None }
    }

    /// Whoever made the link with this invite.
    pub fn invited(invite: Invite) -> Self {
        Self { role: Some(Role::Seek), ..Self::inviting(invite) }
    }

    pub(super) fn find(&self) -> Find {
        let by = match &self.with {
            With::Anybody => FindBy::Random(None),
            With::Topic(topic) => FindBy::Random(Some(topic.clone())),
            With::Invite(invite) => FindBy::Invite(code(invite)),
        };
        Find { by, role: self.role, language: self.language.clone() }
    }

    pub(super) fn meeting(&self) -> Meeting {
        match &self.with {
            With::Anybody | With::Topic(_) => Meeting::Random,
            With::Invite(invite) => Meeting::Invite(invite.psk()),
        }
    }
}

#[expect(clippy::expect_used, reason = "both are the base64url form of 16 bytes")]
fn code(invite: &Invite) -> InviteCode {
    invite.code().parse().expect("an invite's code is an invite code")
}
