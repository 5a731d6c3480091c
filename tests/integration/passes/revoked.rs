//! Passes that the operator takes back.

use super::*;
use crate::support::eventually;

/// What a client is told whose session is over for good.
const SESSION_OVER: Option<u16> = Some(4103);

/// Refused at this gateway: a new session with the pass, and a token that it gave before.
async fn is_refused(at: &Process, helper: &Helper, token: &str) {
    let refused = open(at, &helper.pass, &helper.proof()).await;
    assert_eq!(refused.problem(), (403, "pass-refused".into()));
    eventually("the token opens nothing", async || {
        http::with_token(at.address(), "GET", "/v1/sessions/me", token).await.status == 401
    })
    .await;
}

async fn list(at: &Process) -> http::Answer {
    http::get(at.address(), "/v1/passes/revoked").await
}

#[tokio::test]
async fn a_file_takes_a_pass_back_and_ends_its_sessions_at_once() {
    let line = HelpLine::start().await;
    let [one, two] = &line.gateways;
    let (gone, stays) = (line.files.helper(&[]), line.files.helper(&[]));
    let (mut first, mut second) = (gone.arrive(one).await, gone.arrive(two).await);
    let idle = Person::with(open(one, &gone.pass, &gone.proof()).await);
    let mut other = stays.arrive(one).await;
    other.find(json!({"topic": "grief", "role": "offer"})).await;
    let mut seeker = Person::arrive(one).await;
    seeker.find(json!({"topic": "debt", "role": "seek"})).await;
    first.find(json!({"topic": "debt", "role": "offer"})).await;
    seeker.hear("paired").await;
    first.hear("paired").await;
    let signed = line.files.revoke(&[&gone.pass]);
    for gateway in &line.gateways {
        gateway.signal("HUP");
    }
    seeker.ended("left").await;
    assert_eq!(first.closed().await, SESSION_OVER);
    assert_eq!(second.closed().await, SESSION_OVER);
    for gateway in &line.gateways {
        gateway.has_logged("a newer list of revoked passes counts").await;
        is_refused(gateway, &gone, &first.token).await;
        is_refused(gateway, &gone, &idle.token).await;
        let told = list(gateway).await;
        assert_eq!((told.status, told.text()), (200, signed.clone()));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert!(told.header("content-type").unwrap().starts_with("text/plain"));
    }
    // Everybody else goes on.
    other.find(json!({"topic": "grief", "role": "offer"})).await;
    // What is not the operator's changes nothing, and neither does the end of the file.
    fs::write(line.files.path("revoked"), "nothing").unwrap();
    one.signal("HUP");
    one.has_logged("is unfit").await;
    assert_eq!(list(one).await.text(), signed);
    is_refused(one, &gone, &idle.token).await;
}

#[tokio::test]
async fn an_order_takes_a_pass_back_at_every_gateway_and_at_one_that_starts_later() {
    let mut line = HelpLine::start().await;
    let gone = line.files.helper(&[]);
    let mut at_both = [gone.arrive(&line.gateways[0]).await, gone.arrive(&line.gateways[1]).await];
    let idle = Person::with(open(&line.gateways[1], &gone.pass, &gone.proof()).await);
    // The list goes to no gateway as a file.
    let file = line.files.path("ordered");
    let key = line.files.path("passes.key");
    line.files.pass(&["revoke", "--key", &key, "--list", &file, &gone.pass]);
    let (orders, nats) = (line.files.path("orders.key"), line.cluster.nats.url());
    let given = cipher_chat(&["order", "revoke-passes", &file, "--key", &orders, "--nats", &nats]);
    assert!(given.status.success(), "{given:?}");
    for person in &mut at_both {
        assert_eq!(person.closed().await, SESSION_OVER);
    }
    for gateway in &line.gateways {
        is_refused(gateway, &gone, &idle.token).await;
        assert_eq!(list(gateway).await.text(), fs::read_to_string(&file).unwrap().trim());
    }
    let late = HelpLine::gateway(&line.files, line.cluster.launch("gateway")).ready().await;
    eventually("it has heard of the order", async || {
        list(&late).await.text() == fs::read_to_string(&file).unwrap().trim()
    })
    .await;
    is_refused(&late, &gone, &idle.token).await;
}
