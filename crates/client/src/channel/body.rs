//! What the bodies of messages hold, by their kind.
//!
//! ```text
//! target     whose u8 (0: sent by the side that names it, 1: by the other one) ‖ number u64
//! reply      target ‖ text          reaction   target ‖ reaction
//! edit       number u64 ‖ text      delete     number u64
//! timer      seconds u32 ‖ heard u64
//! credential length u16 ‖ pass ‖ signature (64 bytes)
//! handover   secret of an invite (16 bytes) ‖ SHA-256 of the colleague's public key
//! ```

use passes::Credential;
use zeroize::Zeroizing;

use super::event::{SendError, Typing};
use super::limits::{MAX_REACTION, MAX_TEXT, MAX_TIMER};
use super::packet::Kind;
use super::said::{Handover, MessageNumber, Said, Target, Whose};
use super::timers::Timer;

/// Bytes of a target.
const TARGET: usize = 1 + 8;

/// Bytes of an invite's secret.
const INVITE: usize = 16;

/// Kinds from this one on are none of this version: whoever sends one has a newer program.
const FIRST_UNKNOWN: u8 = 12;

/// What a message of the peer says.
pub(super) enum Heard {
    Typing(Typing),
    Bye,
    Text {
        text: String,
        reply_to: Option<Target>,
    },
    Reaction {
        to: Target,
        reaction: String,
    },
    Edit {
        edited: MessageNumber,
        text: String,
    },
    Deletion {
        deleted: MessageNumber,
    },
    Timer(Timer),
    Credential(Credential),
    Handover(Handover),
    /// A newer program has said something.
    Unknown,
    /// Kind 0, which nothing has. It is acknowledged, and there is no event for it.
    Reserved,
}

/// What a message says that is not the first of `a`. `None` if its body breaks the form of its
/// kind.
pub(super) fn read(number: u64, kind: u8, body: &[u8]) -> Option<Heard> {
    let Some(known) = Kind::of(kind) else {
        return Some(if kind >= FIRST_UNKNOWN { Heard::Unknown } else { Heard::Reserved });
    };
    Some(match known {
        Kind::Text => Heard::Text { text: read_text(body, 1..=MAX_TEXT)?, reply_to: None },
        Kind::Typing => Heard::Typing(match body {
            [0] => Typing::Idle,
            [1] => Typing::Active,
            _ => return None,
        }),
        Kind::Bye if body.is_empty() => Heard::Bye,
        // Where an opening belongs, it was taken before.
        Kind::Bye | Kind::Opening => return None,
        Kind::Credential => Heard::Credential(Credential::parse(body).ok()?),
        Kind::Handover => {
            let (invite, colleague) = body.split_first_chunk::<INVITE>()?;
            let colleague = colleague.try_into().ok()?;
            Heard::Handover(Handover { invite: Zeroizing::new(*invite), colleague })
        }
        Kind::Reply => {
            let (target, text) = body.split_at_checked(TARGET)?;
            let reply_to = Some(read_target(number, target)?);
            Heard::Text { text: read_text(text, 1..=MAX_TEXT)?, reply_to }
        }
        Kind::Reaction => {
            let (target, reaction) = body.split_at_checked(TARGET)?;
            let to = read_target(number, target)?;
            Heard::Reaction { to, reaction: read_text(reaction, 0..=MAX_REACTION)? }
        }
        Kind::Edit => {
            let (edited, text) = body.split_first_chunk()?;
            let edited = earlier(number, u64::from_be_bytes(*edited))?;
            Heard::Edit { edited, text: read_text(text, 1..=MAX_TEXT)? }
        }
        Kind::Delete => {
            let deleted = u64::from_be_bytes(body.try_into().ok()?);
            Heard::Deletion { deleted: earlier(number, deleted)? }
        }
        Kind::Timer => Heard::Timer(read_timer(number, body)?),
    })
}

fn read_target(number: u64, bytes: &[u8]) -> Option<Target> {
    let (&whose, named) = bytes.split_first()?;
    let named = u64::from_be_bytes(named.try_into().ok()?);
    match whose {
        // The peer names a message of its own.
        0 => earlier(number, named).map(Target::peer),
        1 if named > 0 => Some(Target::own(MessageNumber(named))),
        _ => None,
    }
}

/// A number of the side that names it: nobody can name what was not sent yet.
fn earlier(number: u64, named: u64) -> Option<MessageNumber> {
    (named > 0 && named < number).then_some(MessageNumber(named))
}

fn read_text(bytes: &[u8], len: std::ops::RangeInclusive<usize>) -> Option<String> {
    if !len.contains(&bytes.len()) {
        return None;
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn read_timer(number: u64, body: &[u8]) -> Option<Timer> {
    let (seconds, heard) = body.split_first_chunk()?;
    let (seconds, heard) = (u32::from_be_bytes(*seconds), u64::from_be_bytes(heard.try_into().ok()?));
    (u64::from(seconds) <= MAX_TIMER.as_secs()).then_some(Timer { number, seconds, heard })
}

/// The kind and the body of what is said by a side that has received all up to `heard`.
///
/// # Errors
/// [`SendError::Empty`] and [`SendError::TooLong`].
pub(super) fn write(said: Said<'_>, heard: u64) -> Result<(Kind, Zeroizing<Vec<u8>>), SendError> {
    Ok(match said {
        Said::Text(text) => (Kind::Text, with_text(&[], text, 1..=MAX_TEXT)?),
        Said::Reply { to, text } => (Kind::Reply, with_text(&target(to), text, 1..=MAX_TEXT)?),
        Said::Reaction { to, reaction } => {
            (Kind::Reaction, with_text(&target(to), reaction, 0..=MAX_REACTION)?)
        }
        Said::Edit { number, text } => {
            (Kind::Edit, with_text(&number.get().to_be_bytes(), text, 1..=MAX_TEXT)?)
        }
        Said::Deletion { number } => (Kind::Delete, Zeroizing::new(number.get().to_be_bytes().into())),
        Said::Handover(Handover { invite, colleague }) => {
            (Kind::Handover, Zeroizing::new([&invite[..], colleague].concat()))
        }
        Said::Timer { seconds } if u64::from(seconds) > MAX_TIMER.as_secs() => {
            return Err(SendError::TooLong);
        }
        Said::Timer { seconds } => {
            let body = [&seconds.to_be_bytes()[..], &heard.to_be_bytes()].concat();
            (Kind::Timer, Zeroizing::new(body))
        }
    })
}

fn target(to: Target) -> [u8; TARGET] {
    let mut bytes = [0; TARGET];
    bytes[0] = match to.whose {
        Whose::Own => 0,
        Whose::Peer => 1,
    };
    bytes[1..].copy_from_slice(&to.number.get().to_be_bytes());
    bytes
}

fn with_text(
    before: &[u8],
    text: &str,
    len: std::ops::RangeInclusive<usize>,
) -> Result<Zeroizing<Vec<u8>>, SendError> {
    if text.len() < *len.start() {
        return Err(SendError::Empty);
    }
    if text.len() > *len.end() {
        return Err(SendError::TooLong);
    }
    Ok(Zeroizing::new([before, text.as_bytes()].concat()))
}
