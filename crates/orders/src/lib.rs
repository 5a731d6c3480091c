//! How a node keeps the operator's orders.
//!
//! What is in force is decided by [`schemas::orders`], which is pure. [`Standing`] is that state as
//! the services of a process share it. [`Keeper`] is the task around it: it hears orders, answers
//! for them, and asks others which are in force. [`files`] reads keys and signed orders.

pub mod files;
mod keeper;
mod metrics;
mod standing;

pub use self::{keeper::Keeper, metrics::Metrics, standing::Standing};
