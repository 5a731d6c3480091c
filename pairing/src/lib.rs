//! Folds the wants of waiting sessions into a pool and matches them.
