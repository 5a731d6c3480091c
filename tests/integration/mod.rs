//! What the system does when nothing fails but its clients.

mod matching;
mod relay;
