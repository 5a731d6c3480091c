//! The two servers behind one interface.

use std::{
    io::{Read, Write},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use records::{Acceptor, End, Records, TlsStream, buffer};
use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::NoServerSessionStorage,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Reading, provider::provider};

/// All that the record layer may keep of a record whose rest has not come.
const HELD_MAX: usize = 5 + 16 * 1024 + 2048;

/// A server of one connection. The bytes between it and its client are in the hands of the caller.
pub(super) trait Server {
    /// Reads bytes of the client.
    fn read(&mut self, bytes: &[u8]);
    /// Takes what is written for the client.
    fn written(&mut self) -> Vec<u8>;
    /// Writes something for the application's client.
    fn write(&mut self, text: &[u8]);
    /// Announces that it writes nothing more.
    fn close(&mut self);
    /// What the application has read.
    fn plain(&self) -> &[u8];
    fn reading(&self) -> Reading;
}

/// A certificate for `localhost` that is its own authority, and a key whose signatures are the same
/// each time.
pub(super) fn certificate() -> &'static (CertificateDer<'static>, Vec<u8>) {
    static OWN: OnceLock<(CertificateDer<'static>, Vec<u8>)> = OnceLock::new();
    OWN.get_or_init(|| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().der().clone(), key.serialize_der())
    })
}

fn config() -> ServerConfig {
    let (certificate, key) = certificate();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivatePkcs8KeyDer::from(key.clone()).into())
        .unwrap();
    // As `Acceptor` has it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// rustls's own connection.
pub(super) struct Theirs {
    connection: ServerConnection,
    plain: Vec<u8>,
    reading: Reading,
}

impl Theirs {
    pub(super) fn new() -> Self {
        let connection = ServerConnection::new(Arc::new(config())).unwrap();
        Self { connection, plain: Vec::new(), reading: Reading::GoesOn }
    }
}

impl Server for Theirs {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.reading == Reading::GoesOn {
            self.connection.read_tls(&mut bytes).unwrap();
            let state = self.connection.process_new_packets();
            // What came before a fault has been opened all the same.
            let _ = self.connection.reader().read_to_end(&mut self.plain);
            match state {
                Ok(state) if state.peer_has_closed() => self.reading = Reading::Closed,
                Ok(_) => {}
                Err(_) => self.reading = Reading::Failed,
            }
        }
    }

    fn written(&mut self) -> Vec<u8> {
        let mut written = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut written).unwrap();
        }
        written
    }

    fn write(&mut self, text: &[u8]) {
        self.connection.writer().write_all(text).unwrap();
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
    }

    fn plain(&self) -> &[u8] {
        &self.plain
    }

    fn reading(&self) -> Reading {
        self.reading
    }
}

/// The record layer behind its handshake.
pub(super) enum Ours {
    ShakingHands(Wire, Pin<Box<dyn Future<Output = std::io::Result<TlsStream<Wire>>>>>),
    Open { records: Box<Records>, plain: Vec<u8>, written: Vec<u8> },
}

/// The bytes between client and server: those that the server is to read, and those it has written.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<(Vec<u8>, Vec<u8>)>>);

impl Ours {
    pub(super) fn new() -> Self {
        let (wire, acceptor) = (Wire::default(), Acceptor::new(config()));
        let socket = wire.clone();
        Self::ShakingHands(wire, Box::pin(async move { acceptor.accept(socket).await }))
    }
}

impl Server for Ours {
    fn read(&mut self, mut bytes: &[u8]) {
        let mut cx = Context::from_waker(Waker::noop());
        match self {
            Self::ShakingHands(wire, accept) => {
                wire.0.lock().0.extend(bytes);
                if let Poll::Ready(stream) = accept.as_mut().poll(&mut cx) {
                    let parts = stream.unwrap().into_parts();
                    let written = std::mem::take(&mut parts.socket.0.lock().1);
                    *self = Self::Open { records: parts.records, plain: parts.plain, written };
                }
            }
            Self::Open { records, plain, .. } => {
                while !bytes.is_empty() && records.opener.lock().end().is_none() {
                    let mut buffer = buffer::borrow();
                    let Poll::Ready(came) =
                        records.opener.lock().poll_read(&mut cx, &mut bytes, &records.sealer, &mut buffer)
                    else {
                        panic!("bytes are always there");
                    };
                    plain.extend_from_slice(&buffer.bytes()[came.unwrap()]);
                }
                assert!(records.opener.lock().held() <= HELD_MAX);
            }
        }
    }

    fn written(&mut self) -> Vec<u8> {
        match self {
            Self::ShakingHands(wire, _) => std::mem::take(&mut wire.0.lock().1),
            Self::Open { records, written, .. } => {
                while records.sealer.waits() {
                    written.extend(records.sealer.seal(&[]).1);
                }
                std::mem::take(written)
            }
        }
    }

    fn write(&mut self, mut text: &[u8]) {
        let Self::Open { records, written, .. } = self else { panic!("it shakes hands still") };
        while !text.is_empty() {
            let (taken, sealed) = records.sealer.seal(text);
            written.extend(sealed);
            text = &text[taken..];
        }
    }

    fn close(&mut self) {
        let Self::Open { records, .. } = self else { panic!("it shakes hands still") };
        records.sealer.close();
    }

    fn plain(&self) -> &[u8] {
        if let Self::Open { plain, .. } = self { plain } else { &[] }
    }

    fn reading(&self) -> Reading {
        let Self::Open { records, .. } = self else { return Reading::GoesOn };
        match records.opener.lock().end() {
            None => Reading::GoesOn,
            Some(End::CloseNotify) => Reading::Closed,
            Some(End::Broken) => Reading::Failed,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let incoming = &mut self.0.lock().0;
        if incoming.is_empty() {
            return Poll::Pending;
        }
        let count = incoming.len().min(into.remaining());
        into.put_slice(&incoming[..count]);
        incoming.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().1.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
