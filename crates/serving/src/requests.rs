//! HTTP/1.1 on one connection, until it ends or a WebSocket takes its stream over.

use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{Router, response::Response};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{CONNECTION, TRANSFER_ENCODING, UPGRADE},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{
    gate::{Exchange, HttpStream},
    head::{HEAD_BYTES, HEADERS, HeadFault},
    headers,
    peer::Peer,
    problem::CommonProblem,
    refusal::{Refusal, Refused},
    stream::Stream,
};

/// How long a connection that stays with HTTP may last: who reads an answer slowly or asks on and
/// on comes back on a new one.
const HTTP_LIFE: Duration = Duration::from_secs(120);

/// How many requests one connection may make: the page takes some forty. Who asks on comes back on
/// a new one, where the limits of connections hold.
const REQUESTS: u64 = 100;

/// What an answer under way has left to be read, after [`HTTP_LIFE`] or at shutdown.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Serves a connection to its end.
pub(crate) async fn serve<G: Send + 'static>(
    stream: Stream,
    peer: Peer<G>,
    router: Router,
    head_wait: Duration,
    refused: Refused,
    shutdown: CancellationToken,
) {
    let exchange = Arc::new(Exchange::default());
    let stream = HttpStream::new(stream, head_wait, exchange.clone());
    let (seen, tell) = (exchange.clone(), refused.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (number, fault) = seen.begin();
        let is_last = fault.is_some() || number >= REQUESTS || is_the_end(&request);
        let answer = match fault {
            Some(fault) => {
                let (problem, refusal) = refuse(fault);
                tell(refusal);
                Err(problem)
            }
            None => Ok(ask(router.clone(), peer.clone(), request)),
        };
        answered(seen.clone(), is_last, answer)
    });
    let connection = http1::Builder::new()
        // The gate waits for heads.
        .header_read_timeout(None::<Duration>)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // A broken connection is no news.
        _ = connection.as_mut() => {}
        () = sleep(HTTP_LIFE) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(LAST_ANSWER, connection).await;
        }
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(LAST_ANSWER, connection).await;
        }
    }
    if exchange.was_unread() {
        refused(Refusal::Unread);
    }
}

/// Whether another request cannot be told from what follows this one.
fn is_the_end(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    headers.contains_key(TRANSFER_ENCODING)
        || headers.contains_key(UPGRADE)
        || request.method() == Method::CONNECT
}

fn ask<G: Send + 'static>(
    mut router: Router,
    peer: Peer<G>,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> {
    request.extensions_mut().insert(peer);
    router.call(request)
}

async fn answered(
    exchange: Arc<Exchange>,
    is_last: bool,
    answer: Result<impl Future<Output = Result<Response, Infallible>>, CommonProblem>,
) -> Result<Response, Infallible> {
    let mut response = match answer {
        Ok(answer) => answer.await?,
        Err(problem) => axum::response::IntoResponse::into_response(problem),
    };
    let status = response.status();
    headers::complete(status, response.headers_mut());
    if is_last && status != StatusCode::SWITCHING_PROTOCOLS {
        // Beside what it may say of an upgrade.
        response.headers_mut().append(CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.answered();
    Ok(response)
}

fn refuse(fault: HeadFault) -> (CommonProblem, Refusal) {
    match fault {
        HeadFault::Malformed(why) => (CommonProblem::Malformed(why), Refusal::Malformed),
        HeadFault::Late => (CommonProblem::Late, Refusal::Late),
        HeadFault::TooLarge => (CommonProblem::HeadTooLarge, Refusal::TooLarge),
    }
}
