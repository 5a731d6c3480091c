//! Rates by a clock that stands still until it is told to move.

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use schemas::BootId;

use super::*;
use crate::config::RateConfig;

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::new("n1".parse().unwrap(), BootId(1));
    change(&mut config);
    config
}

fn rates(change: impl FnOnce(&mut Config)) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    // governor takes a bucket at time 0 for one that was never used.
    clock.advance(Duration::from_secs(1));
    (Rates::with_clock(&config(change), clock.clone()), clock)
}

fn session(n: u8) -> SessionId {
    SessionId::from_random([n; 16])
}

/// How often something is allowed before it is refused.
fn allowed(mut ask: impl FnMut() -> Result<(), Exceeded>) -> u32 {
    (0..100_000).take_while(|_| ask().is_ok()).count().try_into().unwrap()
}

#[test]
fn a_burst_is_four_times_the_rate_and_then_the_rate_is_sustained() {
    let (rates, clock) = rates(|_| ());
    let address = rates.address([192, 0, 2, 1].into());
    assert_eq!(allowed(|| rates.session(&address)), 120);
    let refused = rates.session(&address).unwrap_err();
    assert_eq!((refused.policy, refused.quota, refused.window.as_secs()), ("session", 30, 60));
    assert_eq!(refused.retry_after, Duration::from_secs(4), "one in two seconds, and it is the second");
    clock.advance(refused.retry_after);
    assert_eq!(allowed(|| rates.session(&address)), 2);
    clock.advance(Duration::from_secs(60));
    assert_eq!(allowed(|| rates.session(&address)), 30);
}

#[test]
fn pages_without_an_origin_share_a_rate_and_take_nothing_from_others() {
    let (rates, clock) = rates(|_| ());
    let address = rates.address([192, 0, 2, 1].into());
    assert_eq!(allowed(|| rates.opaque_session(&address)), 24, "a tenth from each, and the burst");
    assert_eq!(rates.opaque_session(&address).unwrap_err().policy, "null-session");
    assert_eq!(allowed(|| rates.session(&address)), 120, "its usual sessions are untouched");
    let others = (2..=255).map(|last| rates.address([192, 0, 2, last].into()));
    let let_in: u32 = others.map(|address| allowed(|| rates.opaque_session(&address))).sum();
    assert_eq!(let_in, 240 - 24, "all addresses together");
    let newcomer = rates.address([198, 51, 100, 1].into());
    assert_eq!(rates.opaque_session(&newcomer).unwrap_err().policy, "null-sessions");
    assert!(rates.session(&newcomer).is_ok());
    clock.advance(Duration::from_secs(60));
    assert!(rates.opaque_session(&newcomer).is_ok());
}

#[test]
fn each_key_has_a_bucket_of_its_own() {
    let (rates, _) = rates(|_| ());
    assert_eq!(allowed(|| rates.find(session(1))), 120);
    assert_eq!(allowed(|| rates.find(session(2))), 120);
    assert_eq!(allowed(|| rates.attach(session(1))), 80);
    assert_eq!(allowed(|| rates.request(session(1))), 240);
    let address = rates.address([192, 0, 2, 1].into());
    assert_eq!(allowed(|| rates.connect(&address)), 240);
}

#[test]
fn without_a_connect_rate_upgrades_are_not_counted_with_a_token_either() {
    let (rates, _) = rates(|config| config.rates.connect = 0);
    assert_eq!(allowed(|| rates.connect(&rates.address([192, 0, 2, 1].into()))), 100_000);
    assert_eq!(allowed(|| rates.attach(session(1))), 100_000);
}

#[test]
fn zero_turns_a_rate_off() {
    let (rates, _) = rates(|c| {
        c.rates = RateConfig { session: 0, opaque_session: 0, connect: 0, find: 0, frame: 0, byte: 0 };
        c.connections_per_address = 0;
    });
    let address = rates.address([192, 0, 2, 1].into());
    assert_eq!(allowed(|| rates.session(&address)), 100_000);
    assert_eq!(allowed(|| rates.connect(&address)), 100_000);
    assert_eq!(allowed(|| rates.find(session(1))), 100_000);
    let guards: Vec<_> = (0..2000).map(|_| rates.connection(Some(&address)).unwrap()).collect();
    assert_eq!(guards.len(), 2000);
    let mut meter = rates.meter();
    meter.take(usize::MAX, usize::MAX);
    assert_eq!(meter.check(), Ok(()));
}

