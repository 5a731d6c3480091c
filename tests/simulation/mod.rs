//! A whole cluster in one thread, with virtual time, a bus that fails in every way, and people who
//! do anything at any time.
//!
//! Thousands of stories, each told by its seed. A story that ends badly prints its seed and what
//! happened; `SIMULATION_SEED=<seed>` tells it again, and `SIMULATION_CASES=<count>`
//! tells more of them.

mod bus;
mod client;
mod gateway;
mod ledger;
mod outcome;
mod plant;
mod profile;
mod services;
mod story;
mod world;

use std::{
    env, panic,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use ledger::Tally;
use plant::Plant;
use world::{Telling, World};

/// Stories in an ordinary test run: enough to find what happens in one of a thousand, in some
/// seconds.
const CASES: u64 = 4_000;

/// How many stories with a fault on purpose are told at most. It shows where somebody moves, or a
/// third is matched.
const PLANTED: u64 = 200;

/// How many lines of a failed story are shown: its end matters most.
const SHOWN: usize = 400;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn end_of(seed: u64, telling: Telling) -> (Result<(), String>, Vec<String>) {
    let mut world = World::new(seed, telling);
    let end = panic::catch_unwind(panic::AssertUnwindSafe(|| world.run()));
    let end = end.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref().copied());
        Err(format!("a panic: {}", text.unwrap_or("of an unknown kind")))
    });
    (end, world.into_lines())
}

fn tell(seed: u64) -> String {
    let (end, lines) = end_of(seed, Telling::Aloud);
    let from = if number("SIMULATION_SEED").is_some() { 0 } else { lines.len().saturating_sub(SHOWN) };
    let end =
        end.err().unwrap_or_else(|| "it ends well this time: the simulation is not deterministic".into());
    format!("{}\n\nseed {seed}: {end}", lines[from..].join("\n"))
}

#[test]
fn whatever_happens_two_people_end_up_in_one_room_or_know_that_it_is_over() {
    if let Some(seed) = number("SIMULATION_SEED") {
        assert!(end_of(seed, Telling::Silently).0.is_ok(), "{}", tell(seed));
        return;
    }
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    let cases = number("SIMULATION_CASES").unwrap_or(CASES);
    let (next, bad, found) = (AtomicU64::new(first), AtomicU64::new(u64::MAX), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !found.load(Relaxed) {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= first + cases {
                        return;
                    }
                    if end_of(seed, Telling::Silently).0.is_err() {
                        found.store(true, Relaxed);
                        bad.fetch_min(seed, Relaxed);
                    }
                }
            });
        }
    });
    let bad = bad.into_inner();
    assert!(bad == u64::MAX, "{}", tell(bad));
}

#[test]
fn the_stories_are_about_something() {
    let mut tally = Tally::default();
    for seed in 0..100 {
        let mut world = World::new(seed, Telling::Silently);
        assert_eq!(world.run(), Ok(()), "seed {seed}");
        let more = world.ledger.tally;
        tally.paired += more.paired;
        tally.resumed += more.resumed;
        tally.away += more.away;
        tally.ended += more.ended;
        tally.replaced += more.replaced;
        tally.frames += more.frames;
    }
    let Tally { paired, resumed, away, ended, replaced, frames } = tally;
    assert!([paired, resumed, away, ended, replaced, frames].iter().all(|count| *count >= 100), "{tally:?}");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let mut told = 0;
    for seed in 0..20 {
        let ((first, lines), (second, same)) = (end_of(seed, Telling::Aloud), end_of(seed, Telling::Aloud));
        assert_eq!(first, second);
        assert_eq!(lines, same, "seed {seed}");
        assert!(lines.len() > 50, "seed {seed}: a story of {} lines", lines.len());
        told += lines.len();
    }
    // One story may be short: two people and five seconds.
    assert!(told > 20 * 200, "20 stories of {told} lines");
}

/// Tells stories in which this is wrong, until one ends as it has to.
fn one_ends(plant: Plant, as_it_has_to: impl Fn(&str) -> bool) {
    let mut others = Vec::new();
    for seed in 0..PLANTED {
        let mut world = World::new(seed, Telling::Silently);
        world.plant = Some(plant);
        match world.run() {
            Err(end) if as_it_has_to(&end) => return,
            end => others.extend(end.err()),
        }
    }
    panic!("{plant:?} is not found; it ended so: {others:#?}");
}

#[test]
fn what_is_said_again_and_lost_each_time_is_found() {
    one_ends(Plant::ResendsLost, |end| {
        end.contains("has an older connection that believes itself current")
            || end.contains("is attached twice")
    });
}

#[test]
fn a_third_in_a_room_of_two_is_found() {
    one_ends(Plant::Third, |end| end.contains("was shown TicketGrant"));
}
