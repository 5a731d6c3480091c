//! What the system does when nothing fails but its clients.

mod closing;
mod crowd;
mod drain;
mod matching;
mod options;
mod privacy;
mod relay;
mod rest;
mod sessions;
mod tls;
mod websocket;
