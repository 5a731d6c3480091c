//! Between a client and a TLS server: passes all bytes on, and tells how each handshake has begun.

use std::{io, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What a server answers to a client's hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// The certificates are shown and checked.
    Full,
    /// An earlier session goes on.
    Resumed,
}

/// Ends with all its connections when it is dropped.
pub(crate) struct Tap {
    address: SocketAddr,
    hellos: Arc<Mutex<Vec<Hello>>>,
    _serving: JoinSet<()>,
}

impl Tap {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, hellos) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Hello>>>::default());
        let (mut serving, told) = (JoinSet::new(), hellos.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let told = told.clone();
                connections.spawn(async move {
                    // Either side may go away at any time.
                    let _ = pass(client, server, &told).await;
                });
            }
        });
        Self { address, hellos, _serving: serving }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the server has answered, in order.
    pub(crate) fn hellos(&self) -> Vec<Hello> {
        self.hellos.lock().clone()
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, told: &Mutex<Vec<Hello>>) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let mut header = [0; 5];
    for hello in [true, false] {
        let (from, to) = if hello { (&mut client, &mut server) } else { (&mut server, &mut client) };
        from.read_exact(&mut header).await?;
        let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        from.read_exact(&mut record).await?;
        if !hello {
            told.lock().extend(read(&record));
        }
        to.write_all(&[&header[..], &record].concat()).await?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads a `ServerHello` (RFC 8446, section 4.1.3): the server that goes on with a session says so
/// by the extension `pre_shared_key`.
fn read(record: &[u8]) -> Option<Hello> {
    const PRE_SHARED_KEY: u16 = 41;
    // Type and length; version; random.
    let session_id = record.get(4 + 2 + 32..)?;
    // The id with its length; cipher suite; compression; the length of all extensions.
    let mut extensions = session_id.get(1 + usize::from(*session_id.first()?) + 2 + 1 + 2..)?;
    let mut hello = Hello::Full;
    while let [high, low, long, short, rest @ ..] = extensions {
        if u16::from_be_bytes([*high, *low]) == PRE_SHARED_KEY {
            hello = Hello::Resumed;
        }
        extensions = rest.get(usize::from(u16::from_be_bytes([*long, *short]))..)?;
    }
    Some(hello)
}
