//! The bodies that clients send, most of which say nothing.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::header::CONTENT_TYPE;
use http_body_util::LengthLimitError;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::admission::Proof;
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
        object::<EmptyObject>(request).await.map(|_| Self)
    }
}

/// How a session is asked for: nothing, or with a proof of work, or as a helper.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Creation {
    /// Needed where admission costs work.
    pub(super) proof: Option<Proof>,
    /// The pass of a helper, as the operator has signed it. It needs `pass_proof`.
    #[schema(max_length = 2048, example = "eyJhbGciOiJFZERTQSIsInR5cCI6I…")]
    pub(super) pass: Option<String>,
    /// The proof that the pass is the helper's, for this host and this minute: 88 bytes in
    /// base64url without padding.
    #[schema(min_length = 118, max_length = 118)]
    pub(super) pass_proof: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for Creation {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        object(request).await.map(Option::unwrap_or_default)
    }
}

/// The JSON object of a body; `None` of an empty one.
async fn object<T: DeserializeOwned>(request: Request) -> Result<Option<T>, Problem> {
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
        (true, _) => Ok(None),
        (false, false) => Err(Problem::MediaType),
        (false, true) => {
            // serde would take an array for a struct as well.
            let is_object = body.trim_ascii_start().starts_with(b"{");
            let object = serde_json::from_slice(&body).ok();
            object.filter(|_| is_object).map(Some).ok_or(Problem::BadBody)
        }
    }
}

fn is_json(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
