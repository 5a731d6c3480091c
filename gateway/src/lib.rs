//! The edge: sessions over REST, WebSocket connections, tokens, rate limits, and the relay path.
//!
//! [`session`] decides, [`node`] carries out, `ws` relays; [`rest`] is the way in.

pub mod about;
pub mod address;
#[cfg(feature = "bench")]
pub mod bench;
pub mod config;
pub mod desk;
mod dispatch;
#[cfg(test)]
mod documentation;
pub mod helpers;
mod journeys;
pub mod keyring;
mod keys;
pub mod metrics;
pub mod node;
mod ordered;
pub mod origin_keys;
mod origins;
pub mod page;
mod problem;
pub mod rates;
mod refusals;
mod reported_origins;
mod requests;
pub mod rest;
mod routes;
mod run;
pub mod sealed;
pub mod token;
mod web_origin;
mod ws;

pub use run::{Gateway, RunError};
