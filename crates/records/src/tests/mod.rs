//! A rustls client, and clients that do what it would not.

mod forged;
mod handshake;
mod records;
mod resumed;
mod support;
