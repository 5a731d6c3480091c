use std::task::{Context, Waker};

use rustls::{AlertDescription, Error};

use super::support::{Pair, ways};
use crate::{End, buffer};

/// The content of a record of the largest size.
const LARGEST: usize = 16 * 1024;

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

#[tokio::test]
async fn every_cipher_carries_records_both_ways() {
    let ways = ways();
    assert_eq!(ways.len(), 6, "three of TLS 1.3, and three of TLS 1.2");
    for (suite, config) in ways {
        let mut pair = Pair::new(config).await;
        for length in [1, 100, LARGEST, LARGEST + 1, 3 * LARGEST] {
            let plain = text(length);
            let sealed = pair.client_says(&plain);
            assert_eq!(pair.open(&sealed), plain, "{suite:?} {length}");
            let sealed = pair.seal(&plain);
            assert_eq!(pair.client_reads(&sealed).unwrap(), plain, "{suite:?} {length}");
        }
        assert_eq!(pair.opener().end(), None);
    }
}

#[tokio::test]
async fn a_read_may_end_anywhere_in_a_record() {
    for mut pair in [Pair::tls13().await, Pair::tls12().await] {
        let length = [pair.client_says(b"one"), pair.client_says(b"and two")].concat();
        assert_eq!(pair.open(&length), b"oneand two");
        for split in 0..=length.len() {
            let sealed = [pair.client_says(b"one"), pair.client_says(b"and two")].concat();
            let first = pair.open(&sealed[..split]);
            let then = pair.open(&sealed[split..]);
            assert_eq!([first, then].concat(), b"oneand two", "{split}");
        }
        assert!(pair.opener().partial().is_empty());
    }
}

#[tokio::test]
async fn records_of_one_read_lie_one_behind_the_other() {
    for mut pair in [Pair::tls13().await, Pair::tls12().await] {
        let mut sealed: Vec<_> =
            [1, 500, 1, 16_000, 7].map(|length| pair.client_says(&text(length))).concat();
        let rest = pair.client_says(b"the rest");
        sealed.extend(&rest[..rest.len() - 1]);
        let came = pair.records.opener.lock().open(&mut sealed, &pair.records.sealer);
        let expected = [1, 500, 1, 16_000, 7].map(text).concat();
        assert!(sealed[came] == expected);
        assert_eq!(pair.opener().partial(), &rest[..rest.len() - 1]);
    }
}

#[tokio::test]
async fn what_follows_close_notify_is_not_opened() {
    for mut pair in [Pair::tls13().await, Pair::tls12().await] {
        let mut sealed = pair.client_says(b"last words");
        pair.client.send_close_notify();
        sealed.extend(pair.sealed_by_client());
        sealed.extend([0x17, 3, 3, 0]);
        assert_eq!(pair.open(&sealed), b"last words");
        assert_eq!(pair.opener().end(), Some(End::CloseNotify));
        // The other direction goes on until we say goodbye, which we do once.
        let answer = pair.seal(b"so long");
        assert_eq!(pair.client_reads(&answer).unwrap(), b"so long");
        pair.records.sealer.close();
        pair.records.sealer.close();
        let goodbye = pair.seal(b"");
        pair.client.read_tls(&mut &goodbye[..]).unwrap();
        assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
        assert!(pair.seal(b"too late").is_empty());
    }
}

#[tokio::test]
async fn the_client_may_change_its_keys_and_ask_for_ours() {
    let mut pair = Pair::tls13().await;
    for _ in 0..3 {
        // Two requests before we speak again have one answer.
        pair.client.refresh_traffic_keys().unwrap();
        let mut sealed = pair.sealed_by_client();
        pair.client.refresh_traffic_keys().unwrap();
        sealed.extend(pair.sealed_by_client());
        sealed.extend(pair.client_says(b"with a new key"));
        for byte in sealed.chunks(1) {
            let came = pair.open(byte);
            assert!(came.is_empty() || came == b"with a new key");
        }
        assert!(!pair.records.sealer.waits(), "the answer goes with our next words");
        let one = pair.seal(b"mine, too");
        let another = pair.seal(b"mine, too");
        assert_eq!(one.len() - another.len(), 5 + 5 + 17, "one key update");
        assert_eq!(pair.client_reads(&[one, another].concat()).unwrap(), b"mine, toomine, too");
    }
    pair.expect_both_to_go_on();
}

#[tokio::test]
async fn changing_keys_on_and_on_is_not_tolerated() {
    let mut pair = Pair::tls13().await;
    let mut sealed = Vec::new();
    for _ in 0..=32 {
        pair.client.refresh_traffic_keys().unwrap();
        sealed.extend(pair.sealed_by_client());
    }
    assert!(pair.open(&sealed).is_empty());
    assert_eq!(pair.opener().end(), Some(End::Broken));
}

#[tokio::test]
async fn our_key_changes_before_it_is_worn_out() {
    let mut pair = Pair::tls13().await;
    pair.records.sealer.wear_out_after(3);
    for _ in 0..10 {
        let sealed = pair.seal(&text(LARGEST + 5));
        assert!(pair.client_reads(&sealed).unwrap() == text(LARGEST + 5));
        // The client changes its own key in turn.
        let sealed = pair.client_says(b"heard");
        assert_eq!(pair.open(&sealed), b"heard");
    }
}

