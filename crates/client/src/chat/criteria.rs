//! Whom somebody wants to meet.

use schemas::criteria::{ChannelVersion, Criteria, InviteCode, Language, MatchBy, Role, Topic};

use crate::{channel::Meeting, invite::Invite};

/// Whom somebody wants to meet.
#[derive(Clone, Debug)]
pub struct ChatCriteria {
    /// By what the two meet.
    pub by: MeetBy,
    /// This person's role: `seek` is matched only with `offer`; no role only with others who have
    /// none.
    pub role: Option<Role>,
    /// This person's language. People with a different one are matched only after 10 s.
    pub language: Option<Language>,
}

/// By what two people meet.
#[derive(Clone, Debug)]
pub enum MeetBy {
    /// Anybody who names no topic.
    Anybody,
    /// Whoever names the same topic.
    Topic(Topic),
    /// Whoever has the same invite. The keys of the chat depend on it: nobody without it, not even
    /// the server, can be in between.
    Invite(Invite),
}

impl ChatCriteria {
    /// Anybody who names no topic.
    pub fn anybody() -> Self {
        Self { by: MeetBy::Anybody, role: None, language: None }
    }

    /// Whoever names the same topic.
    pub fn topic(topic: Topic) -> Self {
        Self { by: MeetBy::Topic(topic), ..Self::anybody() }
    }

    /// Whoever opens the link with this invite, which was made here.
    pub fn create_invite(invite: Invite) -> Self {
        Self { by: MeetBy::Invite(invite), role: Some(Role::Offer), language: None }
    }

    /// Whoever made the link with this invite.
    pub fn accept_invite(invite: Invite) -> Self {
        Self { role: Some(Role::Seek), ..Self::create_invite(invite) }
    }

    pub(super) fn find(&self) -> Criteria {
        let by = match &self.by {
            MeetBy::Anybody => MatchBy::Random(None),
            MeetBy::Topic(topic) => MatchBy::Random(Some(topic.clone())),
            MeetBy::Invite(invite) => MatchBy::Invite(code(invite)),
        };
        let channel = ChannelVersion::CURRENT;
        Criteria { by, role: self.role, language: self.language.clone(), channel }
    }

    pub(super) fn meeting(&self) -> Meeting {
        match &self.by {
            MeetBy::Anybody | MeetBy::Topic(_) => Meeting::Random,
            MeetBy::Invite(invite) => Meeting::Invite(invite.psk()),
        }
    }
}

#[expect(clippy::expect_used, reason = "both are the base64url form of 16 bytes")]
fn code(invite: &Invite) -> InviteCode {
    invite.code().parse().expect("an invite's code is an invite code")
}
