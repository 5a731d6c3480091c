//! The rules of the channel, one by one, between two channels whose frames the test carries by
//! hand.

mod ending;
mod epochs;
mod fips203;
mod handshake;
mod helping;
mod kinds;
mod noise;
mod notices;
mod packets;
mod reference;
mod refusals;
mod stories;
mod vectors;

use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng};

use super::limits::*;
use super::message::{self, ChannelMessage, Step};
use super::packet::{Entry, Writer};
use super::*;

const ROOM: [u8; 16] = [7; 16];

fn at(ms: u64) -> Time {
    Time::after_start(Duration::from_millis(ms))
}

fn invite(byte: u8) -> Meeting {
    Meeting::Invite(Psk::new([byte; 32]))
}

fn channel(side: Side, meeting: Meeting, seed: u64) -> Channel {
    Channel::new(side, meeting, ROOM, &mut StdRng::seed_from_u64(seed), Time::ZERO)
}

fn pair_of(a: Meeting, b: Meeting) -> (Channel, Channel) {
    (channel(Side::A, a, 1), channel(Side::B, b, 2))
}

/// Two channels after their handshake, their events taken, nothing under way. The first is side
/// `b`, whose texts begin with number 1; those of side `a` begin with 2, after its opening.
fn secured_pair() -> (Channel, Channel) {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    settle(at(0), &mut a, &mut b);
    b.inbound.owe(at(0));
    b.handle_timeout(at(0));
    settle(at(0), &mut a, &mut b);
    assert!(matches!(events(&mut a)[..], [Event::Secured { .. }]));
    assert!(matches!(events(&mut b)[..], [Event::Secured { .. }]));
    assert!(a.next_timeout().is_none() && b.next_timeout().is_none());
    (b, a)
}

fn frames(channel: &mut Channel) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| channel.poll_frame()).collect()
}

fn events(channel: &mut Channel) -> Vec<Event> {
    std::iter::from_fn(|| channel.poll_event()).collect()
}

/// Carries frames both ways until there are none; returns how many it carried.
fn settle(now: Time, a: &mut Channel, b: &mut Channel) -> usize {
    let mut carried = 0;
    loop {
        let (from_a, from_b) = (frames(a), frames(b));
        if from_a.is_empty() && from_b.is_empty() {
            return carried;
        }
        carried += from_a.len() + from_b.len();
        from_a.iter().for_each(|frame| b.handle_frame(now, frame));
        from_b.iter().for_each(|frame| a.handle_frame(now, frame));
    }
}

/// Lets time pass up to `until`, carrying frames without delay.
fn run(until: Time, a: &mut Channel, b: &mut Channel) {
    settle(Time::ZERO, a, b);
    while let Some(now) =
        [a.next_timeout(), b.next_timeout()].into_iter().flatten().min().filter(|at| *at <= until)
    {
        a.handle_timeout(now);
        b.handle_timeout(now);
        settle(now, a, b);
    }
}

fn ended(reason: ChannelEnd) -> Vec<Event> {
    vec![Event::Ended(reason)]
}

fn text(number: u64, text: &str) -> Event {
    Event::Message {
        number: MessageNumber(number),
        text: text.to_owned(),
        reply_to: None,
        vanishes_after: None,
    }
}

fn delivered(number: u64) -> Event {
    Event::Delivered { number: MessageNumber(number) }
}

/// A packet that `from` could have made, were it not honest.
fn forge(from: &mut Channel, acknowledged: u64, entries: &[Entry<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(acknowledged);
    assert!(entries.iter().all(|entry| writer.push(entry)));
    from.send_packet(writer);
    from.poll_frame().unwrap()
}

#[test]
fn a_channel_can_move_between_threads() {
    fn movable<T: Send + 'static>(_: &T) {}
    movable(&channel(Side::A, Meeting::Random, 1));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}
