//! What the pairs do once they have met, for each scenario.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::{
    meet::MeetError,
    pair::{Flood, Job, Pair},
    participant::ParticipantEvent,
    plan::{Cut, Scenario},
};

/// Messages that each side sends in one chat of a churn.
const CHURN_MESSAGES: u32 = 3;
/// Chats of one session in a churn: the first by `find`, each further one by `next`, with somebody
/// new.
const CHURN_CHATS: u32 = 3;
/// The pause before somebody who could not meet tries again: a churn must not become an attack.
const CHURN_PAUSE: Duration = Duration::from_secs(1);

/// The size of the frames that are sent to somebody who does not read: enough to fill the sockets'
/// buffers in a few seconds.
const FLOOD_BYTES: usize = 16 * 1024;
/// The interval between these frames.
const FLOOD_EVERY: Duration = Duration::from_millis(2);

/// When the two people of a pair send.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// Never.
    Silent,
    /// In turn, with this time between two messages.
    Every(Duration),
    /// Both, so that this many messages of each are in flight.
    Window(u64),
}

/// Two people who have met chat until the end, and leave.
pub(crate) async fn talk(mut pair: Pair, start: Instant) {
    let plan = &pair.job.plan;
    let end = start + plan.duration();
    let every = Duration::from_secs_f64(1.0 / plan.rate);
    let pace = match plan.scenario {
        Scenario::Idle | Scenario::Churn => Pace::Silent,
        Scenario::Saturation => Pace::Window(plan.window),
        Scenario::Steady | Scenario::Storm | Scenario::Slow => Pace::Every(every),
    };
    let storm =
        (plan.scenario == Scenario::Storm && plan.cut == Cut::Clients).then(|| start + plan.storm_after());
    if plan.scenario == Scenario::Slow && pair.number < plan.slow_pairs {
        flood(&mut pair, end).await;
        return;
    }
    converse(&mut pair, pace, start, end, storm).await;
    pair.receive_rest().await;
    pair.part().await;
}

/// Sends at the pair's pace until the end, or until the chat has ended.
async fn converse(pair: &mut Pair, pace: Pace, start: Instant, end: Instant, mut storm: Option<Instant>) {
    // Pairs do not all send at the same time.
    let mut next = match pace {
        Pace::Every(every) => start + every.mul_f64(rand::random()),
        Pace::Silent | Pace::Window(_) => end,
    };
    let mut side = 0;
    fill_window(pair, pace).await;
    while pair.goes_on() {
        let wake = storm.unwrap_or(end).min(next).min(end);
        tokio::select! {
            (side, event) = pair.next_event() => {
                if matches!(event, ParticipantEvent::Room | ParticipantEvent::Resumed) {
                    pair.send_held(side).await;
                }
                if matches!(event, ParticipantEvent::Message(_) | ParticipantEvent::Resumed) {
                    fill_window(pair, pace).await;
                }
                if Instant::now() >= end {
                    return;
                }
            }
            () = sleep_until(wake) => {
                let now = Instant::now();
                if now >= end {
                    return;
                }
                if storm.is_some_and(|at| at <= now) {
                    storm = None;
                    pair.cut().await;
                }
                if let Pace::Every(every) = pace && next <= now {
                    // Latency counts from when the message was due, even if it is sent late.
                    let due = pair.now().saturating_sub(now - next);
                    pair.send(side, due).await;
                    side = 1 - side;
                    next += every;
                }
            }
        }
    }
}

async fn fill_window(pair: &mut Pair, pace: Pace) {
    let Pace::Window(window) = pace else { return };
    for side in 0..2 {
        while pair.goes_on() && pair.in_flight(side) < window {
            let due = pair.now();
            pair.send(side, due).await;
        }
    }
}

/// One side sends much, and the other reads nothing: the server has to close that connection.
async fn flood(pair: &mut Pair, end: Instant) {
    let mut ticks = interval(FLOOD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while ticks.tick().await < end {
        match pair.flood(0, FLOOD_BYTES).await {
            Flood::On => {}
            Flood::PeerClosed => {
                pair.job.tally.sheet(pair.number).counts.slow_closed += 1;
                return;
            }
            Flood::Over => return,
        }
    }
}

/// People connect, meet, chat, meet the next, chat, and leave, again and again until the end.
///
/// # Errors
/// If the server opens no sessions.
pub(crate) async fn churn(job: Arc<Job>, number: u64, start: Instant) -> Result<(), MeetError> {
    let end = start + job.plan.duration();
    while Instant::now() < end {
        match visit(&job, number).await {
            Ok(pair) => pair.part().await,
            // Once the server refuses sessions, it goes on to refuse them.
            Err(error @ MeetError::Session(_)) => return Err(error),
            Err(error) => {
                job.tally.broken(number, &error.to_string());
                sleep(CHURN_PAUSE).await;
            }
        }
    }
    Ok(())
}

async fn visit(job: &Arc<Job>, number: u64) -> Result<Pair, MeetError> {
    let mut pair = Pair::meet(job, number).await?;
    for _ in 1..CHURN_CHATS {
        pair.exchange(CHURN_MESSAGES).await;
        pair.next_guest().await?;
    }
    pair.exchange(CHURN_MESSAGES).await;
    Ok(pair)
}
