//! Invites: one secret, carried by a link that its server never sees in full, or by twelve words.
//! From it two things
//! are derived.
//!
//! The *code* is what both send in `find`: the server learns it, to match the two. The *psk* is
//! part of the handshake: the server cannot derive it from the code. Specified in
//! `docs/protocol.md`.

mod around;
mod link;
mod secret;
mod words;

pub use self::{
    link::{InviteLink, LINK_MAX},
    secret::{Invite, LinkError},
};
