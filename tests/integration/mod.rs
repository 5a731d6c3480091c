//! What the system does when nothing fails but its clients.

mod closing;
mod matching;
mod relay;
mod rest;
mod sessions;
mod websocket;
