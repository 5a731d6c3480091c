//! What clients ask for, and why it is refused.

use schemas::{
    control::{Category, ControlError, ErrorCode},
    criteria::Criteria,
    token::TicketClaims,
};

/// What a client asks for, its ticket already verified.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientCommand {
    /// Wait for a match.
    Find(Criteria),
    /// Stop waiting.
    Cancel,
    /// Back into a room.
    Resume(TicketClaims),
    /// End the chat.
    Leave,
    /// End the chat, if any, and wait for another person.
    Next(Criteria),
    /// End the chat and never meet again.
    Report(Category),
}

/// The two people of this invite have met: nobody else can.
pub(crate) fn invite_spent() -> ControlError {
    ControlError::new(ErrorCode::InviteSpent, "the two people of this invite have met")
}

pub(crate) fn cannot_find_now() -> ControlError {
    ControlError::new(ErrorCode::Unavailable, "nobody can be found from here now; try again")
}

pub(crate) fn peer_unreachable() -> ControlError {
    ControlError::new(ErrorCode::Unavailable, "the other side cannot be reached now; try again")
}

pub(crate) fn find_in_room() -> ControlError {
    ControlError::new(ErrorCode::InRoom, "leave the room first, or say next")
}

pub(crate) fn in_another_room() -> ControlError {
    ControlError::new(ErrorCode::InRoom, "this session is in another room")
}

pub(crate) fn no_room() -> ControlError {
    ControlError::new(ErrorCode::NoRoom, "this session is in no room")
}
