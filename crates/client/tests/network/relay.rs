//! The smallest server for one chat: it brings two people together, passes frames on, and cuts
//! connections as it is told.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use client::{Server, Trust};
use parking_lot::Mutex;
use schemas::{
    Side,
    control::{ClientMessage, EndReason, PeerState, ServerMessage},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Peer, answer, opened, place, read_head, ready};

/// A server for one room. It lives as long as this.
pub(crate) struct Relay {
    address: SocketAddr,
    pub(crate) room: Arc<Room>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
pub(crate) struct Room {
    sides: Mutex<[SideState; 2]>,
    frames: Mutex<Frames>,
    /// What `GET` answers, by path; 404 for any other.
    pub(crate) pages: Mutex<HashMap<String, String>>,
    /// What was sent to open sessions.
    pub(crate) opened: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Frames {
    passed: usize,
    cut_after: Option<usize>,
    cuts: usize,
}

/// More would test the patience of whoever waits: pauses between connections that do not last grow.
const CUTS: usize = 4;

#[derive(Default)]
enum SideState {
    #[default]
    Free,
    Waiting(mpsc::Sender<Order>),
    Online(mpsc::Sender<Order>),
    Away,
    Over,
}

enum Order {
    Tell(ServerMessage),
    Pass(bytes::Bytes),
    Cut,
}

impl Relay {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let room = Arc::new(Room::default());
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let room = room.clone();
            async move {
                let mut visits = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    visits.spawn(visit(stream, room.clone()));
                }
            }
        });
        Self { address, room, _tasks: tasks }
    }

    /// Host and port, as a client opens them.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn server(&self) -> Server {
        Server::new([format!("http://{}", self.address).parse().unwrap()], &Trust::System).unwrap()
    }
}

impl Room {
    /// From now on both connections break after every `frames` frames, [`CUTS`] times in all.
    pub(crate) fn cut_after_every(&self, frames: usize) {
        self.frames.lock().cut_after = Some(frames);
    }

    fn enter(&self, orders: &mpsc::Sender<Order>) -> Option<usize> {
        let mut sides = self.sides.lock();
        match &sides[..] {
            [SideState::Free, _] => {
                sides[0] = SideState::Waiting(orders.clone());
                Some(0)
            }
            [SideState::Waiting(first), SideState::Free] => {
                let first = first.clone();
                order(&first, Order::Tell(ServerMessage::Paired(place(Side::A, "0"))));
                order(orders, Order::Tell(ServerMessage::Paired(place(Side::B, "1"))));
                *sides = [SideState::Online(first), SideState::Online(orders.clone())];
                Some(1)
            }
            _ => None,
        }
    }

    fn resume(&self, ticket: &str, orders: &mpsc::Sender<Order>) -> Option<usize> {
        let index: usize = ticket.parse().unwrap();
        let mut sides = self.sides.lock();
        if let SideState::Over = sides[index] {
            order(orders, Order::Tell(ServerMessage::Ended { reason: EndReason::Left }));
            return None;
        }
        let side = [Side::A, Side::B][index];
        sides[index] = SideState::Online(orders.clone());
        order(orders, Order::Tell(ServerMessage::Resumed(place(side, ticket))));
        match &sides[1 - index] {
            SideState::Online(peer) => {
                order(peer, Order::Tell(ServerMessage::Peer { state: PeerState::Online }))
            }
            _ => order(orders, Order::Tell(ServerMessage::Peer { state: PeerState::Away })),
        }
        Some(index)
    }

    /// Passes a frame on, or loses it.
    fn pass(&self, from: usize, frame: bytes::Bytes) {
        let sides = self.sides.lock();
        if let SideState::Online(peer) = &sides[1 - from] {
            order(peer, Order::Pass(frame));
        }
        let mut frames = self.frames.lock();
        frames.passed += 1;
        let due = frames.cut_after.is_some_and(|cut_after| frames.passed.is_multiple_of(cut_after));
        if due && frames.cuts < CUTS {
            frames.cuts += 1;
            for side in &*sides {
                if let SideState::Online(orders) = side {
                    order(orders, Order::Cut);
                }
            }
        }
    }

    fn lose(&self, index: usize, orders: &mpsc::Sender<Order>) {
        let mut sides = self.sides.lock();
        // A newer connection of the same side is not concerned.
        if matches!(&sides[index], SideState::Online(own) if own.same_channel(orders)) {
            sides[index] = SideState::Away;
            if let SideState::Online(peer) = &sides[1 - index] {
                order(peer, Order::Tell(ServerMessage::Peer { state: PeerState::Away }));
            }
        }
    }

    fn leave(&self) {
        for side in &mut *self.sides.lock() {
            if let SideState::Online(orders) = std::mem::replace(side, SideState::Over) {
                order(&orders, Order::Tell(ServerMessage::Ended { reason: EndReason::Left }));
            }
        }
    }
}

fn order(orders: &mpsc::Sender<Order>, what: Order) {
    // Whoever does not read loses frames, as at a real server.
    _ = orders.try_send(what);
}

async fn visit(mut stream: TcpStream, room: Arc<Room>) {
    let mut call = [0; 11];
    stream.peek(&mut call).await.unwrap();
    if &call == b"GET /v1/ws " {
        return serve(Peer::upgrade(stream).await, room).await;
    }
    let head = read_head(&mut stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    let mut words = head.split(' ');
    let answer = match (words.next().unwrap(), words.next().unwrap()) {
        ("post", _) => {
            room.opened.lock().push(String::from_utf8(body).unwrap());
            answer("201 Created", &opened("t"))
        }
        ("get", path) => match room.pages.lock().get(path) {
            Some(page) => answer("200 OK", page),
            None => answer("404 Not Found", ""),
        },
        _ => answer("204 No Content", ""),
    };
    stream.write_all(answer.as_bytes()).await.unwrap();
}

async fn serve(mut peer: Peer, room: Arc<Room>) {
    let (own, mut orders) = mpsc::channel(1000);
    let mut index = None;
    peer.tell(ready("t")).await;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Tell(message)) => peer.tell(message).await,
                Some(Order::Pass(frame)) => peer.send(frame).await,
                Some(Order::Cut) | None => break,
            },
            message = peer.heard() => match message {
                Some(Message::Text(text)) => match ClientMessage::parse(&text).unwrap() {
                    ClientMessage::Find(_) | ClientMessage::Next(_) => index = room.enter(&own),
                    ClientMessage::Resume(ticket) => index = room.resume(&ticket, &own),
                    ClientMessage::Leave | ClientMessage::Report(_) => room.leave(),
                    other => panic!("{other:?}"),
                },
                Some(Message::Binary(frame)) => index.iter().for_each(|index| room.pass(*index, frame.clone())),
                Some(Message::Close(_)) | None => break,
                Some(_) => {}
            },
        }
    }
    index.iter().for_each(|index| room.lose(*index, &own));
}
