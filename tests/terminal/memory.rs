//! What the memory of a running chat still holds: read from outside, as whoever takes the computer
//! over would read it.

#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use aws_lc_rs::hkdf;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::json::Program;
use crate::support::{eventually, process::Launch, unique};

/// The length of the key of an invite.
struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

/// The pre-shared key of an invite's link, as docs/protocol.md defines it.
fn psk_of(link: &str) -> [u8; 32] {
    let secret = URL_SAFE_NO_PAD.decode(link.split_once('#').unwrap().1).unwrap();
    let mut psk = [0; 32];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&secret);
    key.expand(&[b"cipher-chat.v1 invite psk"], KeyLength).unwrap().fill(&mut psk).unwrap();
    psk
}

/// How often these bytes are in the writable memory of a process.
fn copies(process: u32, bytes: &[u8]) -> usize {
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.ends_with("[vvar]")) {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [start, end] = [start, end].map(|digits| u64::from_str_radix(digits, 16).unwrap());
        let mut block = vec![0; usize::try_from(end - start).unwrap()];
        // A part that is gone meanwhile holds nothing.
        if memory.read_exact_at(&mut block, start).is_ok() {
            found += block.windows(bytes.len()).filter(|window| *window == bytes).count();
        }
    }
    found
}

#[tokio::test]
async fn the_key_of_an_invite_is_gone_once_its_chat_is_secured() {
    let serve = Launch::new("serve").ready().await;
    let url = format!("http://{}", serve.address());
    let mut host = Program::start(&["--url", &url, "--new-invite"]);
    let link = host.event("invite")["link"].as_str().unwrap().to_owned();
    let psk = psk_of(&link);
    let mut guest = Program::start(&["--url", &url, &link]);
    host.event("secured");
    guest.event("secured");
    // A text there and one back: both ends have done with the handshake.
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut host, &mut guest];
        ends[from].write(&serde_json::json!({ "text": "hello" }));
        assert_eq!(ends[to].event("text")["text"], "hello");
    }
    // An argument is in memory as long as the program runs, so the search finds what is there.
    assert!(copies(guest.id(), link.as_bytes()) > 0, "the search finds nothing");
    assert_eq!([host.id(), guest.id()].map(|process| copies(process, &psk)), [0, 0]);
    assert_eq!([host.end(), guest.end()], [Some(0), Some(0)]);
}

#[tokio::test]
async fn a_text_is_gone_once_it_was_written_out_and_delivered() {
    let serve = Launch::new("serve").ready().await;
    let url = format!("http://{}", serve.address());
    for output in ["--json", "--plain"] {
        let topic = unique("topic");
        let parameters = ["--url", &url, "--topic", &topic];
        let mut speaker = Program::start(&parameters);
        let mut reader = Program::start_with(output, &parameters);
        speaker.event("secured");
        let said = unique("a-text-that-nobody-else-writes");
        speaker.write(&json!({ "text": said }));
        assert!(reader.reads(&said), "{output}");
        speaker.event("delivered");
        // An argument is in memory as long as the program runs, so the search finds what is there.
        assert!(copies(reader.id(), topic.as_bytes()) > 0, "the search finds nothing");
        for (process, whose) in [(speaker.id(), "its writer"), (reader.id(), "its reader")] {
            let left = async || copies(process, said.as_bytes()) == 0;
            eventually(&format!("{whose} has forgotten the text, {output}"), left).await;
        }
        speaker.write(&json!({ "command": "quit" }));
        assert_eq!((speaker.end(), reader.end()), (Some(0), Some(0)));
    }
}
