//! Drives the path of frames: real connections, from the masked bytes of one client to the bytes of
//! the other. The script `run` counts the instructions under callgrind. The difference between two
//! runs of different length is what the frames cost, and nothing else.
//!
//! One thread, no timer and no network, so that the instructions are the same each time.

use std::{
    env,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
};

use anyhow::{Context, bail, ensure};
use bus::Local;
use gateway::{
    bench::{Connected, Relay},
    config::{Config, RateConfig},
};
use schemas::{BootId, RoomId, Side};
use tokio::{
    runtime::{self, Runtime},
    task::yield_now,
};
use websocket::{FrameEnd, Opcode, client, put_binary};

/// As in the product: wiping is a part of what a frame costs.
#[cfg(not(feature = "unwiped"))]
#[global_allocator]
static ALLOCATOR: wipe::Wiping = wipe::Wiping;

/// The payload of the other benchmarks.
const FRAME_BYTES: usize = 128;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const ROOM: RoomId = RoomId::from_bytes([3; 16]);
/// Rates that are metered, and never reached.
const OUT_OF_REACH: RateConfig =
    RateConfig { session: 0, opaque_session: 0, connect: 0, find: 0, frame: 1_000_000, byte: 1_000_000_000 };
/// More bytes than a `ready` has.
const READY_BYTES: usize = 16 * 1024;
/// How many reads are done before counting.
const WARM_UP: usize = 100;
/// Within how many turns of the runtime frames arrive, with a large reserve.
const TURNS: u32 = 100;

const USAGE: &str = "instructions local|remote FRAMES_PER_READ READS [unmetered]";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (way, frames, reads, rates) = match *arguments.as_slice() {
        [way, frames, reads] => (way, frames, reads, OUT_OF_REACH),
        [way, frames, reads, "unmetered"] => {
            (way, frames, reads, RateConfig { frame: 0, byte: 0, ..OUT_OF_REACH })
        }
        _ => bail!(USAGE),
    };
    let (frames, reads) = (frames.parse().context(USAGE)?, reads.parse().context(USAGE)?);
    // One thread: with several, it is random which of them runs a task.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut pair = runtime.block_on(async {
        match way {
            "local" => Pair::on_one_gateway(frames, rates).await,
            "remote" => Pair::on_two_gateways(frames, rates).await,
            _ => bail!(USAGE),
        }
    })?;
    counted(&runtime, &mut pair, reads)
}

/// The script `run` counts what happens in this function, by its name.
#[inline(never)]
fn counted(runtime: &Runtime, pair: &mut Pair, reads: usize) -> anyhow::Result<()> {
    runtime.block_on(pair.talk(reads))
}

/// Two people in a room; one of them sends.
struct Pair {
    speaker: UnixStream,
    listener: UnixStream,
    /// What the sender sends at once.
    spoken: Vec<u8>,
    /// What the receiver receives of it.
    heard: Vec<u8>,
    /// What it has received so far.
    came: Vec<u8>,
    _gateways: Vec<Relay>,
}

impl Pair {
    async fn on_one_gateway(frames: usize, rates: RateConfig) -> anyhow::Result<Self> {
        let mut gateway = gateway(&Local::new(), "n1", rates)?;
        let ((one, speaker), (other, listener)) = (gateway.connect()?, gateway.connect()?);
        Connected::pair(&one, &other, ROOM);
        Self::new(speaker, listener, frames, vec![gateway]).await
    }

    async fn on_two_gateways(frames: usize, rates: RateConfig) -> anyhow::Result<Self> {
        let bus = Local::new();
        let (mut here, mut there) = (gateway(&bus, "n1", rates)?, gateway(&bus, "n2", rates)?);
        here.listen().await?;
        there.listen().await?;
        let ((one, speaker), (other, listener)) = (here.connect()?, there.connect()?);
        here.route(&one, ROOM, Side::A, &there);
        there.route(&other, ROOM, Side::B, &here);
        Self::new(speaker, listener, frames, vec![here, there]).await
    }

    /// Two people who have received `ready` and have exchanged frames, so that everything that is
    /// made once has been made.
    async fn new(
        speaker: UnixStream,
        listener: UnixStream,
        frames: usize,
        gateways: Vec<Relay>,
    ) -> anyhow::Result<Self> {
        let (mut spoken, mut heard) = (Vec::new(), Vec::new());
        for n in 0..frames {
            let frame = [n as u8; FRAME_BYTES];
            client::put_frame(&mut spoken, Opcode::Binary, FrameEnd::Final, MASK, &frame);
            put_binary(&mut heard, &frame);
        }
        let came = vec![0; heard.len().max(READY_BYTES)];
        let mut pair = Self { speaker, listener, spoken, heard, came, _gateways: gateways };
        pair.hear(1).await.context("`ready` has not come")?;
        pair.talk(WARM_UP).await?;
        ensure!(pair.came.starts_with(&pair.heard), "other frames have arrived");
        Ok(pair)
    }

    /// Sends, waits until it has arrived, and again.
    async fn talk(&mut self, reads: usize) -> anyhow::Result<()> {
        for _ in 0..reads {
            self.speaker.write_all(&self.spoken)?;
            let count = self.hear(self.heard.len()).await?;
            ensure!(count == self.heard.len(), "more has arrived than was sent");
        }
        Ok(())
    }

    /// Reads this many bytes, or a few more.
    async fn hear(&mut self, at_least: usize) -> anyhow::Result<usize> {
        let mut came = 0;
        for _ in 0..TURNS {
            yield_now().await;
            match self.listener.read(&mut self.came[came..]) {
                Ok(0) => bail!("the connection has been closed"),
                Ok(count) => came += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if came >= at_least {
                return Ok(came);
            }
        }
        bail!("frames have been lost")
    }
}

fn gateway(bus: &Local, name: &str, rates: RateConfig) -> anyhow::Result<Relay> {
    let mut config = Config::new(name.parse()?, BootId(1));
    config.rates = rates;
    let bus = bus.join(config.node.clone());
    Ok(Relay::new(config, bus))
}
