//! What the lab orders, and what is answered.

use std::{
    io::{BufRead, Write},
    thread,
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// Orders that wait; the lab gives one at a time.
const ORDERS: usize = 16;

/// An order of the lab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Begin,
    Fault,
    Healed,
    Storm,
    Nap(Duration),
    Report(Duration),
    End,
}

impl Order {
    fn read(line: &str) -> Option<Self> {
        let (word, seconds) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let seconds = || seconds.parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        Some(match word {
            "begin" => Self::Begin,
            "fault" => Self::Fault,
            "healed" => Self::Healed,
            "storm" => Self::Storm,
            "nap" => Self::Nap(seconds()?),
            "report" => Self::Report(seconds()?),
            "end" => Self::End,
            _ => return None,
        })
    }
}

/// Whether people write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pace {
    /// They do.
    #[default]
    Talk,
    /// They wait for what is under way.
    Quiet,
    /// They say goodbye.
    Part,
}

/// What everybody knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notice {
    pub pace: Pace,
    /// Whether something is broken.
    pub broken: bool,
    /// Since when nothing is broken any more.
    pub healed: Option<Instant>,
    /// How many storms there were.
    pub storms: u32,
    /// How many naps, and how long the last is.
    pub naps: u32,
    pub nap: Duration,
}

/// Where orders come in, and from where everybody is told.
pub(crate) struct Desk {
    orders: mpsc::Receiver<Order>,
    notice: watch::Sender<Notice>,
}

impl Desk {
    /// Reads orders from standard input from now on. Its end is an order to end.
    pub(crate) fn open() -> Self {
        let (sender, orders) = mpsc::channel(ORDERS);
        thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                match Order::read(&line) {
                    Some(order) => {
                        if sender.blocking_send(order).is_err() {
                            return;
                        }
                    }
                    None => eprintln!("people: there is no order '{line}'"),
                }
            }
        });
        Self { orders, notice: watch::Sender::default() }
    }

    /// Where somebody is told.
    pub(crate) fn board(&self) -> watch::Receiver<Notice> {
        self.notice.subscribe()
    }

    /// The next order, after everybody was told of it.
    pub(crate) async fn next(&mut self) -> Order {
        let order = self.orders.recv().await.unwrap_or(Order::End);
        self.notice.send_modify(|notice| match order {
            Order::Begin => (notice.pace, notice.healed) = (Pace::Talk, None),
            Order::Fault => notice.broken = true,
            Order::Healed => (notice.broken, notice.healed) = (false, Some(Instant::now())),
            Order::Storm => notice.storms += 1,
            Order::Nap(how_long) => (notice.naps, notice.nap) = (notice.naps + 1, how_long),
            Order::Report(_) => notice.pace = Pace::Quiet,
            Order::End => notice.pace = Pace::Part,
        });
        order
    }
}

/// Prints one answer.
pub(crate) fn answer(answer: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        assert_eq!(Order::read("healed\n"), Some(Order::Healed));
        assert_eq!(Order::read("report 1.5"), Some(Order::Report(Duration::from_millis(1500))));
        for wrong in ["", "report", "report -1", "nap x", "halt"] {
            assert_eq!(Order::read(wrong), None, "{wrong}");
        }
    }
}
