//! Buffers for what is to be written, shared by all connections of a worker thread: an idle
//! connection holds none. What was in them is wiped when they are handed back.

use std::{cell::RefCell, mem};

/// Spare buffers that a thread keeps: as many connections can wait for their socket at once without
/// an allocation.
const SPARES: usize = 256;
/// A buffer that has grown beyond this is not kept.
const SPARE_BYTES: usize = 64 * 1024;

/// Buffers of one thread. What is kept here has been overwritten with zeros, and is emptied when it
/// is handed out.
#[derive(Default)]
struct Buffers {
    relay: Vec<u8>,
    spares: Vec<Vec<u8>>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// A thread that is ending has no buffers left: what is asked for is new then, and what is handed
/// back is freed.
fn with<T: Default>(act: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.try_with(|buffers| act(&mut buffers.borrow_mut())).unwrap_or_default()
}

/// The frames of one read on their way to the other side; empty, with the capacity of earlier uses.
pub(super) fn relay() -> Vec<u8> {
    emptied(with(|buffers| mem::take(&mut buffers.relay)))
}

/// Hands the relay buffer back.
pub(super) fn give_back_relay(mut bytes: Vec<u8>) {
    bytes.fill(0);
    with(|buffers| buffers.relay = bytes);
}

/// An empty buffer for what a socket could not take at once.
pub(super) fn spare() -> Vec<u8> {
    emptied(with(|buffers| buffers.spares.pop()).unwrap_or_default())
}

/// Hands a spare buffer back.
pub(super) fn give_back(mut bytes: Vec<u8>) {
    if bytes.capacity() == 0 || bytes.capacity() > SPARE_BYTES {
        return;
    }
    bytes.fill(0);
    with(|buffers| {
        if buffers.spares.len() < SPARES {
            buffers.spares.push(bytes);
        }
    });
}

fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_of_a_buffer_is_wiped() {
        let text = || {
            let mut bytes = Vec::with_capacity(16);
            bytes.extend_from_slice(b"text");
            bytes
        };
        give_back(text());
        give_back_relay(text());
        with(|buffers| {
            assert_eq!(buffers.spares, [[0; 4]]);
            assert_eq!(buffers.relay, [0; 4]);
        });
        for bytes in [spare(), relay()] {
            assert!(bytes.is_empty());
            assert_eq!(bytes.capacity(), 16, "the same buffer");
        }
    }
}
