//! What nobody signed, and what was signed for something else.

use aws_lc_rs::hmac;

use super::*;

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
