//! The record layer as a byte stream: for whoever, like an HTTP server, wants no more than that.

use std::{
    fmt, io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{buffer, opener::End, records::Records};

/// A client's stream behind its handshake. It holds no buffer but for what has come and was not
/// asked for, or waits for the socket.
pub struct TlsStream<S> {
    socket: S,
    records: Box<Records>,
    plain: Vec<u8>,
}

/// The parts of a stream.
pub struct Parts<S> {
    /// What the records are read from and written to.
    pub socket: S,
    /// The record layer.
    pub records: Box<Records>,
    /// What has been opened and not read.
    pub plain: Vec<u8>,
}

impl<S> TlsStream<S> {
    /// `behind` is what came behind the handshake.
    pub(crate) fn new(socket: S, mut records: Records, mut behind: Vec<u8>) -> Self {
        let plain = records.opener.get_mut().open(&mut behind, &records.sealer);
        let plain = behind[plain].to_vec();
        Self { socket, records: Box::new(records), plain }
    }

    /// What the records are read from and written to.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Takes the stream apart, for whoever reads and writes records directly.
    pub fn into_parts(self) -> Parts<S> {
        let Self { socket, records, plain } = self;
        Parts { socket, records, plain }
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}

impl<S: AsyncWrite + Unpin> TlsStream<S> {
    fn poll_write_sealed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.records.sealer.waits() {
            let (_, sealed) = self.records.sealer.seal(&[]);
            let written = Pin::new(&mut self.socket).poll_write(cx, &sealed);
            let taken = if let Poll::Ready(Ok(taken)) = written { taken } else { 0 };
            self.records.sealer.put_back(sealed, taken);
            if ready!(written)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.plain.is_empty() {
            let Records { opener, sealer } = this.records.as_mut();
            let opener = opener.get_mut();
            match opener.end() {
                Some(End::CloseNotify) => return Poll::Ready(Ok(())),
                Some(End::Broken) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                None => {}
            }
            let mut buffer = buffer::borrow();
            let came = ready!(opener.poll_read(cx, &mut this.socket, sealer, &mut buffer))?;
            this.plain = buffer.bytes()[came].to_vec();
            // An alert. If the socket takes it later only, whoever writes next writes it.
            let _ = this.poll_write_sealed(cx);
        }
        let count = this.plain.len().min(into.remaining());
        into.put_slice(&this.plain[..count]);
        if count == this.plain.len() {
            drop(mem::take(&mut this.plain));
        } else {
            this.plain.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    /// Takes one record's worth. One more record is sealed only when the one before is in the
    /// socket.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_write_sealed(cx))?;
        let (taken, sealed) = this.records.sealer.seal(bytes);
        this.records.sealer.put_back(sealed, 0);
        // What the socket does not take now it takes at the next write, or when flushed.
        match this.poll_write_sealed(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write_sealed(cx))?;
        Pin::new(&mut this.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.records.sealer.close();
        ready!(this.poll_write_sealed(cx))?;
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
