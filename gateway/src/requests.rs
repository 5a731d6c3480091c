//! How many HTTP requests there were, how they ended, and how long they took. By the routes of a
//! fixed table: whatever path a client invents is counted as the same.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// The paths of the API, as the description has them. `/v1/openapi.json` is part of the page.
const ROUTES: [&str; 10] = [
    "/v1/challenge",
    "/v1/desk",
    "/v1/passes/revoked",
    "/v1/rooms/current",
    "/v1/sessions",
    "/v1/sessions/me",
    "/v1/sessions/me/token",
    "/v1/status",
    "/v1/transparency",
    "/v1/ws",
];

/// Any file of the page.
const PAGE: &str = "page";

/// A path that is nothing here.
const NONE: &str = "none";

/// What a status begins with.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Upper bounds in seconds: most answers need no other node, some wait for the bus (500 ms at
/// most), and none takes longer than ten seconds.
const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: &'static str,
}

/// The counts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Requests {
    answers: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, fn() -> Histogram>,
}

impl Default for Requests {
    /// Each series is there from the start.
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let requests = Self { answers: Family::default(), durations };
        for route in ROUTES.into_iter().chain([PAGE, NONE]) {
            drop(requests.durations.get_or_create(&Asked { route }));
            for status in CLASSES {
                drop(requests.answers.get_or_create(&Answered { route, status }));
            }
        }
        requests
    }
}

impl Requests {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "HTTP requests, by path and the class of their status";
        registry.register("http_requests", help, self.answers.clone());
        let help = "How long HTTP requests took; those for a WebSocket, until it was open";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, self.durations.clone());
    }

    /// A request was answered. `route` is the template that matched its path, if one did.
    pub(crate) fn answered(&self, route: Option<&str>, status: http::StatusCode, took: Duration) {
        let known = |path: &str| ROUTES.into_iter().find(|known| *known == path);
        let route = route.map_or(NONE, |path| known(path).unwrap_or(PAGE));
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        self.answers.get_or_create(&Answered { route, status: CLASSES[class - 1] }).inc();
        self.durations.get_or_create(&Asked { route }).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use prometheus_client::encoding::text;
    use serde_json::Value;

    use super::*;

    fn shown(requests: &Requests) -> String {
        let (mut registry, mut shown) = (Registry::default(), String::new());
        requests.register(&mut registry);
        text::encode(&mut shown, &registry).unwrap();
        shown
    }

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let requests = Requests::default();
        requests.answered(Some("/v1/sessions"), StatusCode::CREATED, Duration::from_millis(3));
        requests.answered(Some("/v1/sessions"), StatusCode::TOO_MANY_REQUESTS, Duration::from_micros(9));
        let shown = shown(&requests);
        for line in [
            "http_requests_total{route=\"/v1/sessions\",status=\"2xx\"} 1",
            "http_requests_total{route=\"/v1/sessions\",status=\"4xx\"} 1",
            "http_requests_total{route=\"/v1/ws\",status=\"1xx\"} 0",
            "http_request_duration_seconds_bucket{le=\"0.001\",route=\"/v1/sessions\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.005\",route=\"/v1/sessions\"} 2",
        ] {
            assert!(shown.lines().any(|known| known == line), "{line} in\n{shown}");
        }
    }

    /// Whatever clients ask for, there are no more series than at the start.
    #[test]
    fn clients_invent_no_series() {
        let requests = Requests::default();
        let before = shown(&requests).lines().count();
        for (number, status) in (0..2000).zip((100..=999).cycle()) {
            let status = StatusCode::from_u16(status).unwrap();
            requests.answered(Some(&format!("/{number}.js")), status, Duration::from_secs(number));
            requests.answered(None, status, Duration::ZERO);
        }
        assert_eq!(shown(&requests).lines().count(), before);
    }

    #[test]
    fn the_routes_are_those_that_the_description_has() {
        let description: Value = serde_json::from_str(crate::rest::openapi_json()).unwrap();
        let paths: Vec<_> = description["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ROUTES);
    }
}
