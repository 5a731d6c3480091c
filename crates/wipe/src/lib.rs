//! A global allocator that wipes what is freed: keys, tokens and frames do not lie about in memory
//! that nobody owns.
//!
//! The only crate of the workspace with `unsafe` code: an allocator cannot be had without.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    arch::asm,
};

/// The system's allocator; memory is zeroed before it goes back.
///
/// `realloc` keeps [`GlobalAlloc`]'s own meaning: allocate, copy, free, so that what is left behind
/// is wiped too. The price is one pass over each freed block while it is in the cache.
pub struct Wiping;

// SAFETY: every method does what `System` does with the same arguments; `dealloc` only writes to
// the block before it is freed, while it still belongs to the caller.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has this layout and is the caller's until `System.dealloc` returns.
        unsafe {
            block.write_bytes(0, layout.size());
            // A plain store to memory that is about to be freed may be optimised away. The compiler
            // has to assume that this empty piece of assembly reads the block.
            asm!("/* {0} */", in(reg) block, options(nostack, preserves_flags, readonly));
            System.dealloc(block, layout);
        }
    }
}

/// Free memory at the end of a heap that is kept for what comes next, in bytes. By default it is
/// 128 KiB, less than the batches of frames that are under way at any moment: each would be given
/// back to the system and faulted in again. A flood of the largest frames moves some MiB. Each
/// worker thread has a heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const READY_BYTES: libc::c_int = 16 * 1024 * 1024;

/// Blocks from this size on are the system's own, in bytes: larger than any on the way of a frame.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING_BYTES: libc::c_int = 1024 * 1024;

/// Keeps some free memory ready (`mallopt(3)`). To be called once, before there are threads.
/// Whether the allocator knows how; it does nothing where it is not that of glibc.
pub fn keep_ready() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only sets two numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, READY_BYTES) == 1
            && libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING_BYTES) == 1
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

/// Lets all threads share one heap (`mallopt(3)`), where few of them allocate: each heap keeps free
/// memory of its own. To be called once, before there are threads. Whether the allocator knows how;
/// it does nothing where it is not that of glibc.
pub fn share_one_heap() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1) == 1
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

/// Gives what is free back to the system: the pages between what is in use, too (`malloc_trim(3)`).
/// Takes a few milliseconds where much is free. Does nothing where the system's allocator is not
/// that of glibc.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only gives back pages that nobody owns, and takes the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Wiping = Wiping;

    /// glibc keeps two pointers of its own at the beginning of a free block.
    const ALLOCATORS_OWN: usize = 16;
    const SECRET: u8 = 0xa5;

    /// Reads a block after it has been freed, as whoever reads our memory would.
    fn what_remains(block: *const u8, size: usize) -> usize {
        (ALLOCATORS_OWN..size)
            // SAFETY: none that the language gives. Nothing allocates between the free and this
            // read (one thread, no formatting), and a small block stays mapped; that is what the
            // test is about.
            .filter(|offset| unsafe { block.add(*offset).read_volatile() } == SECRET)
            .count()
    }

    #[test]
    fn a_freed_block_holds_nothing_of_what_was_in_it() {
        for size in [64, 1024, 40_000] {
            let secret = vec![SECRET; size];
            let block = secret.as_ptr();
            assert_eq!(what_remains(block, size), size - ALLOCATORS_OWN, "the test can see it");
            drop(secret);
            assert_eq!(what_remains(block, size), 0, "{size} bytes");
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn glibc_keeps_memory_ready_when_asked() {
        assert!(keep_ready());
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn glibc_shares_one_heap_when_asked() {
        assert!(share_one_heap());
    }

    #[test]
    fn what_is_in_use_survives_giving_back() {
        let kept: Vec<Vec<u8>> = (0..1000).map(|n| vec![n as u8; 4096]).collect();
        drop((0..1000).map(|_| vec![SECRET; 4096]).collect::<Vec<_>>());
        give_back();
        assert!(kept.iter().enumerate().all(|(n, block)| block.iter().all(|byte| *byte == n as u8)));
    }

    #[test]
    fn what_a_growing_vector_leaves_behind_is_wiped() {
        let mut secret = Vec::with_capacity(64);
        secret.extend_from_slice(&[SECRET; 64]);
        let block: *const u8 = secret.as_ptr();
        secret.reserve_exact(4096);
        assert_ne!(block, secret.as_ptr());
        assert_eq!(what_remains(block, 64), 0);
    }
}
