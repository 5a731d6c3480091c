//! A socket that is read all the time, as every real client reads its own: a ping is answered, and a close frame, while the test is
//! busy with somebody else.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures_util::{Sink, Stream};
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message},
};

/// Messages that wait for the test. Far more than any test leaves unread; beyond it nothing is read, as if the client were busy.
const UNREAD: usize = 4096;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// `None` once it is lost or let go.
type Shared = Arc<Mutex<Option<Socket>>>;

/// An open socket and its reader. Dropped, it breaks off at once, without a close frame.
pub(crate) struct Line {
    socket: Shared,
    heard: mpsc::Receiver<Message>,
    _reader: JoinSet<()>,
}

impl Line {
    /// Reads this socket from now on.
    pub(crate) fn of(socket: Socket) -> Self {
        let socket = Arc::new(Mutex::new(Some(socket)));
        let (hears, heard) = mpsc::channel(UNREAD);
        let mut reader = JoinSet::new();
        reader.spawn(read(socket.clone(), hears));
        Self { socket, heard, _reader: reader }
    }

    /// The next message, in order; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.heard.recv().await
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
    pub(crate) fn let_go(self) -> Socket {
        self.socket.lock().unwrap().take().expect("only its end takes the socket from a line")
    }

    async fn with(
        &self,
        mut act: impl FnMut(Pin<&mut Socket>, &mut Context<'_>) -> Poll<tungstenite::Result<()>>,
    ) -> tungstenite::Result<()> {
        poll_fn(|cx| match self.socket.lock().unwrap().as_mut() {
            Some(socket) => act(Pin::new(socket), cx),
            None => Poll::Ready(Err(tungstenite::Error::AlreadyClosed)),
        })
        .await
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.socket.lock().unwrap().take());
    }
}

/// Reads until the end, or until the line is gone. Each read answers what the one before it brought.
async fn read(socket: Shared, hears: mpsc::Sender<Message>) {
    loop {
        let Ok(place) = hears.reserve().await else { return };
        let next = poll_fn(|cx| match socket.lock().unwrap().as_mut() {
            Some(socket) => Pin::new(socket).poll_next(cx),
            None => Poll::Ready(None),
        });
        match next.await {
            Some(Ok(message)) => place.send(message),
            Some(Err(_)) | None => return,
        }
    }
}
