//! What the system does when its parts die, hang, lie about the time, or cannot reach each other.

mod bus;
mod clocks;
mod gateways;
mod services;
