//! A whole cluster in one thread, with virtual time, a bus that fails in every way, and people who
//! do anything at any time.
//!
//! Thousands of stories, each told by its seed. `SIMULATION_CASES=<count>` tells more of them, from
//! `SIMULATION_FIRST=<seed>` on; `SIMULATION_SEED=<seed>` tells one again.
//!
//! A story that ends badly is made as short as it gets ([`shrink`]), printed, and written to
//! `target/tmp/stories`. From there it belongs into `kept`, with the mend: a seed means something
//! else as soon as the simulation grows, and a story that is written down does not.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bus;
mod client;
mod deed;
mod dice;
mod gateway;
mod kept;
mod ledger;
mod outcome;
mod plant;
mod profile;
mod script;
mod services;
mod shrink;
mod story;
mod things;
mod world;

use std::{
    env, panic,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    thread,
};

use kept::Kept;
use ledger::Tally;
use plant::Plant;
use script::Script;
use world::{Telling, World};

/// Stories in an ordinary test run: enough to find what happens in one of a thousand, in some
/// seconds.
const CASES: u64 = 4_000;

/// How many stories with a fault on purpose are told at most. It shows where somebody moves, or a
/// third is matched.
const PLANTED: u64 = 200;

/// How many stories may end badly before no further ones are told: each is made shorter, which takes
/// half a minute.
const FAILURES: usize = 20;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// What became of a story: how it ended, what was said of it, and what happened in it.
struct Told {
    end: Result<(), String>,
    lines: Vec<String>,
    script: Script,
}

fn told(mut world: World) -> Told {
    let end = panic::catch_unwind(panic::AssertUnwindSafe(|| world.run()));
    let end = end.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref().copied());
        Err(format!("a panic: {}", text.unwrap_or("of an unknown kind")))
    });
    let (lines, script) = world.into_parts();
    Told { end, lines, script }
}

fn ends_badly(script: &Script, plant: Option<Plant>) -> Option<String> {
    let mut world = World::of(script, Telling::Silently);
    world.plant = plant;
    told(world).end.err()
}

/// Tells a story that ended badly again, as short as it gets.
fn account_of(seed: u64) -> String {
    let whole = told(World::new(seed, Telling::Aloud));
    let Err(end) = whole.end else {
        return format!("seed {seed} ends well this time: the simulation is not deterministic");
    };
    let short = shrink::shrunk(whole.script, shrink::TRIES, |script| ends_badly(script, None));
    let again = told(World::of(&short, Telling::Aloud));
    let kept = Kept { found: end.clone(), script: short };
    let place = kept.write().unwrap_or_else(|error| format!("nowhere: {error}"));
    format!("{}\n\n{}\nwritten to {place}\nseed {seed}: {end}", again.lines.join("\n"), kept.text())
}

#[test]
fn whatever_happens_two_people_end_up_in_one_room_or_know_that_it_is_over() {
    if let Some(seed) = number("SIMULATION_SEED") {
        let Told { end, lines, .. } = told(World::new(seed, Telling::Aloud));
        assert!(end.is_ok(), "{}\n\n{}", lines.join("\n"), account_of(seed));
        return;
    }
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    let cases = number("SIMULATION_CASES").unwrap_or(CASES);
    let (next, count) = (AtomicU64::new(first), AtomicUsize::new(0));
    // Those that one thread has found.
    let bad_ones = || {
        let mut bad = Vec::new();
        while count.load(Relaxed) < FAILURES {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= first + cases {
                break;
            }
            if told(World::new(seed, Telling::Silently)).end.is_err() {
                count.fetch_add(1, Relaxed);
                bad.push(seed);
            }
        }
        bad
    };
    let mut bad: Vec<u64> = thread::scope(|scope| {
        let threads = 0..thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = threads.map(|_| scope.spawn(bad_ones)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("panics of a story are caught")).collect()
    });
    bad.sort_unstable();
    let told_so_far = next.into_inner().min(first + cases) - first;
    let accounts: Vec<_> = bad.iter().map(|seed| account_of(*seed)).collect();
    assert!(
        bad.is_empty(),
        "{}\n\n{} of {told_so_far} stories end badly: {bad:?}",
        accounts.join("\n\n"),
        bad.len()
    );
}

#[test]
fn the_stories_are_about_something() {
    let mut tally = Tally::default();
    for seed in 0..150 {
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
    let mut said = 0;
    for seed in 0..20 {
        let tell = || told(World::new(seed, Telling::Aloud));
        let (Told { end, lines, script }, again) = (tell(), tell());
        assert_eq!(end, again.end);
        assert_eq!(lines, again.lines, "seed {seed}");
        assert_eq!(script, again.script, "seed {seed}");
        let written = told(World::of(&script, Telling::Aloud));
        assert_eq!(lines, written.lines, "seed {seed}, as it is written down");
        assert!(lines.len() > 50, "seed {seed}: a story of {} lines", lines.len());
        said += lines.len();
    }
    // One story may be short: two people and five seconds.
    assert!(said > 20 * 200, "20 stories of {said} lines");
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

/// A planted fault is one deed or two away from the beginning; by chance there are dozens.
#[test]
fn a_story_that_ends_badly_is_made_short() {
    let planted = |seed: &u64| {
        let mut world = World::new(*seed, Telling::Aloud);
        world.plant = Some(Plant::ResendsLost);
        told(world)
    };
    let long =
        (0..PLANTED).map(|seed| planted(&seed)).find(|it| it.end.is_err() && it.script.deeds.len() > 20);
    let Told { script, .. } = long.expect("a long story that ends badly");
    let before = script.clone();
    let short = shrink::shrunk(script, shrink::TRIES, |script| ends_badly(script, Some(Plant::ResendsLost)));
    assert!(ends_badly(&short, Some(Plant::ResendsLost)).is_some());
    assert_eq!(ends_badly(&short, None), None);
    assert!(
        short.deeds.len() <= 3,
        "{} of {} deeds are left: {short:#?}",
        short.deeds.len(),
        before.deeds.len()
    );
    assert_eq!(short.mischances, []);
}

#[test]
fn what_was_found_once_stays_mended() {
    let all = kept::all();
    assert!(!all.is_empty());
    for (name, Kept { script, .. }) in all {
        let Told { end, lines, .. } = told(World::of(&script, Telling::Aloud));
        assert!(end.is_ok(), "{}\n\n{name}: {end:?}", lines.join("\n"));
    }
}
