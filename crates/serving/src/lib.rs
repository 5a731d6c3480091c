//! How any node serves HTTP. It knows nothing of what is served.
//!
//! [`listener`] accepts connections and speaks HTTP on them, [`tls`] loads certificates, [`ops`] is
//! what operators ask of every node, and [`problem`] is how failures are told.

pub mod listener;
pub mod ops;
pub mod problem;
mod stream;
pub mod tls;

pub use stream::Stream;
