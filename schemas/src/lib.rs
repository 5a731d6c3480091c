//! Every type that crosses a process boundary, its encoding, and the pure folds over events.
