//! What the system does while only clients fail.

mod admission;
mod alarms;
mod autobahn;
mod claims;
mod closing;
mod console;
mod crowd;
mod doors;
mod drain;
mod edge;
mod fairness;
mod health;
mod inner_links;
mod matching;
mod metrics;
mod nats_command;
mod nginx;
mod operations;
mod options;
mod orders;
mod origin_keys;
mod page;
mod permissions;
mod privacy;
mod proxies;
mod relay;
mod renewal;
mod rest;
mod rogue;
mod sessions;
mod silence;
mod tls;
mod top;
#[cfg(feature = "traces")]
mod traces;
mod websocket;
