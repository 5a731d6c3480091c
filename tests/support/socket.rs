//! A socket that is read all the time, as real clients do: pings and close frames are answered
//! while the test is busy with something else.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Sink, Stream};
use parking_lot::Mutex;
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message},
};

/// How many messages are queued for the test: far more than any test leaves unread. Beyond that
/// nothing is read, as if the client were busy.
const UNREAD: usize = 4096;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// `None` once it is closed or given away.
type Shared = Arc<Mutex<Option<Socket>>>;

/// An open socket and its reader. When dropped, it is closed at once, without a close frame.
pub(crate) struct TestSocket {
    socket: Shared,
    messages: mpsc::Receiver<Message>,
    _reader: JoinSet<()>,
}

impl TestSocket {
    /// Reads this socket from now on.
    pub(crate) fn of(socket: Socket) -> Self {
        let socket = Arc::new(Mutex::new(Some(socket)));
        let (sender, messages) = mpsc::channel(UNREAD);
        let mut reader = JoinSet::new();
        reader.spawn(read(socket.clone(), sender));
        Self { socket, messages, _reader: reader }
    }

    /// The next message, in order; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Sends a message, and waits until the socket has taken it.
    pub(crate) async fn send(&self, message: Message) -> tungstenite::Result<()> {
        self.with(|socket, cx| socket.poll_ready(cx)).await?;
        let mut message = Some(message);
        self.with(|socket, _| {
            Poll::Ready(message.take().map_or(Ok(()), |message| socket.start_send(message)))
        })
        .await?;
        self.with(|socket, cx| socket.poll_flush(cx)).await
    }

    /// Stops reading; the socket stays open.
    pub(crate) fn release(self) -> Socket {
        self.socket.lock().take().expect("the socket is taken only at the end")
    }

    async fn with(
        &self,
        mut act: impl FnMut(Pin<&mut Socket>, &mut Context<'_>) -> Poll<tungstenite::Result<()>>,
    ) -> tungstenite::Result<()> {
        poll_fn(|cx| match self.socket.lock().as_mut() {
            Some(socket) => act(Pin::new(socket), cx),
            None => Poll::Ready(Err(tungstenite::Error::AlreadyClosed)),
        })
        .await
    }
}

impl Drop for TestSocket {
    fn drop(&mut self) {
        drop(self.socket.lock().take());
    }
}

/// Reads until the connection has ended, or until the [`TestSocket`] is dropped. Each read also
/// sends the answers to the pings before it.
async fn read(socket: Shared, sender: mpsc::Sender<Message>) {
    loop {
        let Ok(permit) = sender.reserve().await else { return };
        let next = poll_fn(|cx| match socket.lock().as_mut() {
            Some(socket) => Pin::new(socket).poll_next(cx),
            None => Poll::Ready(None),
        });
        match next.await {
            Some(Ok(message)) => permit.send(message),
            Some(Err(_)) | None => return,
        }
    }
}
