//! Who holds places of Nginx, and who keeps whom out. Nginx waits for whole bodies, so that a place can
//! be held by sending one slowly.

use super::*;

/// Far fewer places than are deployed, so that a test can fill them. Nginx itself needs a few.
const PLACES: usize = 128;
/// So many requests of one address may be under way here; of a customer and of a site as many times
/// more as are deployed.
const OF_ADDRESS: usize = 8;
const OF_CUSTOMER: usize = 4 * OF_ADDRESS;
const OF_SITE: usize = 16 * OF_ADDRESS;

/// Nginx before the gateways of a house, with so many places and limits.
async fn narrow(house: &House, places: usize, more: &[(&str, &str)]) -> Nginx {
    let places = format!("worker_connections {places};");
    let [address, customer, site] =
        [("addresses", OF_ADDRESS), ("customers", OF_CUSTOMER), ("sites", OF_SITE)]
            .map(|(zone, count)| format!("limit_conn {zone} {count};"));
    let changes = [
        ("worker_processes auto;", "worker_processes 1;"),
        // Whoever sends nothing at all keeps the place for the whole test, on a busy machine, too.
        ("client_body_timeout 15s;", "client_body_timeout 600s;"),
        ("worker_connections 32768;", &places),
        ("limit_conn addresses 500;", &address),
        ("limit_conn customers 2000;", &customer),
        ("limit_conn sites 8000;", &site),
    ];
    let gateways = house.gateways.each_ref().map(Process::address);
    Nginx::changed(&house.cluster.pki, &gateways, &[&changes[..], more].concat()).await
}

/// Begins a request with a body that never comes, and waits until Nginx waits for it, or refuses it.
/// Returns the status that it has sent, which is 100 for a body that is waited for.
async fn slow_body(nginx: &Nginx, path: &str, headers: &[(&str, &str)]) -> (u16, TlsStream<TcpStream>) {
    let slow = [("expect", "100-continue"), ("content-length", "4000")];
    let all = [&slow[..], headers].concat();
    // The method of a request whose length the test tells itself.
    let request = http::request("PUT", path, &all, "");
    let mut stream = nginx.connect_from(SOMEBODY).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    in_time("an answer to the head", stream.read_exact(&mut head)).await.unwrap();
    let status = std::str::from_utf8(&head[9..]).unwrap().parse().unwrap();
    (status, stream)
}

/// Waits until Nginx has closed a connection, and returns what came before.
async fn is_closed(mut stream: TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // Cut, or ended: the place is free either way.
    let _ = in_time("the end of a connection", stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn slow_bodies_of_one_address_keep_nobody_else_out() {
    let house = House::start(&[]).await;
    let nginx = narrow(&house, PLACES, &[]).await;
    let mut held = Vec::new();
    for _ in 0..OF_ADDRESS {
        let (status, stream) = slow_body(&nginx, "/v1/sessions", &[]).await;
        assert_eq!(status, 100);
        held.push(stream);
    }
    // More than all places, half of them at a time: whoever is refused has gone before the next come.
    for _ in 0..4 {
        let refused = join_all((0..PLACES / 2).map(|_| slow_body(&nginx, "/v1/sessions", &[]))).await;
        assert!(refused.iter().all(|(status, _)| *status == 429));
        let other = nginx.call_from([127, 0, 0, 78], "POST", "/v1/sessions", &[]).await;
        assert_eq!(other.status, 201, "{other:?}");
        join_all(refused.into_iter().map(|(_, stream)| is_closed(stream))).await;
    }
    // Who lets go is let in again.
    drop(held);
    eventually("the address has room", async || {
        nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await.status == 201
    })
    .await;
}

/// Chats of an address are not counted by Nginx. Where their connections are asked for, no body is
/// waited for: the gateway refuses such a request at once.
#[tokio::test]
async fn a_slow_body_holds_no_place_where_chats_begin() {
    let house = House::start(&[]).await;
    let nginx = narrow(&house, PLACES, &[]).await;
    let mut chats = Vec::new();
    for _ in 0..2 * OF_ADDRESS {
        let bearer = house.session().await;
        chats.push(upgrade(&nginx, bearer.strip_prefix("Bearer ").unwrap()).await.unwrap());
    }
    for _ in 0..4 {
        let asked = join_all((0..PLACES / 8).map(|_| slow_body(&nginx, "/v1/ws", &[]))).await;
        let answers = join_all(asked.into_iter().map(|(_, stream)| is_closed(stream))).await;
        assert!(answers.iter().all(|answer| answer.contains("HTTP/1.1 405 ")), "{answers:?}");
        assert_eq!(nginx.call_from(SOMEBODY, "POST", "/v1/sessions", &[]).await.status, 201);
    }
    drop(chats);
}

/// As the gateways count (`gateway/src/rates/networks.rs`). A header stands for the address, since
/// this machine has one of IPv6 at most.
#[tokio::test]
async fn whoever_has_a_whole_network_of_ipv6_has_the_places_of_that_network() {
    let house = House::start(&[]).await;
    let named =
        ("server_name _;", "server_name _; set_real_ip_from 127.0.0.0/8; real_ip_header x-test-address;");
    let nginx = narrow(&house, 1024, &[named]).await;
    let mut held = Vec::new();
    // Asks once more than there may be, and returns how many are held.
    let mut fill = async |addresses: &mut dyn Iterator<Item = String>| {
        let before = held.len();
        for address in addresses {
            let (status, stream) = slow_body(&nginx, "/v1/sessions", &[("x-test-address", &address)]).await;
            if status != 100 {
                assert_eq!(status, 429, "{address}");
                break;
            }
            held.push(stream);
        }
        held.len() - before
    };
    assert_eq!(fill(&mut (1..).map(|host| format!("2001:db8:1:100::{host:x}"))).await, OF_ADDRESS);
    let neighbours = fill(&mut (1..).map(|subnet| format!("2001:db8:1:{:x}::1", 0x100 + subnet))).await;
    assert_eq!(neighbours, OF_CUSTOMER - OF_ADDRESS, "the rest of the /56");
    let site = fill(&mut (2..).map(|customer| format!("2001:db8:1:{customer:x}00::1"))).await;
    assert_eq!(site, OF_SITE - OF_CUSTOMER, "the rest of the /48");
    assert_eq!(fill(&mut (1..=3).map(|site| format!("2001:db8:2:{site:x}::1"))).await, 3, "the next /48");
    assert_eq!(fill(&mut std::iter::repeat("192.0.2.1".to_owned())).await, OF_ADDRESS, "of IPv4");
    assert_eq!(fill(&mut (2..100).map(|host| format!("192.0.2.{host}"))).await, 98, "its neighbours");
}
