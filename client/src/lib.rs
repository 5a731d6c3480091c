//! The client library: connection with resume, and the end-to-end channel.
