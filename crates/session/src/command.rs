//! What clients ask for, and why it is refused.

use schemas::{
    Origin,
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

/// Where a client comes from, as far as this crate is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOrigin {
    /// Its network, as a number by which those who wait are counted.
    pub network: u64,
    /// What other nodes are told; `None` while there is no key.
    pub origin: Option<Origin>,
    /// The same of its address in IPv4, or its /32 in IPv6: who reports is counted by that.
    pub region: Option<Origin>,
}

/// The two people of this invite have met: nobody else can.
pub(crate) fn invite_spent() -> ControlError {
    ControlError::new(ErrorCode::InviteSpent, "the two people of this invite have met")
}

/// Everybody else speaks another version of the channel.
pub(crate) fn other_version() -> ControlError {
    let fault =
        "the others here speak another version of the channel: reload the page, or update the program";
    ControlError::new(ErrorCode::OtherVersion, fault)
}

/// As a gateway says it to whoever asks for somebody.
pub(crate) fn strangers_not_offered() -> ControlError {
    ControlError::new(ErrorCode::MatchingNotOffered, "only people with an invite meet here")
}

pub(crate) fn too_many_wait() -> ControlError {
    ControlError::new(ErrorCode::Rate, "too many people wait at this address; try again in a few seconds")
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
