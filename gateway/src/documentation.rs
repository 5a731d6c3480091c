//! The limits in `docs/protocol.md` are those of the code.

use schemas::{BootId, limits};

use crate::{
    config::Config,
    node::outboxes::ALL_OUTBOX_BYTES,
    rates::{ATTACHMENTS_PER_MINUTE, REQUESTS_PER_MINUTE},
    ws::outbox::OUTBOX_BYTES,
};

fn kib(bytes: usize) -> String {
    assert_eq!(bytes % 1024, 0);
    format!("{} KiB", bytes / 1024)
}

#[test]
fn the_limits_in_the_documentation_are_those_of_the_code() {
    let config = Config::new("n1".parse().unwrap(), BootId(1));
    let rates = config.rates;
    let rows = [
        ("a binary message, over all its fragments".to_owned(), kib(limits::FRAME_BYTES), "4104".to_owned()),
        ("a text message".into(), kib(limits::CONTROL_BYTES), "4104".into()),
        (
            "WebSocket frames of a connection, per second (`--frame-rate`)".into(),
            rates.frame.to_string(),
            "read more slowly, nothing is dropped; 4002 after a minute".into(),
        ),
        (
            "bytes of a connection, per second (`--byte-rate`)".into(),
            kib(rates.byte as usize),
            "as above".into(),
        ),
        ("what waits for a client that does not read".into(), kib(OUTBOX_BYTES), "4001".into()),
        (
            "what waits for all of them together".into(),
            format!("{} MiB", ALL_OUTBOX_BYTES / 1024 / 1024),
            "4001 for those for whom most waits".into(),
        ),
        (
            "the TLS handshake, and again the request".into(),
            format!("{} s", config.upgrade_wait.as_secs()),
            "dropped".into(),
        ),
        (
            "sessions per address and minute (`--session-rate`)".into(),
            rates.session.to_string(),
            "429".into(),
        ),
        (
            "sessions of pages whose origin is `null`, per minute, a tenth of it per address (`--null-session-rate`)".into(),
            rates.opaque_session.to_string(),
            "429".into(),
        ),
        (
            "upgrades without a valid token, per address and minute (`--connect-rate`)".into(),
            rates.connect.to_string(),
            "429".into(),
        ),
        (
            "upgrades with a valid token, per session and minute (no limit with `--connect-rate 0`)".into(),
            ATTACHMENTS_PER_MINUTE.to_string(),
            "429".into(),
        ),
        ("REST calls per session and minute".into(), REQUESTS_PER_MINUTE.to_string(), "429".into()),
        (
            "`find` and the like per session and minute (`--find-rate`)".into(),
            rates.find.to_string(),
            "`error` with `rate`".into(),
        ),
        (
            "open connections per address (`--connections-per-address`)".into(),
            config.connections_per_address.to_string(),
            "429, or dropped before TLS".into(),
        ),
    ];
    let rows = rows.map(|(what, limit, beyond)| format!("| {what} | {limit} | {beyond} |\n"));
    let table = format!("| what | limit | beyond it |\n|---|---|---|\n{}", rows.concat());
    derived::block("docs/protocol.md", "limits", &table);
}
