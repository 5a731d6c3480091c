//! What is believed, and what is not.

use aws_lc_rs::hmac;
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
    SessionGrant { session: session(), start: now() - 60, stamp: Stamp(5), history: RoomHistory::default() }
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

#[test]
fn a_token_of_nobodys_audience_is_refused() {
    let tokens = tokens();
    for audience in [json!("cipher-chat2"), json!(""), json!(null), json!(["x"]), json!(7)] {
        let mut claims = claims();
        claims["aud"] = audience.clone();
        let token = signed(&tokens, &good_header(&tokens), &claims);
        assert_eq!(tokens.verify_session(&token), Err(TokenError::Invalid), "{audience}");
    }
}

#[test]
fn a_missing_claim_is_refused() {
    let tokens = tokens();
    for claim in ["sub", "aud", "iat", "exp", "jti", "start", "stamp"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(claim);
        let token = signed(&tokens, &good_header(&tokens), &claims);
        assert_eq!(tokens.verify_session(&token), Err(TokenError::Invalid), "{claim}");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let tokens = tokens();
    for alg in ["none", "None", "NONE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": kid(&tokens)}).to_string());
        let body = URL_SAFE_NO_PAD.encode(claims().to_string());
        assert_eq!(tokens.verify_session(&format!("{header}.{body}.")), Err(TokenError::Invalid), "{alg}");
    }
}

#[test]
fn an_empty_or_foreign_signature_is_refused() {
    let tokens = tokens();
    let token = tokens.issue_session(grant()).token;
    let (message, signature) = token.rsplit_once('.').unwrap();
    let stranger = SessionGrant { session: SessionId::from_random([8; 16]), ..grant() };
    let other = tokens.issue_session(stranger).token;
    let foreign = other.rsplit_once('.').unwrap().1;
    for wrong in ["", "AAAA", foreign, &signature[..85], &format!("{signature}AA"), &format!("{signature}=")]
    {
        assert_eq!(tokens.verify_session(&format!("{message}.{wrong}")), Err(TokenError::Invalid), "{wrong}");
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let tokens = tokens();
    let header = json!({"alg": "HS256", "kid": kid(&tokens)});
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&header), encode(&claims()));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &tokens.signing_key().public);
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, message.as_bytes()));
    assert_eq!(tokens.verify_session(&format!("{message}.{tag}")), Err(TokenError::Invalid));
}

#[test]
fn a_key_that_the_token_brings_itself_is_ignored() {
    let (tokens, attacker) = (tokens(), tokens());
    let x = URL_SAFE_NO_PAD.encode(attacker.signing_key().public);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    for header in [
        json!({"alg": "EdDSA", "kid": kid(&tokens), "jwk": jwk}),
        json!({"alg": "EdDSA", "kid": kid(&tokens), "jku": "https://attacker.example/keys"}),
        json!({"alg": "EdDSA", "kid": kid(&attacker), "jwk": jwk}),
        json!({"alg": "EdDSA", "jwk": jwk}),
    ] {
        let token = signed(&attacker, &header, &claims());
        assert_eq!(tokens.verify_session(&token), Err(TokenError::Invalid), "{header}");
    }
}

#[test]
fn a_token_is_checked_with_the_key_that_it_names() {
    let (ours, theirs) = (tokens(), tokens());
    ours.learn(&theirs.known_keys());
    let token = theirs.issue_session(grant()).token;
    assert!(ours.verify_session(&token).is_ok(), "a known gateway's");
    // Signed by one known key in the name of the other.
    let token = signed(&theirs, &good_header(&ours), &claims());
    assert_eq!(ours.verify_session(&token), Err(TokenError::Invalid));
    let nobody = json!({"alg": "EdDSA", "kid": KeyId::from_bytes([9; 32]).text()});
    assert_eq!(ours.verify_session(&signed(&ours, &nobody, &claims())), Err(TokenError::Invalid));
    let malformed = json!({"alg": "EdDSA", "kid": "../../etc/passwd"});
    assert_eq!(ours.verify_session(&signed(&ours, &malformed, &claims())), Err(TokenError::Invalid));
}

