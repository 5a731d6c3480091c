//! What a token costs: signed and verified by us, and by jsonwebtoken alone.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bus::{Clock, Local};
use divan::{Bencher, black_box};
use gateway::token::Tokens;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use schemas::{
    RoomId, SessionId, Side, Stamp,
    token::{RoomHistory, SESSION_AUDIENCE, TokenClaims},
};
use session::{SessionGrant, TicketGrant};

fn main() {
    divan::main();
}

fn tokens() -> Tokens {
    let bus = Local::new().join("g1".parse().unwrap());
    let tokens = Tokens::new(bus, Clock::start(), Duration::from_secs(600), Duration::from_secs(3600));
    tokens.first_key_announced();
    tokens.set_synced(true);
    tokens
}

fn grant() -> SessionGrant {
    let start = Clock::start().now().as_secs();
    let stamp = Stamp(start * 1000);
    SessionGrant {
        session: SessionId::from_random([7; 16]),
        start,
        stamp,
        pass: None,
        history: RoomHistory::default(),
    }
}

fn claims() -> TokenClaims {
    let SessionGrant { session, start, stamp, pass, history } = grant();
    TokenClaims {
        sub: session,
        aud: SESSION_AUDIENCE.into(),
        iat: start,
        exp: start + 600,
        jti: SessionId::from_random([9; 16]).text(),
        start,
        stamp,
        pass,
        history,
    }
}

#[divan::bench]
fn session_sign(bencher: Bencher) {
    let tokens = tokens();
    bencher.with_inputs(grant).bench_values(|grant| tokens.issue_session(grant));
}

#[divan::bench]
fn ticket_sign(bencher: Bencher) {
    let tokens = tokens();
    let session = SessionId::from_random([7; 16]);
    let ticket = TicketGrant { session, room: RoomId::from_bytes([3; 16]), side: Side::A, stamp: Stamp(1) };
    bencher.bench(|| tokens.issue_ticket(black_box(ticket)));
}

#[divan::bench]
fn session_verify(bencher: Bencher) {
    let tokens = tokens();
    let token = tokens.issue_session(grant()).token;
    bencher.bench(|| tokens.verify_session(black_box(&token)).is_ok());
}

#[divan::bench]
fn session_refuse_forged(bencher: Bencher) {
    let (tokens, stranger) = (tokens(), tokens());
    let token = stranger.issue_session(grant()).token;
    bencher.bench(|| tokens.verify_session(black_box(&token)).is_err());
}

/// The whole of what a client that connects and is matched costs here.
#[divan::bench]
fn client_create_upgrade_match(bencher: Bencher) {
    let tokens = tokens();
    let session = SessionId::from_random([7; 16]);
    let ticket = TicketGrant { session, room: RoomId::from_bytes([3; 16]), side: Side::A, stamp: Stamp(1) };
    bencher.bench(|| {
        let token = tokens.issue_session(grant()).token;
        black_box(tokens.verify_session(&token).is_ok());
        black_box(tokens.issue_session(grant()));
        tokens.issue_ticket(ticket)
    });
}

#[divan::bench]
fn jsonwebtoken_sign(bencher: Bencher) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
    let header = Header { kid: Some("k".repeat(43)), ..Header::new(Algorithm::EdDSA) };
    bencher.with_inputs(claims).bench_values(|claims| jsonwebtoken::encode(&header, &claims, &key).unwrap());
}

#[divan::bench]
fn jsonwebtoken_verify(bencher: Bencher) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let encoding = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(), &encoding).unwrap();
    let key = DecodingKey::from_ed_der(pair.public_key().as_ref());
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[SESSION_AUDIENCE]);
    bencher.bench(|| jsonwebtoken::decode::<TokenClaims>(black_box(&token), &key, &validation).unwrap());
}

#[divan::bench]
fn ed25519_sign(bencher: Bencher) {
    let pair = Ed25519KeyPair::generate().unwrap();
    bencher.bench(|| pair.sign(black_box(&[0; 300])));
}

#[divan::bench]
fn ed25519_verify(bencher: Bencher) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let signature = pair.sign(&[0; 300]);
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, pair.public_key());
    bencher.bench(|| key.verify(black_box(&[0; 300]), signature.as_ref()).unwrap());
}
