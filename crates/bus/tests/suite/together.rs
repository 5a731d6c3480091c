//! What all tasks of a turn publish is sent to the server together. That costs one system call here
//! and one in the server.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use bus::{Bus, NatsOptions, Status};
use tokio::{sync::Notify, task::JoinSet};

use crate::{beat, becomes, nats::NatsServer, node, within};

/// A proxy of a server that counts in how many pieces publications are received. A piece is what
/// one read returns: what was written at once, or more if the reader is slow. So the count may be
/// too low, and is never too high.
struct CountingProxy {
    address: SocketAddr,
    pieces: Arc<AtomicUsize>,
}

impl CountingProxy {
    fn to(server: &NatsServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, pieces) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let (to, counter) = (server.url().replace("nats://", ""), pieces.clone());
        // Ends with the connection.
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(to).unwrap();
            let (from, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass_on(back, client, |_| ()));
            pass_on(from, server, |piece| {
                let publication = piece.windows(4).any(|four| four == b"PUB ");
                counter.fetch_add(publication.into(), SeqCst);
            });
        });
        Self { address, pieces }
    }

    fn pieces(&self) -> usize {
        self.pieces.load(SeqCst)
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        look(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_many_tasks_publish_in_one_turn_is_sent_together() {
    const TASKS: u64 = 48;
    /// One, one for the flush, and one more for each time that the runtime polls for events in
    /// between. Sent one by one they would be as many as there are tasks.
    const MOST_PIECES: usize = 8;
    let server = NatsServer::start();
    let proxy = CountingProxy::to(&server);
    let options = NatsOptions { urls: vec![format!("nats://{}", proxy.address)], ..NatsOptions::default() };
    let bus = Bus::nats(options, node("g1")).await.unwrap();
    becomes(&bus, Status::Up).await;
    let now = Arc::new(Notify::new());
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        let (bus, now) = (bus.clone(), now.clone());
        let (ready, waits) = tokio::sync::oneshot::channel();
        tasks.spawn(async move {
            let turn = now.notified();
            tokio::pin!(turn);
            turn.as_mut().enable();
            ready.send(()).unwrap();
            turn.await;
            bus.publish(&beat("g1", n))
        });
        waits.await.unwrap();
    }
    bus.flush().await.unwrap();
    let before = proxy.pieces();
    // Woken from a task of the worker, all run before the worker polls for events again.
    tasks.spawn(async move {
        now.notify_waiters();
        Ok(())
    });
    for said in within(tasks.join_all()).await {
        assert_eq!(said, Ok(()));
    }
    bus.flush().await.unwrap();
    let pieces = proxy.pieces() - before;
    assert!((1..=MOST_PIECES).contains(&pieces), "{pieces} pieces");
}
