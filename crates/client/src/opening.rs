//! Opening a session: with the work that a server may ask for, and in its turn.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use schemas::{
    SessionId,
    reconnect::{FIRST_REFUSED_WINDOW, LONGEST_PROMISED, LONGEST_WINDOW},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::{
    admission::{Challenge, Proof},
    clock::unix_now,
    helper::Helper,
    rest::{self, RestError, Session, Token},
    secret::Secret,
    server::{Server, ServerUrl},
};

/// How often a puzzle is solved for one session: once, and again if it took too long.
const WORKS: u32 = 3;

/// What opening a session takes its time for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Opening {
    /// The server asks for some work, as it asks everybody for each session. So much of it has been
    /// tried, from 0 to 1; on average it is done at one half.
    Working(f32),
    /// Too many come from this network at the moment. There will be room for this one after this
    /// time; then it is tried again.
    Waiting(Duration),
}

#[derive(Deserialize)]
struct Opened {
    session: SessionId,
    token: Secret,
    expires_in: u64,
}

impl Session {
    /// Opens a session (`POST /v1/sessions`), with a proof of work if the server asks for one.
    ///
    /// # Errors
    /// If no address answers, or the one that does refuses: [`RestError::Problem`] with status 429
    /// when too many sessions were opened from this network address.
    pub async fn open(server: &Server) -> Result<Self, RestError> {
        open(server, None, Patience::None, |_| ()).await
    }

    /// As [`Session::open`], with a helper's pass. A chat over it with the role `offer` begins with
    /// the proof that this is a helper.
    ///
    /// # Errors
    /// As [`Session::open`]: [`RestError::Problem`] with status 403 if the server does not take the
    /// pass.
    pub async fn open_as(server: &Server, helper: Helper) -> Result<Self, RestError> {
        open(server, Some(helper), Patience::None, |_| ()).await
    }

    /// As [`Session::open`], and waits for its turn while the server is busy: as long as it says,
    /// and a little longer each time, so that a crowd does not come back together. The owner is
    /// told what is waited for, and may drop the future.
    ///
    /// # Errors
    /// As [`Session::open`], but for what waiting helps against.
    pub async fn open_patiently(server: &Server, notice: impl FnMut(Opening)) -> Result<Self, RestError> {
        open(server, None, Patience::Endless, notice).await
    }

    /// As [`Session::open_patiently`], with a helper's pass if there is one: see
    /// [`Session::open_as`].
    ///
    /// # Errors
    /// As [`Session::open_patiently`] and [`Session::open_as`].
    pub async fn open_patiently_as(
        server: &Server,
        helper: Option<Helper>,
        notice: impl FnMut(Opening),
    ) -> Result<Self, RestError> {
        open(server, helper, Patience::Endless, notice).await
    }
}

/// Whether to wait for a busy server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    None,
    Endless,
}

async fn open(
    server: &Server,
    helper: Option<Helper>,
    patience: Patience,
    mut notice: impl FnMut(Opening),
) -> Result<Session, RestError> {
    let (mut proof, mut works, mut attempts) = (None, 0, 0);
    loop {
        let problem = match create(server, proof.as_ref(), helper.as_ref()).await {
            Err(RestError::Problem(problem)) => problem,
            outcome => return outcome,
        };
        if works < WORKS && asks_for_work(&problem) {
            works += 1;
            let done = work(server, |tried| notice(Opening::Working(tried))).await;
            proof = Some(done.unwrap_or(Err(RestError::Problem(problem)))?);
            continue;
        }
        match pause(&problem, attempts, rand::random()) {
            Some(pause) if patience == Patience::Endless => {
                attempts += 1;
                notice(Opening::Waiting(pause));
                sleep(pause).await;
            }
            _ => return Err(RestError::Problem(problem)),
        }
    }
}

/// How long to wait after a refusal; `None` if waiting does not help. `share` is from 0 to 1.
fn pause(problem: &rest::Problem, attempts: u32, share: f64) -> Option<Duration> {
    let asked = problem.retry_after.filter(|_| matches!(problem.status, 429 | 503))?;
    let window = FIRST_REFUSED_WINDOW.saturating_mul(1 << attempts.min(8)).min(LONGEST_WINDOW);
    Some(asked.min(LONGEST_PROMISED) + window.mul_f64(share))
}

fn asks_for_work(problem: &rest::Problem) -> bool {
    let code = problem.code.as_deref().unwrap_or_default();
    matches!(code, "admission" | "bad-proof" | "proof-expired" | "proof-spent")
}

async fn create(
    server: &Server,
    proof: Option<&Proof>,
    helper: Option<&Helper>,
) -> Result<Session, RestError> {
    let body = |url: &ServerUrl| body(url, proof, helper);
    let opened = rest::call_with(server, Method::POST, "/v1/sessions", None, body).await?;
    let opened: Opened = serde_json::from_slice(&opened).map_err(|_| RestError::Unexpected)?;
    let token = Token::lasting(opened.token, Duration::from_secs(opened.expires_in));
    Ok(Session::new(server.clone(), token, opened.session, helper.cloned()))
}

/// What is sent to an address, if there is something to say. The proof of a pass is for that
/// address, and for now.
fn body(url: &ServerUrl, proof: Option<&Proof>, helper: Option<&Helper>) -> Option<Bytes> {
    let mut fields = Map::new();
    if let Some(proof) = proof {
        fields.insert("proof".into(), json!(proof));
    }
    if let Some(helper) = helper {
        let host = url.authority().to_ascii_lowercase();
        fields.insert("pass".into(), json!(helper.pass));
        fields.insert("pass_proof".into(), json!(*helper.proof(&host, unix_now())));
    }
    (!fields.is_empty()).then(|| Value::from(fields).to_string().into())
}

/// Gets a puzzle and solves it; `None` if the server has none, or none that is for a client like
/// this.
async fn work(server: &Server, notice: impl FnMut(f32)) -> Option<Result<Proof, RestError>> {
    let challenge = rest::call(server, Method::GET, "/v1/challenge", None, None).await;
    let challenge = match challenge {
        Ok(body) => serde_json::from_slice::<Challenge>(&body).ok()?,
        Err(fault) => return Some(Err(fault)),
    };
    challenge.solve(notice).await.ok().map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_what_was_asked_and_a_share_that_grows() {
        let busy = |status, seconds| rest::Problem {
            status,
            retry_after: Some(Duration::from_secs(seconds)),
            ..rest::Problem::default()
        };
        let longest: Vec<_> = (0..6).map(|n| pause(&busy(429, 100), n, 1.0).unwrap().as_secs()).collect();
        assert_eq!(longest, [101, 102, 104, 108, 110, 110]);
        assert_eq!(
            pause(&busy(429, 100), 3, 0.0),
            Some(Duration::from_secs(100)),
            "never earlier than promised"
        );
        assert_eq!(pause(&busy(503, 1_000_000), 0, 0.0), Some(LONGEST_PROMISED));
        assert_eq!(pause(&busy(403, 1), 0, 0.0), None, "waiting does not help");
        assert_eq!(pause(&rest::Problem { status: 429, ..rest::Problem::default() }, 0, 0.0), None);
    }
}