#[tokio::test]
async fn a_key_of_tls_1_2_that_is_worn_out_ends_the_connection() {
    let mut pair = Pair::tls12().await;
    pair.records.sealer.wear_out_after(3);
    let mut sealed = pair.seal(b"a");
    sealed.extend(pair.seal(b"b"));
    sealed.extend(pair.seal(b"not said"));
    assert_eq!(pair.client_reads(&sealed).unwrap(), b"ab");
    assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
}

#[tokio::test]
async fn a_record_that_was_touched_ends_the_connection_and_the_client_is_told() {
    let length = Pair::tls13().await.client_says(b"text").len();
    for position in 5..length {
        let mut pair = Pair::tls13().await;
        let before = pair.client_says(b"before");
        let mut sealed = pair.client_says(b"text");
        sealed[position] ^= 1;
        assert_eq!(pair.open(&[before, sealed].concat()), b"before");
        assert_eq!(pair.opener().end(), Some(End::Broken));
        let told = pair.seal(b"not said");
        assert_eq!(pair.client_reads(&told), Err(Error::AlertReceived(AlertDescription::BadRecordMac)));
        assert!(pair.seal(b"nor this").is_empty());
        pair.records.sealer.close();
        assert!(!pair.records.sealer.waits(), "an alert is the last word");
    }
}

#[tokio::test]
async fn in_tls_1_2_the_version_of_a_record_is_protected() {
    let mut pair = Pair::tls12().await;
    let mut sealed = pair.client_says(b"text");
    sealed[2] = 1;
    assert!(pair.open(&sealed).is_empty());
    assert_eq!(pair.opener().end(), Some(End::Broken));
    let told = pair.seal(b"");
    assert_eq!(pair.client_reads(&told), Err(Error::AlertReceived(AlertDescription::BadRecordMac)));
}

#[tokio::test]
async fn what_is_no_record_ends_the_connection_before_it_is_whole() {
    use AlertDescription::{DecodeError, RecordOverflow, UnexpectedMessage};
    for (header, alert) in [
        ([0x17, 3, 3, 0x41, 0x01], RecordOverflow),
        ([0x17, 3, 3, 0xff, 0xff], RecordOverflow),
        ([0x17, 4, 3, 0, 20], DecodeError),
        ([0x16, 3, 3, 0, 20], UnexpectedMessage),
        ([0x14, 3, 3, 0, 1], UnexpectedMessage),
        ([b'G', b'E', b'T', b' ', b'/'], DecodeError),
    ] {
        let mut pair = Pair::tls13().await;
        assert!(pair.open(&header).is_empty());
        assert_eq!(pair.opener().end(), Some(End::Broken), "{header:?}");
        let told = pair.seal(b"");
        assert_eq!(pair.client_reads(&told), Err(Error::AlertReceived(alert)), "{header:?}");
    }
    let mut pair = Pair::tls12().await;
    assert!(pair.open(&[0x17, 3, 3, 0x48, 0x01]).is_empty());
    assert_eq!(pair.opener().end(), Some(End::Broken));
}

#[tokio::test]
async fn a_client_that_gives_up_is_owed_no_answer() {
    for mut pair in [Pair::tls13().await, Pair::tls12().await] {
        let mut broken = pair.seal(b"text");
        broken[8] ^= 1;
        pair.client_reads(&broken).unwrap_err();
        let sealed = pair.sealed_by_client();
        assert!(pair.open(&sealed).is_empty());
        assert_eq!(pair.opener().end(), Some(End::Broken));
        assert!(!pair.records.sealer.waits());
    }
}

#[tokio::test]
async fn what_a_socket_did_not_take_goes_before_everything_else() {
    let mut pair = Pair::tls13().await;
    let (taken, sealed) = pair.records.sealer.seal(b"first");
    assert_eq!(taken, 5);
    pair.records.sealer.close();
    let mut written = sealed[..7].to_vec();
    pair.records.sealer.put_back(sealed, 7);
    assert!(pair.records.sealer.waits());
    let (taken, sealed) = pair.records.sealer.seal(b"not now");
    assert_eq!(taken, 0, "one thing after the other");
    written.extend(sealed);
    assert!(!pair.records.sealer.waits());
    assert_eq!(pair.client_reads(&written).unwrap(), b"first");
    assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
}

#[tokio::test]
async fn what_was_opened_in_a_shared_buffer_is_wiped() {
    let mut pair = Pair::tls13().await;
    let sealed = [pair.client_says(b"one"), pair.client_says(b"two")].concat();
    let (whole, partial) = sealed.split_at(sealed.len() - 3);
    assert_eq!(pair.open(whole), b"one");
    assert!(buffer::borrow().bytes().iter().all(|byte| *byte == 0));
    let mut cx = Context::from_waker(Waker::noop());
    let mut loan = buffer::borrow();
    let (_peer, mut silent) = tokio::io::duplex(1);
    assert!(pair.opener().poll_read(&mut cx, &mut silent, &pair.records.sealer, &mut loan).is_pending());
    drop(loan);
    assert!(buffer::borrow().bytes().iter().all(|byte| *byte == 0), "nor does it keep half a record");
    assert_eq!(pair.open(partial), b"two");
}
