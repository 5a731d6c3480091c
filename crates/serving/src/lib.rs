//! How any node serves HTTP. It knows nothing of what is served.
//!
//! [`socket`] is where clients connect, [`listener`] accepts connections and speaks HTTP on them,
//! [`tls`] loads certificates, [`ops`] is what operators ask of every node, [`watchers`] is who may
//! ask it, and [`problem`] is how failures are told.

pub mod certificate;
mod gate;
mod head;
pub mod headers;
pub mod listener;
pub mod ops;
pub mod ops_token;
mod peer;
pub mod problem;
mod proxy;
pub mod refusal;
pub mod reload;
mod requests;
pub mod socket;
mod stream;
mod tickets;
pub mod tls;
pub mod watchers;

pub use gate::HttpStream;
pub use stream::Stream;
