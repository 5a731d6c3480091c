//! How nodes hear each other: in one process, or over core NATS.
