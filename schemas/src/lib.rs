//! Every type that crosses a process boundary, its encoding, and the pure folds over events.
//!
//! Nothing here does I/O, reads a clock or draws random numbers, so everything can be tested with
//! values.

pub mod announcement;
pub mod channel;
pub mod clocks;
pub mod close;
pub mod codec;
pub mod constants;
pub mod control;
pub mod criteria;
pub mod event;
pub mod frame;
pub mod id;
pub mod lifetimes;
pub mod limits;
pub mod message;
pub mod nodes;
pub mod order;
pub mod orders;
pub mod origin_keys;
pub mod outlook;
pub mod reconnect;
pub mod room;
pub mod session;
pub mod subject;
pub mod text;
pub mod time;
pub mod token;
pub mod trace;
pub mod transparency;
pub mod word_list;
mod words;

pub use close::CloseCode;
pub use id::{BootId, KeyId, NodeId, Origin, RoomId, Service, SessionId, Side, Stamp, Tag, WantId};
pub use time::UnixMillis;