/// The announcements of another gateway, each spoiled in one way.
#[test]
fn nobody_announces_a_key_that_is_anothers_or_for_longer_than_its_owner_did() {
    let (ours, theirs) = (tokens(), tokens());
    let token = theirs.issue_session(grant()).token;
    let [good] = &theirs.known_keys()[..] else { panic!("one key") };
    let later = Announcement { not_after: good.not_after + LIFE, ..good.clone() };
    let anothers = Announcement { node: "rogue".parse().unwrap(), ..good.clone() };
    let unsigned = Announcement { possession: [0; 64], ..good.clone() };
    let own = starting().known_keys().remove(0);
    let exchanged = Announcement { possession: own.possession, ..good.clone() };
    for forged in [later, anothers, unsigned, exchanged] {
        ours.learn(std::slice::from_ref(&forged));
        assert_eq!(ours.verify_session(&token), Err(TokenError::Invalid), "{forged:?}");
    }
    assert_eq!(ours.bus.counters().doubted_keys.load(Relaxed), 4);
    ours.learn(std::slice::from_ref(good));
    assert!(ours.verify_session(&token).is_ok());
}

#[test]
fn garbage_is_refused() {
    let tokens = tokens();
    let good = tokens.issue_session(grant()).token;
    let oversize = format!("{good}{}", "A".repeat(TOKEN_BYTES));
    let doubled = format!("{good}.{good}");
    for garbage in ["", ".", "..", "...", "a.b.c", "🦀.🦀.🦀", "e30.e30.e30", &oversize, &doubled, &good[1..]]
    {
        assert_eq!(tokens.verify_session(garbage), Err(TokenError::Invalid), "{}", garbage.len());
    }
    // A good token in a header that is too long for one.
    let padded = json!({"alg": "EdDSA", "kid": kid(&tokens), "pad": "A".repeat(TOKEN_BYTES)});
    assert_eq!(tokens.verify_session(&signed(&tokens, &padded, &claims())), Err(TokenError::Invalid));
}

#[test]
fn an_unknown_key_is_not_judged_before_all_keys_are_known() {
    let (ours, theirs) = (starting(), tokens());
    let own = ours.issue_session(grant()).token;
    let foreign = theirs.issue_session(grant()).token;
    assert_eq!(ours.verify_session(&own), Err(TokenError::KeysUnknown), "no answer could be signed yet");
    assert_eq!(ours.verify_session("garbage"), Err(TokenError::Invalid));
    ours.first_key_announced();
    assert!(ours.verify_session(&own).is_ok());
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::KeysUnknown));
    assert!(!ours.is_ready());
    ours.set_synced(true);
    assert!(ours.is_ready());
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    let heard = theirs.announcements();
    let [Message::Key { key, event, .. }] = heard.as_slice() else { panic!("one key: {heard:?}") };
    ours.hear(*key, event);
    assert!(ours.verify_session(&foreign).is_ok());
}

#[test]
fn an_unknown_key_is_not_judged_while_nobody_can_be_asked() {
    let (ours, theirs) = (tokens(), tokens());
    let foreign = theirs.issue_session(grant()).token;
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    ours.cut_off();
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::KeysUnknown));
    assert!(ours.is_ready(), "its own sessions go on");
    assert!(ours.verify_session(&ours.issue_session(grant()).token).is_ok());
    ours.set_synced(true);
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    let fresh = starting();
    fresh.cut_off();
    assert!(!fresh.is_ready(), "nothing was known before either");
}

#[test]
fn a_new_key_signs_only_when_it_is_told_to_and_the_old_one_still_verifies() {
    let tokens = tokens();
    let before = tokens.issue_session(grant()).token;
    let Message::Key { key: next, .. } = tokens.make_next_key() else { panic!("a key") };
    let Message::Key { key: same, .. } = tokens.make_next_key() else { panic!("a key") };
    assert_eq!(next, same, "a second try announces the same key");
    let signer = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_eq!(signer(&tokens.issue_session(grant()).token), signer(&before));
    tokens.use_next_key();
    let after = tokens.issue_session(grant()).token;
    assert_eq!(signer(&after), next.text());
    assert!(tokens.verify_session(&before).is_ok() && tokens.verify_session(&after).is_ok());
    tokens.use_next_key();
    assert_eq!(signer(&tokens.issue_session(grant()).token), next.text(), "nothing to replace it with");
    assert_eq!(tokens.known_keys().len(), 2);
}

#[test]
fn a_janitors_word_alone_drops_no_key() {
    let tokens = tokens();
    let token = tokens.issue_session(grant()).token;
    tokens.hear(KeyId::of_public(&tokens.signing_key().public), &KeyEvent::Expired);
    assert!(tokens.verify_session(&token).is_ok());
}

#[test]
fn debug_shows_no_key() {
    let tokens = tokens();
    let seed = aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::Curve25519SeedBin<'_>>::as_be_bytes(
        &tokens.signing_key().pair.seed().unwrap(),
    )
    .unwrap();
    assert!(!format!("{tokens:?}").contains(&format!("{:?}", seed.as_ref())));
}
