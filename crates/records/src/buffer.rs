//! The buffer into which a worker thread reads sockets: an idle connection holds none. What was in
//! it is wiped when it is handed back.

use std::{cell::RefCell, mem};

/// What one read of a socket can bring, with the beginning of a TLS record from before. One read of
/// a busy socket then carries hundreds of small frames.
pub const READ_BYTES: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The thread's buffer, of [`READ_BYTES`]. Wiped and handed back when dropped.
pub struct BorrowedBuffer {
    bytes: Vec<u8>,
    used: usize,
}

/// Borrows the buffer of this thread. If it is borrowed already, or the thread is ending, it is a
/// new one.
pub fn borrow() -> BorrowedBuffer {
    let mut bytes = BUFFER.try_with(|buffer| mem::take(&mut *buffer.borrow_mut())).unwrap_or_default();
    if bytes.len() < READ_BYTES {
        // Untouched pages of it are no memory yet.
        bytes = vec![0; READ_BYTES];
    }
    BorrowedBuffer { bytes, used: 0 }
}

impl BorrowedBuffer {
    /// All of it, zeros where nothing has been written.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Notes how many of its first bytes may have been written: they will be wiped.
    pub fn set_used(&mut self, bytes: usize) {
        self.used = bytes;
    }
}

impl Drop for BorrowedBuffer {
    fn drop(&mut self) {
        self.bytes[..self.used].fill(0);
        // If the thread is ending there is nobody to hand it back to.
        let _ = BUFFER.try_with(|buffer| mem::swap(&mut *buffer.borrow_mut(), &mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_of_a_buffer_is_wiped() {
        let mut buffer = borrow();
        let address = buffer.bytes().as_ptr();
        buffer.bytes()[..4].copy_from_slice(b"text");
        buffer.set_used(4);
        drop(buffer);
        let mut again = borrow();
        assert_eq!(again.bytes().as_ptr(), address, "the same buffer");
        assert!(again.bytes().iter().all(|byte| *byte == 0));
        assert_ne!(borrow().bytes().as_ptr(), address, "one borrower at a time");
    }
}
