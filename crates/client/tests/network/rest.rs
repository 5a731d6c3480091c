//! Calls over REST.

use std::time::Duration;

use client::{
    RestError, Session,
    rest::{MatchingKind, Status},
};
use schemas::session::SessionState;

use crate::support::{Script, answer, opened, server};

#[tokio::test]
async fn a_session_is_opened_renewed_asked_left_and_deleted() {
    let script = Script::new().await;
    let mut session = script.session(&script.server()).await;
    let remaining = session.expires_in();
    assert!(remaining <= Duration::from_secs(600) && remaining > Duration::from_secs(500), "{remaining:?}");

    let fresh = answer("200 OK", r#"{"token":"t1","expires_at":7,"expires_in":30}"#);
    let (renewed, head) = tokio::join!(session.renew(), script.call(&fresh));
    renewed.unwrap();
    assert!(head.starts_with("post /v1/sessions/me/token http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: bearer t0\r\n"), "{head}");
    assert!(session.expires_in() <= Duration::from_secs(30), "of the fresh token");

    let id = session.id().text();
    let me = format!(
        r#"{{"session":"{id}","state":"waiting","connected":true,"expires_at":7,"expires_in":25,"later":[]}}"#
    );
    let me = answer("200 OK", &me);
    let (me, head) = tokio::join!(session.me(), script.call(&me));
    assert!(head.contains("\r\nauthorization: bearer t1\r\n"), "{head}");
    let me = me.unwrap();
    assert_eq!((me.state, me.connected, me.session), (SessionState::Waiting, true, session.id()));
    assert_eq!(me.expires_in, 25);

    let status = r#"{"waiting":10,"chatting":200,"topics":["music"],"matching":["random","telepathy"]}"#;
    let (status, _) = tokio::join!(session.status(), script.call(answer("200 OK", status)));
    let Status { waiting, chatting, topics, matching, .. } = status.unwrap();
    assert_eq!((waiting, chatting, topics), (10, 200, Some(vec!["music".to_owned()])));
    assert_eq!(matching, [MatchingKind::Random, MatchingKind::Unknown]);

    let nothing = answer("204 No Content", "");
    let (left, head) = tokio::join!(session.leave(), script.call(&nothing));
    left.unwrap();
    assert!(head.starts_with("delete /v1/rooms/current "), "{head}");
    let (deleted, head) = tokio::join!(session.delete(), script.call(&nothing));
    deleted.unwrap();
    assert!(head.starts_with("delete /v1/sessions/me "), "{head}");
    assert!(head.contains(&format!("\r\nhost: {}\r\n", script.address)), "{head}");
}

#[tokio::test]
async fn a_refusal_comes_with_what_the_server_says_about_it() {
    let script = Script::new().await;
    let problem = r#"{"type":"about:blank","title":"Too many sessions","detail":"30 a minute"}"#;
    let length = problem.len();
    let refusal = format!(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Type: application/problem+json\r\nContent-Length: {length}\r\n\r\n{problem}"
    );
    let server = script.server();
    let (opened, _) = tokio::join!(Session::open(&server), script.call(&refusal));
    let Err(RestError::Problem(problem)) = opened else { panic!("{opened:?}") };
    assert_eq!((problem.status, problem.retry_after), (429, Some(Duration::from_secs(17))));
    assert_eq!(problem.to_string(), "Too many sessions (429): 30 a minute; try again in 17 s");

    let (opened, _) = tokio::join!(Session::open(&server), script.call(answer("502 Bad Gateway", "<html>")));
    let Err(RestError::Problem(problem)) = opened else { panic!("{opened:?}") };
    assert_eq!(problem.to_string(), "Bad Gateway (502)");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_an_error() {
    let script = Script::new().await;
    let server = script.server();
    let endless = "x".repeat(65 * 1024);
    for body in ["", "<html>", "{}", r#"{"session":"x","token":"t","expires_at":1,"expires_in":1}"#, &endless]
    {
        let (opened, _) = tokio::join!(Session::open(&server), script.call(answer("200 OK", body)));
        assert!(matches!(opened, Err(RestError::Unexpected)), "{opened:?}");
    }
    let (opened, _) = tokio::join!(Session::open(&server), script.call("HTTP/1.1 200"));
    assert!(matches!(opened, Err(RestError::Broken(_))), "{opened:?}");
}

#[tokio::test]
async fn another_address_is_tried_when_the_first_is_dead() {
    let (dead, alive) = (Script::new().await, Script::new().await);
    let both = server([&dead, &alive]);
    drop(dead);
    let created = answer("201 Created", &opened("t0"));
    let (session, _) = tokio::join!(Session::open(&both), alive.call(&created));
    assert!(session.is_ok(), "{session:?}");
    drop(alive);
    let nobody = Session::open(&both).await;
    assert!(matches!(nobody, Err(RestError::Unreachable { .. })), "{nobody:?}");
}

#[tokio::test]
async fn another_address_is_tried_when_the_first_breaks_in_the_middle_of_a_call() {
    for broken in ["", "HTTP/1.1 201", "HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n{"] {
        let (breaking, alive) = (Script::new().await, Script::new().await);
        let both = server([&breaking, &alive]).in_given_order();
        let created = answer("201 Created", &opened("t0"));
        let (session, _, _) = tokio::join!(Session::open(&both), breaking.call(broken), alive.call(&created));
        assert!(session.is_ok(), "{broken:?}: {session:?}");
        let only = breaking.server();
        let (session, _) = tokio::join!(Session::open(&only), breaking.call(broken));
        assert!(matches!(session, Err(RestError::Broken(_))), "{broken:?}: {session:?}");
    }
}

#[tokio::test]
async fn a_token_is_never_shown_by_debug() {
    let script = Script::new().await;
    let session = script.session(&script.server()).await;
    assert!(!format!("{session:?}").contains("t0"), "{session:?}");
}

/// A refusal as the server words it.
fn problem(status: &str, code: &str) -> String {
    answer(status, &format!(r#"{{"type":"about:blank","status":428,"code":"{code}","detail":"d"}}"#))
}

/// A puzzle whose solution is the first that is tried.
fn puzzle() -> String {
    let zeros = "0".repeat(32);
    let parameters = format!(
        r#"{{"algorithm":"PBKDF2/SHA-256","cost":1,"keyLength":32,"keyPrefix":"","nonce":"{zeros}","salt":"{zeros}"}}"#
    );
    format!(
        r#"{{"challenge":{{"parameters":{parameters},"signature":"signed"}},"counters":2,"expires_at":1,"expires_in":300}}"#
    )
}

#[tokio::test]
async fn work_that_is_asked_for_is_done() {
    let script = Script::new().await;
    let server = script.server();
    let serve = async {
        let first = script.call(problem("428 Precondition Required", "admission")).await;
        assert!(first.starts_with("post /v1/sessions ") && !first.contains("content-type"), "{first}");
        let asked = script.call(answer("200 OK", &puzzle())).await;
        assert!(asked.starts_with("get /v1/challenge "), "{asked}");
        let second = script.call(problem("403 Forbidden", "proof-expired")).await;
        assert!(second.contains("\r\ncontent-type: application/json\r\n"), "{second}");
        script.call(answer("200 OK", &puzzle())).await;
        script.call(answer("201 Created", &opened("t0"))).await
    };
    let (session, _) = tokio::join!(Session::open(&server), serve);
    session.unwrap();
}

#[tokio::test]
async fn a_server_that_is_never_content_is_not_worked_for_for_ever() {
    let script = Script::new().await;
    let server = script.server();
    let serve = async {
        for _ in 0..3 {
            script.call(problem("403 Forbidden", "bad-proof")).await;
            script.call(answer("200 OK", &puzzle())).await;
        }
        script.call(problem("403 Forbidden", "bad-proof")).await
    };
    let (session, _) = tokio::join!(Session::open(&server), serve);
    let Err(RestError::Problem(problem)) = session else { panic!("{session:?}") };
    assert_eq!((problem.status, problem.code.as_deref()), (403, Some("bad-proof")));
}

#[tokio::test]
async fn who_is_patient_waits_for_the_promised_time() {
    let script = Script::new().await;
    let server = script.server();
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let serve = async {
        script.call(busy).await;
        script.call(answer("201 Created", &opened("t0"))).await
    };
    let mut told = Vec::new();
    let (session, _) = tokio::join!(Session::open_patiently(&server, |waits| told.push(waits)), serve);
    session.unwrap();
    let [client::Opening::Waiting(pause)] = told[..] else { panic!("{told:?}") };
    assert!((1000..=2000).contains(&pause.as_millis()), "{pause:?}");
}