#[test]
fn what_has_recovered_is_forgotten() {
    let (rates, clock) = rates(|_| ());
    rates.find(session(1)).unwrap();
    clock.advance(Duration::from_secs(1));
    rates.sweep();
    assert_eq!(rates.find.len(), 1);
    clock.advance(Duration::from_secs(10));
    rates.sweep();
    assert_eq!(rates.find.len(), 0);
}

#[test]
fn newcomers_beyond_the_bound_share_a_bucket_and_the_known_keep_theirs() {
    let clock = FakeRelativeClock::default();
    clock.advance(Duration::from_secs(1));
    let limit = keyed::Keyed::bounded("test", 10, &clock, 3);
    (0..3).for_each(|n: u32| limit.check(&n).unwrap());
    assert_eq!(allowed(|| limit.check(&99)), 40);
    let refused = (100..2100).filter(|n| limit.check(n).is_err()).count();
    assert!((1..1000).contains(&refused), "{refused} share its bucket, and most do not");
    assert_eq!(allowed(|| limit.check(&0)), 39, "a known key has its own");
    assert_eq!(limit.len(), 3);
}

#[test]
fn an_address_has_so_many_sockets_and_no_more() {
    let (rates, _) = rates(|c| c.connections_per_address = 2);
    let (one, two) = (rates.address([192, 0, 2, 1].into()), rates.address([192, 0, 2, 2].into()));
    let first = rates.connection(Some(&one)).unwrap();
    let _second = rates.connection(Some(&one)).unwrap();
    assert_eq!(rates.connection(Some(&one)).unwrap_err(), Refusal::Address);
    assert!(rates.connection(Some(&two)).is_ok(), "another address");
    drop(first);
    let third = rates.connection(Some(&one)).unwrap();
    assert_eq!(rates.connection(Some(&one)).unwrap_err(), Refusal::Address);
    drop((third, _second));
    assert!(rates.connections.is_empty(), "nothing is kept of whom nobody knows any more");
}

#[test]
fn a_client_behind_a_proxy_counts_once_it_is_known() {
    let (rates, _) = rates(|c| c.connections_per_address = 1);
    let client = rates.address([192, 0, 2, 1].into());
    let mut first = rates.connection(None).unwrap();
    let mut second = rates.connection(None).unwrap();
    first.count_for(&client).unwrap();
    first.count_for(&client).unwrap();
    assert_eq!(second.count_for(&client), Err(TooManyConnections));
    first.count_for(&rates.address([192, 0, 2, 2].into())).unwrap();
    second.count_for(&client).unwrap();
    drop((first, second));
    assert!(rates.connections.is_empty());
}

#[test]
fn a_process_has_so_many_sockets_and_no_more() {
    let (rates, _) = rates(|c| c.connections = Some(2));
    let guards = [rates.connection(None).unwrap(), rates.connection(None).unwrap()];
    assert_eq!(rates.connection(None).unwrap_err(), Refusal::Full);
    assert_eq!(rates.open_connections(), 2);
    drop(guards);
    assert!(rates.connection(None).is_ok());
}

/// An address in the /64 of this number within the /48 of that number.
fn in_subnet(site: u32, subnet: u16) -> IpAddr {
    let (high, low) = ((site >> 16) as u16, site as u16);
    std::net::Ipv6Addr::new(0x2001, high, low, subnet, 0, 0, 0, 1).into()
}

#[test]
fn whoever_has_a_whole_network_has_the_limit_of_that_network() {
    let (rates, _) = rates(|_| ());
    let ask = |address| rates.session(&rates.address(address));
    // Forty times the /64s of one /48: without wider limits 40 x 120.
    let of_site: u32 = (0..40).map(|n| allowed(|| ask(in_subnet(1, n << 8)))).sum();
    assert_eq!(of_site, 16 * 120, "a /48");
    let of_customer: u32 = (0..40).map(|n| allowed(|| ask(in_subnet(2, n)))).sum();
    assert_eq!(of_customer, 4 * 120, "a /56");
    assert_eq!(allowed(|| ask(in_subnet(2, 1 << 8))), 120, "the neighbour of the /56");
    assert_eq!(allowed(|| ask(in_subnet(3, 0))), 120, "a /64");
    let refused = ask(in_subnet(1, 41 << 8)).unwrap_err();
    assert_eq!(
        (refused.quota, refused.retry_after),
        (16 * 30, Duration::from_millis(25 * 125)),
        "the 25th of them"
    );
}

