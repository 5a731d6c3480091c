//! The reading half of a socket that others write: tokio's own halves would be one allocation more
//! for each connection.

use std::{
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll, ready},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, Interest, ReadBuf},
    net::TcpStream,
};

/// Reads a socket. Of several, only the one that asked last is woken.
pub(super) struct Reader<'a>(pub(super) &'a TcpStream);

impl AsyncRead for Reader<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match read(self.0, into.initialize_unfilled()) {
                Ok(count) => {
                    into.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Reads once. A read that does not fill the buffer has emptied the socket, and tokio is told so,
/// as its own `poll_read` would tell it: asking again would be a system call more for each message.
fn read(socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let (room, mut emptied) = (into.len(), None);
    let read = socket.try_io(Interest::READABLE, || match (&*SockRef::from(socket)).read(into)? {
        count if (1..room).contains(&count) => {
            emptied = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        }
        count => Ok(count),
    });
    emptied.map_or(read, Ok)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn everything_is_read_however_it_comes_and_then_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut reader = Reader(&server);
        // As much as the buffer holds, more, and less.
        for size in [8, 20, 3] {
            let sent: Vec<u8> = (0..size).collect();
            client.write_all(&sent).await.unwrap();
            let mut came = Vec::new();
            while came.len() < sent.len() {
                let mut buffer = [0; 8];
                let count = reader.read(&mut buffer).await.unwrap();
                came.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(came, sent);
        }
        client.write_all(b"end").await.unwrap();
        drop(client);
        let mut came = Vec::new();
        reader.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, b"end");
    }
}
