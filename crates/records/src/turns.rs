//! Who answers a client's hello next. That is nearly all the work of a handshake, a third of a
//! millisecond of the processor, and when a gateway dies all its people knock at the others at once.
//!
//! Answered as they come, whoever was answered first would come in last: behind the hellos of all
//! others, and not before its client had given up. So no more are answered at a time than there are
//! processors, in the order in which they came. Meanwhile whoever has been answered finishes its
//! handshake, and chats go on. Whoever has gone when its turn comes costs nothing more.

use std::{future::poll_fn, io, pin::Pin, sync::LazyLock, task::Poll, thread::available_parallelism};

use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::Semaphore,
};

/// Where the system does not say how many processors there are.
const PROCESSORS: usize = 2;
/// What is looked at to see whether a client is still there. It has nothing more to say before it is
/// answered.
const LOOK_BYTES: usize = 256;

/// The turns of this process.
pub(crate) static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(PROCESSORS, Into::into)));

/// Sees whether a client is still there, without waiting. What has come from it is added to `came`.
///
/// # Errors
/// If it has gone.
pub(crate) async fn still_there<S: AsyncRead + Unpin>(socket: &mut S, came: &mut Vec<u8>) -> io::Result<()> {
    poll_fn(|context| {
        let mut space = [0; LOOK_BYTES];
        let mut look = ReadBuf::new(&mut space);
        Poll::Ready(match Pin::new(&mut *socket).poll_read(context, &mut look) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) if look.filled().is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Ok(())) => {
                came.extend_from_slice(look.filled());
                Ok(())
            }
            Poll::Ready(Err(fault)) => Err(fault),
        })
    })
    .await
}