#[test]
fn who_is_refused_by_one_network_takes_nothing_from_the_others() {
    let (rates, _) = rates(|_| ());
    let ask = |address| rates.session(&rates.address(address));
    assert_eq!(allowed(|| ask(in_subnet(1, 0))), 120);
    (0..10_000).for_each(|_| assert!(ask(in_subnet(1, 0)).is_err()));
    let neighbours: u32 = (1..10).map(|n| allowed(|| ask(in_subnet(1, n)))).sum();
    assert_eq!(neighbours, 3 * 120, "the rest of the /56");
    // The /56 is full: its /64s have lost nothing by asking.
    let (subnet, _) = rates.address(in_subnet(1, 20)).networks().next().unwrap();
    assert_eq!(subnet, crate::address::Network::V6Subnet);
    assert!(ask(in_subnet(1, 20)).is_err());
    assert_eq!(rates.session.as_ref().unwrap().fill_of_client(&rates.address(in_subnet(1, 20))), 0.0);
}

#[test]
fn a_flood_of_ipv6_networks_locks_no_ipv4_visitor_out() {
    let clock = FakeRelativeClock::default();
    clock.advance(Duration::from_secs(1));
    let rate = networks::ByAddress::bounded("test", 10, &clock, |_| 100).unwrap();
    let hasher = Hasher::random();
    let known = hasher.hash(in_subnet(0, 0));
    assert!(rate.check(&known).is_ok());
    for site in 0..20_000 {
        let _ = rate.check(&hasher.hash(in_subnet(site, 0)));
    }
    assert!(rate.len() <= 300, "{} networks are remembered", rate.len());
    assert!(rate.check(&known).is_ok(), "who was known before has a bucket of its own");
    for last in 0..50 {
        assert_eq!(allowed(|| rate.check(&hasher.hash([192, 0, 2, last].into()))), 40);
    }
    let newcomers = (0..200).filter(|site| rate.check(&hasher.hash(in_subnet(90_000 + site, 0))).is_ok());
    assert!(newcomers.count() <= 64, "and of IPv6 those who come later wait");
}

/// Whatever comes, from as many addresses as there are: the three rates of addresses take less than
/// 16 MiB together.
#[test]
fn the_memory_for_addresses_is_bounded() {
    let clock = FakeRelativeClock::default();
    clock.advance(Duration::from_secs(1));
    let rate = networks::ByAddress::new("test", 30, &clock).unwrap();
    let hasher = Hasher::random();
    for n in 0..70_000_u32 {
        let _ = rate.check(&hasher.hash(std::net::Ipv4Addr::from_bits(n).into()));
        let _ = rate.check(&hasher.hash(in_subnet(n, 0)));
    }
    assert!(rate.len() > 80_000, "{} networks are remembered", rate.len());
    assert!(3 * rate.bytes() < 16 << 20, "{} bytes", rate.bytes());
    clock.advance(Duration::from_secs(600));
    rate.sweep();
    assert_eq!(rate.len(), 0, "they are forgotten");
    assert!(rate.bytes() < 1 << 20, "and so is their memory: {} bytes", rate.bytes());
}

#[test]
fn who_fills_the_shared_buckets_of_one_kind_leaves_most_of_them_to_others() {
    let clock = FakeRelativeClock::default();
    clock.advance(Duration::from_secs(1));
    let rate = networks::ByAddress::bounded("test", 10, &clock, |_| 1).unwrap();
    let hasher = Hasher::random();
    rate.check(&hasher.hash([10, 0, 0, 0].into())).unwrap();
    let one = hasher.hash([10, 0, 0, 1].into());
    assert_eq!(allowed(|| rate.check(&one)), 40);
    let others = (2..=101).filter(|last| rate.check(&hasher.hash([10, 0, 0, *last].into())).is_ok()).count();
    assert!(others >= 80, "{others} of a hundred share another bucket");
}

/// What a crowd behind one address is told: `Retry-After` is the time for this one.
#[test]
fn a_crowd_is_told_the_truth() {
    let (rates, clock) = rates(|_| ());
    let address = rates.address([192, 0, 2, 1].into());
    let waits: Vec<_> =
        (0..260).filter_map(|_| rates.session(&address).err()).map(|e| e.retry_after).collect();
    assert_eq!(waits.len(), 140);
    assert_eq!((waits[0].as_secs(), waits[139].as_secs()), (2, 280));
    clock.advance(Duration::from_secs(280));
    assert_eq!((0..140).filter(|_| rates.session(&address).is_ok()).count(), 120, "late by four minutes");
    let full: Vec<_> =
        (0..600).filter_map(|_| rates.session(&address).err()).map(|e| e.retry_after).collect();
    let much_later = full.iter().filter(|wait| (480..=720).contains(&wait.as_secs())).count();
    assert!(much_later >= 300, "beyond 300 promises: about ten minutes");
    assert_ne!(full[598], full[599], "and not together");
}

