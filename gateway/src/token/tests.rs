//! What is believed, and what is not.

mod forged;
mod keys;

use bus::Local;
use schemas::{RoomId, Side, Stamp, token::RoomHistory};
use serde_json::{Value, json};

use super::*;

const LIFE: Duration = Duration::from_secs(600);
const ROTATION: Duration = Duration::from_secs(3600);

fn starting() -> Tokens {
    Tokens::new(Local::new().join("g1".parse().unwrap()), Clock::start(), LIFE, ROTATION)
}

fn tokens() -> Tokens {
    let tokens = starting();
    tokens.first_key_announced();
    tokens.set_synced(true);
    tokens
}

fn session() -> SessionId {
    SessionId::from_random([7; 16])
}

fn now() -> u64 {
    Clock::start().now().as_secs()
}

fn grant() -> SessionGrant {
    SessionGrant {
        session: session(),
        start: now() - 60,
        stamp: Stamp(5),
        pass: None,
        history: RoomHistory::default(),
    }
}

fn ticket() -> TicketGrant {
    TicketGrant { session: session(), room: RoomId::from_bytes([3; 16]), side: Side::B, stamp: Stamp(5) }
}

/// The claims of a good session token, to be spoiled.
fn claims() -> Value {
    let claims = json!({
        "sub": session(), "aud": SESSION_AUDIENCE, "iat": now(), "exp": now() + 60,
        "jti": "j", "start": now(), "stamp": 5
    });
    assert!(serde_json::from_value::<TokenClaims>(claims.clone()).is_ok());
    claims
}

