//! Expires what nobody renews and answers for what has ended.
