//! What the system does when its parts crash, hang, have wrong clocks, or cannot reach each other.

mod bus;
mod clocks;
mod gateways;
mod secure;
mod services;
