//! The description of this interface, made from the handlers' annotations.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, RefOr,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "cipher-chat",
        description = "Anonymous, ephemeral, end-to-end encrypted one-to-one chat: sessions over REST. The chat itself is a WebSocket, \
                       described in asyncapi.yaml.",
        version = "1",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "sessions", description = "A random id and a signed token: all that the server knows of a person"),
        (name = "rooms", description = "One chat of two people"),
        (name = "status", description = "How many people are here, and what is offered"),
        (name = "websocket", description = "The connection over which people chat"),
    )
)]
struct Head;

/// What is said of the interface as a whole.
pub(super) fn head() -> OpenApi {
    let mut head = Head::openapi();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The session token; never in a URL"))
        .build();
    let components = head.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    head
}

static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    let mut api = super::api().into_openapi();
    // Every body may be left out; what it must be otherwise is said by its schema.
    let operations = api.paths.paths.values_mut().filter_map(|path| path.post.as_mut());
    for body in operations.filter_map(|operation| operation.request_body.as_mut()) {
        if let RefOr::T(body) = body {
            body.required = None;
        }
    }
    // Cannot fail: a tree of strings.
    api.to_pretty_json().unwrap_or_default() + "\n"
});

/// The description as JSON.
pub fn openapi_json() -> &'static str {
    &DESCRIPTION
}

/// `GET /v1/openapi.json`: public, as the page is.
pub(super) async fn serve() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi_json()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_current() {
        derived::file("schemas/openapi.json", openapi_json());
    }

    #[test]
    fn every_call_but_those_that_lead_to_a_token_or_tell_of_nobody_asks_for_one() {
        let document: serde_json::Value = serde_json::from_str(openapi_json()).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let open = [
                    ("/v1/sessions", "post"),
                    ("/v1/challenge", "get"),
                    ("/v1/status", "get"),
                    ("/v1/desk", "get"),
                    ("/v1/passes/revoked", "get"),
                    ("/v1/transparency", "get"),
                ]
                .contains(&(path.as_str(), method.as_str()));
                let expected =
                    if open { serde_json::json!([{}]) } else { serde_json::json!([{"token": []}]) };
                assert_eq!(operation["security"], expected, "{method} {path}");
            }
        }
    }
}