/// Signs with the gateway's own key under any header.
fn signed(tokens: &Tokens, header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = tokens.signing_key().pair.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn kid(tokens: &Tokens) -> String {
    KeyId::of_public(&tokens.signing_key().public).text()
}

fn good_header(tokens: &Tokens) -> Value {
    json!({"alg": "EdDSA", "kid": kid(tokens)})
}

#[test]
fn a_session_token_says_what_was_granted() {
    let tokens = tokens();
    let mut history = RoomHistory::default();
    history.reported(RoomId::from_bytes([1; 16]));
    let granted = SessionGrant { history: history.clone(), ..grant() };
    let Issued { token, expires_at: exp, .. } = tokens.issue_session(granted.clone());
    let claims = tokens.verify_session(&token).unwrap();
    assert_eq!((claims.sub, claims.start, claims.stamp), (session(), granted.start, Stamp(5)));
    assert_eq!((claims.exp, claims.history), (exp, history));
    assert_eq!(claims.exp - claims.iat, LIFE.as_secs());
    let again = tokens.issue_session(granted).token;
    assert_ne!(tokens.verify_session(&again).unwrap().jti, claims.jti);
}

#[test]
fn a_ticket_says_what_was_granted_and_serves_its_session_alone() {
    let tokens = tokens();
    let granted = ticket();
    let token = tokens.issue_ticket(granted);
    let claims = tokens.verify_ticket(&token, session()).unwrap();
    assert_eq!((claims.room, claims.side, claims.stamp), (granted.room, granted.side, granted.stamp));
    let other = SessionId::from_random([8; 16]);
    assert_eq!(tokens.verify_ticket(&token, other), Err(TokenError::Invalid));
}

#[test]
fn the_longest_token_is_far_below_the_limit() {
    let tokens = tokens();
    let mut history = RoomHistory::default();
    for n in 0..20 {
        history.met(RoomId::from_bytes([n; 16]), UnixMillis::from_secs(now()));
        history.reported(RoomId::from_bytes([n; 16]));
    }
    let token = tokens.issue_session(SessionGrant { history, ..grant() }).token;
    assert!(token.len() < TOKEN_BYTES / 2, "{}", token.len());
    assert!(tokens.verify_session(&token).is_ok());
}

#[test]
fn a_token_never_outlives_a_day_of_its_session() {
    let tokens = tokens();
    let day = limits::SESSION_LIFE.as_secs();
    let start = now() - day + 100;
    let Issued { token, expires_at: exp, .. } = tokens.issue_session(SessionGrant { start, ..grant() });
    assert_eq!(exp, start + day);
    assert!(tokens.verify_session(&token).is_ok());
    let mut forged = claims();
    forged["start"] = json!(now() - day);
    let token = signed(&tokens, &good_header(&tokens), &forged);
    assert_eq!(tokens.verify_session(&token), Err(TokenError::Invalid), "whoever signed it");
}

#[test]
fn what_begins_or_was_attached_far_in_the_future_is_refused() {
    let tokens = tokens();
    let header = json!({"alg": "EdDSA", "kid": kid(&tokens)});
    let day = limits::STAMP_AHEAD.as_millis() as u64;
    let (leeway, now_ms) = (limits::LEEWAY.as_secs(), Clock::start().now().0);
    // By a minute: the clock goes on while the test runs, and is not that of the gateway.
    for (claim, good, bad) in [
        ("start", now() + leeway - 1, now() + leeway + 60),
        ("stamp", now_ms + day - 60_000, now_ms + day + 60_000),
    ] {
        for (value, expected) in [(good, true), (bad, false)] {
            let mut claims = claims();
            claims[claim] = json!(value);
            let verified = tokens.verify_session(&signed(&tokens, &header, &claims));
            assert_eq!(verified.is_ok(), expected, "{claim} {value}: {verified:?}");
        }
    }
    for (stamp, expected) in
        [(now_ms + day - 60_000, true), (now_ms + day + 60_000, false), (u64::MAX, false)]
    {
        let ticket = tokens.issue_ticket(TicketGrant { stamp: Stamp(stamp), ..ticket() });
        assert_eq!(tokens.verify_ticket(&ticket, session()).is_ok(), expected, "{stamp}");
    }
}

#[test]
fn a_token_ends_a_leeway_after_its_end() {
    let tokens = tokens();
    let ended = |ago: u64| {
        let mut claims = claims();
        claims["exp"] = json!(now() - ago);
        claims["start"] = json!(now() - 1000);
        tokens.verify_session(&signed(&tokens, &good_header(&tokens), &claims)).map(|_| ())
    };
    assert_eq!(ended(2), Ok(()));
    assert_eq!(ended(60), Err(TokenError::Expired));
    let mut late = serde_json::to_value(TicketClaims {
        sub: session(),
        aud: ROOM_AUDIENCE.into(),
        iat: 0,
        exp: now() - 60,
        room: RoomId::from_bytes([0; 16]),
        side: Side::A,
        stamp: Stamp(1),
    })
    .unwrap();
    let verify =
        |claims: &Value| tokens.verify_ticket(&signed(&tokens, &good_header(&tokens), claims), session());
    assert_eq!(verify(&late), Err(TokenError::Expired));
    late["exp"] = json!(now() + 60);
    assert!(verify(&late).is_ok());
}

#[test]
fn a_token_from_the_future_is_refused_but_for_the_leeway() {
    let tokens = tokens();
    let header = good_header(&tokens);
    let leeway = limits::LEEWAY.as_secs();
    for (ahead, believed) in [(leeway - 2, true), (leeway + 5, false), (3600, false)] {
        let (iat, exp) = (now() + ahead, now() + ahead + 60);
        let mut session_claims = claims();
        (session_claims["iat"], session_claims["exp"]) = (json!(iat), json!(exp));
        let verified = tokens.verify_session(&signed(&tokens, &header, &session_claims)).map(|_| ());
        assert_eq!(verified, if believed { Ok(()) } else { Err(TokenError::Invalid) }, "{ahead} s");
        let ticket = json!({
            "sub": session(), "aud": ROOM_AUDIENCE, "iat": iat, "exp": exp,
            "room": RoomId::from_bytes([3; 16]), "side": "a", "stamp": 5
        });
        let verified = tokens.verify_ticket(&signed(&tokens, &header, &ticket), session()).map(|_| ());
        assert_eq!(verified, if believed { Ok(()) } else { Err(TokenError::Invalid) }, "{ahead} s");
    }
}

#[test]
fn with_a_clock_in_doubt_no_token_is_judged_and_none_is_dead() {
    let doubted = Arc::new(AtomicBool::new(false));
    let tokens = tokens().doubting(doubted.clone());
    let token = tokens.issue_session(grant()).token;
    doubted.store(true, Relaxed);
    assert!(!tokens.is_ready() && tokens.knows_keys());
    assert_eq!(tokens.verify_session(&token), Err(TokenError::ClockDoubted));
    assert_eq!(
        tokens.verify_ticket(&tokens.issue_ticket(ticket()), session()),
        Err(TokenError::ClockDoubted)
    );
    doubted.store(false, Relaxed);
    assert!(tokens.is_ready() && tokens.verify_session(&token).is_ok());
}

#[test]
fn a_ticket_is_no_token_and_a_token_no_ticket() {
    let tokens = tokens();
    let token = tokens.issue_session(grant()).token;
    assert_eq!(tokens.verify_ticket(&token, session()), Err(TokenError::Invalid));
    assert_eq!(tokens.verify_session(&tokens.issue_ticket(ticket())), Err(TokenError::Invalid));
    // Even with all the claims of both, the audience decides.
    let mut both = claims();
    both["room"] = json!(RoomId::from_bytes([0; 16]));
    both["side"] = json!("a");
    let token = signed(&tokens, &good_header(&tokens), &both);
    assert!(tokens.verify_session(&token).is_ok());
    assert_eq!(tokens.verify_ticket(&token, session()), Err(TokenError::Invalid));
}
