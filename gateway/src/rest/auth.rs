//! Who asks: the session token of a request.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use schemas::token::TokenClaims;

use super::state::AppState;
use crate::{node::Node, problem::Problem};

/// The session that asks: its token verified, not revoked, and within its rate.
pub(super) struct Caller(pub(super) TokenClaims);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?.ok_or(Problem::NoToken)?;
        let claims = verify(&state.node, token)?;
        state.node.rates().request(claims.sub)?;
        Ok(Self(claims))
    }
}

/// The claims of a token of a session that lives.
pub(super) fn verify(node: &Node, token: &str) -> Result<TokenClaims, Problem> {
    let claims = node.tokens().verify_session(token)?;
    let is_over = node.is_revoked(claims.sub) || node.is_taken_back(claims.pass.as_ref());
    if is_over { Err(Problem::BadToken) } else { Ok(claims) }
}

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `None` without the header.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Problem::BadRequest("more than one Authorization header"));
    }
    let parts = line.to_str().ok().and_then(|line| line.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim_matches(' '))),
        _ => Err(Problem::NoToken),
    }
}