#[test]
fn a_meter_is_small_and_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Meter>();
    assert_eq!(size_of::<Meter>(), 24);
}

#[test]
fn a_connection_may_burst_and_is_then_slowed_to_its_rate() {
    let (rates, clock) = rates(|c| c.rates = RateConfig { frame: 50, byte: 0, ..RateConfig::default() });
    let mut meter = rates.meter();
    meter.take(200, 1_000_000_000);
    assert_eq!(meter.check(), Ok(()), "four seconds' worth");
    meter.take(1, 0);
    assert_eq!(meter.check(), Err(Duration::from_millis(20)));
    clock.advance(Duration::from_millis(20));
    assert_eq!(meter.check(), Ok(()));
    let mut other = rates.meter();
    other.take(200, 0);
    assert_eq!(other.check(), Ok(()), "each connection has its own");
}

#[test]
fn bytes_are_metered_beside_frames() {
    let (rates, clock) = rates(|_| ());
    let mut meter = rates.meter();
    meter.take(1, 4 * 262_144);
    assert_eq!(meter.check(), Ok(()));
    meter.take(1, 64 * 1024);
    let wait = meter.check().unwrap_err();
    assert_eq!(wait, Duration::from_millis(250));
    clock.advance(wait);
    assert_eq!(meter.check(), Ok(()), "of its frames most are left");
}

#[test]
fn a_huge_debt_is_waited_for_second_by_second() {
    let (rates, clock) = rates(|c| c.rates = RateConfig { frame: 50, byte: 0, ..RateConfig::default() });
    let mut meter = rates.meter();
    meter.take(200 + 500, 0);
    let mut waited = Duration::ZERO;
    while let Err(wait) = meter.check() {
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        waited += wait;
        clock.advance(wait);
    }
    assert_eq!(waited, Duration::from_secs(10));
}

proptest! {
    /// However frames come, and however impatiently it is asked: never more than the burst and the
    /// rate.
    #[test]
    fn a_meter_never_lets_more_through_than_burst_and_rate(
        reads in prop::collection::vec((0..300usize, 0..500u64), 1..100)
    ) {
        let (rates, clock) = rates(|c| c.rates = RateConfig { frame: 50, byte: 0, ..RateConfig::default() });
        let mut meter = rates.meter();
        let (mut through, mut elapsed) = (0, Duration::ZERO);
        for (frames, pause) in reads {
            meter.take(frames, 0);
            through += frames;
            while let Err(wait) = meter.check() {
                clock.advance(wait);
                elapsed += wait;
            }
            let pause = Duration::from_millis(pause);
            clock.advance(pause);
            elapsed += pause;
            let most = 200.0 + 50.0 * elapsed.as_secs_f64() + 1.0;
            prop_assert!(through as f64 <= most, "{through} in {elapsed:?}");
        }
    }

    /// What governor lets through at once for a key is what a meter lets through for a connection.
    #[test]
    fn a_meter_and_governor_draw_the_same_line(
        reads in prop::collection::vec((1..100u32, 0..2_000u64), 1..50)
    ) {
        let (rates, clock) = rates(|c| c.rates = RateConfig { frame: 50, byte: 0, ..RateConfig::default() });
        let quota = governor::Quota::per_second(50.try_into().unwrap()).allow_burst(200.try_into().unwrap());
        let limiter = governor::RateLimiter::direct_with_clock(quota, clock.clone());
        let mut meter = rates.meter();
        for (frames, pause) in reads {
            let allowed = limiter.check_n(frames.try_into().unwrap()).unwrap();
            meter.take(frames as usize, 0);
            let within = meter.check();
            match allowed {
                Ok(()) => prop_assert_eq!(within, Ok(())),
                Err(until) => {
                    let wait = until.wait_time_from(clock.now()).min(Duration::from_secs(1));
                    prop_assert_eq!(within, Err(wait));
                    // governor has taken nothing: it is asked again when there is room.
                    while limiter.check_n(frames.try_into().unwrap()).unwrap().is_err() {
                        clock.advance(Duration::from_millis(1));
                    }
                    prop_assert_eq!(meter.check(), Ok(()));
                }
            }
            clock.advance(Duration::from_millis(pause));
        }
    }
}
