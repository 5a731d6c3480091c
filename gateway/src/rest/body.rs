//! The bodies that clients send, all of which say nothing.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::header::CONTENT_TYPE;
use http_body_util::LengthLimitError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The largest request body, in bytes. An empty object needs two; the rest is room for a client
/// that pads.
pub const BODY_BYTES: usize = 4 * 1024;

/// An empty body, or the JSON object `{}`.
pub(super) struct Nothing;

/// Nothing, written in JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyObject {}

impl<S: Send + Sync> FromRequest<S> for Nothing {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = request.headers().get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes()));
        let body = to_bytes(request.into_body(), BODY_BYTES).await.map_err(|fault| {
            let too_large = fault.into_inner().is::<LengthLimitError>();
            if too_large {
                Problem::TooLarge { most: BODY_BYTES }
            } else {
                Problem::BadRequest("the body broke off")
            }
        })?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(Self),
            (false, false) => Err(Problem::MediaType),
            (false, true) => {
                // serde would take an empty array for an empty struct as well.
                let is_object = body.trim_ascii_start().starts_with(b"{");
                let empty = serde_json::from_slice(&body).map(|EmptyObject {}| Self);
                empty.ok().filter(|_| is_object).ok_or(Problem::BadBody)
            }
        }
    }
}

fn is_json(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
