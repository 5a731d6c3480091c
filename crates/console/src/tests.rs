use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use axum::body::{Body, to_bytes};
use bus::{Clock, Local};
use http::{Request, StatusCode};
use overview::watch::{Own, Source};
use schemas::Service;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{Lasting, OpenSource, Watching, data, files, page};

#[test]
fn every_file_of_the_page_is_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
    let mut found = BTreeSet::new();
    for (under, prefix) in [(folder.clone(), ""), (folder.join("vendor"), "vendor/")] {
        let entries = fs::read_dir(under).unwrap().map(|entry| entry.unwrap());
        let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
        found.extend(entries.map(|entry| format!("{prefix}{}", entry.file_name().into_string().unwrap())));
    }
    let served: BTreeSet<_> = files::FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(served, found);
    for path in &served {
        assert_ne!(files::content_type(path), "application/octet-stream", "{path}");
    }
}

#[tokio::test]
async fn the_page_may_do_as_little_as_possible() {
    for path in ["/", "/console/index.html", "/console/console.js", "/console/vendor/uplot.js"] {
        let answer = page().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let none = page().oneshot(Request::get("/console/other").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_process_watches_itself_from_the_first_look_on() {
    let bus = Local::new().join("serve-1".parse().unwrap());
    let open: OpenSource = Arc::new(move || {
        let bus = bus.clone();
        Box::pin(async move {
            let metrics = Arc::new(|| "cipher_chat_node_ready 1\n".to_owned());
            Own::open(&bus, vec![Service::Gateway], metrics).await.ok().map(|own| Source::Own(Box::new(own)))
        })
    });
    let (clock, tasks, stop) = (Clock::start(), TaskTracker::new(), CancellationToken::new());
    let watching = Watching::new(open, Lasting::WhileLookedAt, clock, tasks.clone(), stop.clone()).unwrap();
    assert!(!watching.is_watched(), "nobody has looked");
    let app = data(watching.clone());
    let answer = app.oneshot(Request::get("/overview").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = to_bytes(answer.into_body(), 64 * 1024).await.unwrap();
    assert!(text.starts_with(b"{\"time\":"), "{text:?}");
    assert!(watching.is_watched());
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
