//! Problems that several calls may answer with, for the description of the interface.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::problem::ProblemBody;

/// Of every call that needs a token.
pub(super) struct NeedsToken;

impl IntoResponses for NeedsToken {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([
            ("400", "There are two tokens"),
            ("401", "There is no token, or it is not valid"),
            ("429", "Too many requests"),
            ("503", "The node is not ready"),
        ])
    }
}

/// Of every call that reads a body, which has to be empty.
pub(super) struct ReadsBody;

impl IntoResponses for ReadsBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([
            ("408", "The body did not arrive in time"),
            ("413", "The body is longer than 4 KiB"),
            ("415", "The body is not JSON"),
        ])
    }
}

fn problems<const N: usize>(problems: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let response = |(status, description): (&str, &str)| {
        let body = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(body)).build();
        let response =
            ResponseBuilder::new().description(description).content("application/problem+json", content);
        (status.to_owned(), response.build().into())
    };
    problems.into_iter().map(response).collect()
}
