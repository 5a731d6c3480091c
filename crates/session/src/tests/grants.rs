//! What clients are given, and show again.

use schemas::token::{ROOM_AUDIENCE, SESSION_AUDIENCE, TicketClaims};

use super::*;

pub(super) fn token(grant: &SessionGrant) -> TokenClaims {
    TokenClaims {
        sub: grant.session,
        aud: SESSION_AUDIENCE.into(),
        iat: 0,
        exp: u64::MAX,
        jti: String::new(),
        start: grant.start,
        stamp: grant.stamp,
        pass: grant.pass.clone(),
        history: grant.history.clone(),
    }
}

pub(super) fn fresh_token(n: u8) -> TokenClaims {
    let history = RoomHistory::default();
    token(&SessionGrant {
        session: session(n),
        start: START.as_secs(),
        stamp: Stamp::NONE,
        pass: None,
        history,
    })
}

pub(super) fn ticket(grant: &TicketGrant) -> TicketClaims {
    TicketClaims {
        sub: grant.session,
        aud: ROOM_AUDIENCE.into(),
        iat: 0,
        exp: u64::MAX,
        room: grant.room,
        side: grant.side,
        stamp: grant.stamp,
    }
}

/// The place that a client was shown last.
pub(super) fn place(told: &[ToClient]) -> TicketGrant {
    let shown = told.iter().rev().find_map(|message| match message {
        ToClient::Unsigned(Unsigned::Paired(grant, _)) | ToClient::Unsigned(Unsigned::Resumed(grant)) => {
            Some(*grant)
        }
        _ => None,
    });
    shown.unwrap_or_else(|| panic!("no room in {told:?}"))
}

/// The token that a client was given last.
pub(super) fn newest(told: &[ToClient]) -> SessionGrant {
    let given = told.iter().rev().find_map(|message| match message {
        ToClient::Unsigned(Unsigned::Ready(grant)) | ToClient::Unsigned(Unsigned::Token(grant, _)) => {
            Some(grant.clone())
        }
        _ => None,
    });
    given.unwrap_or_else(|| panic!("no token in {told:?}"))
}
