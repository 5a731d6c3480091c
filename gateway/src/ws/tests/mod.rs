//! Connections over real loopback sockets, plain and TLS, with raw clients.

mod closing;
mod liveness;
mod relay;
mod size;
mod stress;
mod support;
