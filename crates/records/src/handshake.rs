//! The handshake, by rustls. Its buffers are gone when it is over.

use std::{io, sync::Arc};

use rustls::{
    Error, ServerConfig,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
};

use crate::{records::Records, stream::TlsStream, turns::still_there, wire::HEADER_BYTES};

/// What is read at once: a client's hello, or its certificates, in one or two reads.
const READ_BYTES: usize = 4096;
/// The longest message of a handshake with its records: what rustls allows.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Lets a client in, whose hello is answered in its [turn](crate::turns). What it has sent behind its
/// handshake is read from the stream.
///
/// # Errors
/// If the connection breaks, or the client breaks TLS or may not come in. It has been told why
/// then.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<ServerConfig>,
    turns: &Semaphore,
    mut socket: S,
) -> io::Result<TlsStream<S>> {
    let mut handshake = Handshake {
        connection: Box::new(UnbufferedServerConnection::new(config).map_err(io::Error::other)?),
        came: Vec::new(),
        whole: 0,
        answers: Vec::new(),
    };
    let mut is_answered = false;
    loop {
        let step = if is_answered || end_of_first(&handshake.came).is_none() {
            handshake.advance()
        } else {
            // Turns never end; and nothing is waited for in one.
            let _turn = turns.acquire().await;
            still_there(&mut socket, &mut handshake.came).await?;
            handshake.advance()
        };
        if !handshake.answers.is_empty() {
            is_answered = true;
            socket.write_all(&handshake.answers).await?;
            handshake.answers.clear();
        }
        match step.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
            Step::Read if handshake.came.len() > MESSAGE_BYTES => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Step::Read => {
                handshake.came.reserve(READ_BYTES);
                if socket.read_buf(&mut handshake.came).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Step::Done => {
                let (records, behind) = handshake.finish().map_err(io::Error::other)?;
                return Ok(TlsStream::new(socket, records, behind));
            }
        }
    }
}

enum Step {
    /// It goes on when more has come.
    Read,
    Done,
}

struct Handshake {
    connection: Box<UnbufferedServerConnection>,
    /// What has come and is not used up...
    came: Vec<u8>,
    /// ...of which so many bytes are whole records that rustls has seen.
    whole: usize,
    /// What is to be written.
    answers: Vec<u8>,
}

impl Handshake {
    /// Does what can be done with what has come. rustls is shown one record more each time: what
    /// follows the handshake is not for it.
    fn advance(&mut self) -> Result<Step, Error> {
        loop {
            let whole = end_of_first(&self.came[self.whole..]).map(|length| self.whole + length);
            self.whole = whole.unwrap_or(self.whole);
            let shown = whole.unwrap_or(self.came.len());
            if let Err(error) = self.show(shown) {
                self.collect_alert();
                return Err(error);
            }
            if !self.connection.is_handshaking() {
                return Ok(Step::Done);
            }
            if whole.is_none() {
                return Ok(Step::Read);
            }
        }
    }

    /// Takes what the client is to be told after an error, and no more: rustls would read on where
    /// it has failed.
    fn collect_alert(&mut self) {
        while self.connection.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(record)) =
                self.connection.process_tls_records(&mut []).state
            else {
                return;
            };
            let _ = encode(record, &mut self.answers);
        }
    }

    /// Shows rustls the first bytes, until it wants more.
    fn show(&mut self, mut shown: usize) -> Result<(), Error> {
        loop {
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut self.came[..shown]);
            let mut more = true;
            match state {
                Ok(ConnectionState::EncodeTlsData(record)) => encode(record, &mut self.answers)?,
                Ok(ConnectionState::TransmitTlsData(answers)) => answers.done(),
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => more = false,
                Ok(_) => return Err(Error::HandshakeNotComplete),
                Err(error) => return Err(error),
            }
            self.came.drain(..discard);
            shown -= discard;
            self.whole = self.whole.saturating_sub(discard);
            if !more {
                return Ok(());
            }
        }
    }

    fn finish(self) -> Result<(Records, Vec<u8>), Error> {
        let (secrets, kernel) = self.connection.dangerous_into_kernel_connection()?;
        Ok((Records::new(secrets, kernel)?, self.came))
    }
}

fn encode<Data>(mut record: EncodeTlsData<'_, Data>, answers: &mut Vec<u8>) -> Result<(), Error> {
    let start = answers.len();
    // It tells its size only so.
    if let Err(EncodeError::InsufficientSize(size)) = record.encode(&mut []) {
        answers.resize(start + size.required_size, 0);
        record.encode(&mut answers[start..]).map_err(|error| Error::General(error.to_string()))?;
    }
    Ok(())
}

/// The length of the first record, if all of it is there.
fn end_of_first(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, high, low] = *bytes.first_chunk::<HEADER_BYTES>()?;
    let length = HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
    (bytes.len() >= length).then_some(length)
}
