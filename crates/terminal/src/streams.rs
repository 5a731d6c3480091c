//! Standard input and output without the buffers of the standard library: those are never freed, so
//! the last texts in them would never be wiped.

use std::{
    fs::File,
    io::{self, BufRead, Read},
    os::fd::AsFd,
};

use zeroize::{Zeroize, Zeroizing};

/// As many bytes as are read at once.
const BLOCK: usize = 8 * 1024;

/// Standard output; each write goes out at once.
pub(super) fn output() -> io::Result<File> {
    unbuffered(&io::stdout())
}

/// Standard input; each read asks for more.
pub(super) fn input() -> io::Result<File> {
    unbuffered(&io::stdin())
}

fn unbuffered(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

/// Reads blocks, and wipes what was taken of them.
pub(super) struct WipingReader<R> {
    inner: R,
    block: Zeroizing<Vec<u8>>,
    /// What of the block was read and not taken yet.
    rest: std::ops::Range<usize>,
}

impl<R: Read> WipingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, block: Zeroizing::new(vec![0; BLOCK]), rest: 0..0 }
    }
}

impl<R: Read> BufRead for WipingReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.is_empty() {
            self.rest = 0..self.inner.read(&mut self.block)?;
        }
        Ok(&self.block[self.rest.clone()])
    }

    fn consume(&mut self, amount: usize) {
        let taken = self.rest.start..self.rest.end.min(self.rest.start + amount);
        self.rest.start = taken.end;
        self.block[taken].zeroize();
    }
}

impl<R: Read> Read for WipingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_wiped_and_what_was_not_is_there() {
        let mut reader = WipingReader::new(&b"first\nsecond"[..]);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        assert_eq!(line, b"first\n");
        assert_eq!(reader.block[..12], *b"\0\0\0\0\0\0second");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "second");
        assert!(reader.block.iter().all(|byte| *byte == 0));
    }
}
