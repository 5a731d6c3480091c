//! Who watches a cluster: hears the heartbeats, and asks all nodes for their metrics by the NATS
//! micro protocol. It is no node: it publishes nothing but the question.

use std::{sync::Arc, time::Duration};

use async_nats::{Client, Event, Message as Received, Subscriber};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use schemas::{
    NodeId, Service, event,
    message::Message,
    subject::{self, Interest, Subject},
};
use serde::Deserialize;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{credentials::Credentials, micro::StatsData, options::FLUSH_TIMEOUT};
use crate::{
    nats::{ConnectError, NatsOptions},
    status::{Status, SubscribeError},
};

/// What a watcher hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// The connection to the NATS servers is there, or is gone.
    Bus(Status),
    /// All nodes are asked for their metrics now.
    Asked,
    /// A node is running.
    Heartbeat {
        /// Its role.
        service: Service,
        /// Its id.
        from: NodeId,
        /// What it says of itself.
        heartbeat: event::Heartbeat,
    },
    /// A node has answered.
    Metrics {
        /// Its role.
        service: Service,
        /// Its id.
        from: NodeId,
        /// Samples in the OpenMetrics text format; `None` from a version that does not tell them.
        samples: Option<String>,
    },
}

/// A connection of somebody who watches. It is made in the background, and made again whenever it
/// is lost.
pub struct Watcher {
    client: Client,
    credentials: Option<Arc<Credentials>>,
    status: watch::Receiver<Status>,
    heard: stream::SelectAll<Subscriber>,
    answers: Subscriber,
    inbox: async_nats::Subject,
    rounds: Interval,
    told: Option<Status>,
}

impl Watcher {
    /// Connects as `name`, and asks once each `every`.
    ///
    /// # Errors
    /// If the options cannot work.
    pub async fn open(options: NatsOptions, name: &NodeId, every: Duration) -> Result<Self, WatchError> {
        let servers = options.servers()?;
        let credentials = Credentials::open(&options, name)?;
        let (changed, status) = watch::channel(Status::Down);
        let changed = Arc::new(changed);
        let client = options
            .client(name, &subject::inbox_prefix(name), credentials.as_ref())?
            .event_callback(move |event| {
                observe(&changed, &event);
                std::future::ready(())
            });
        let client = client.connect(servers).await.map_err(ConnectError::Client)?;
        let inbox: async_nats::Subject = client.new_inbox().into();
        let subscribing = async {
            let mut heard = stream::SelectAll::new();
            for service in Service::ALL {
                heard.push(client.subscribe(Interest::Heartbeats(service).text()).await.ok()?);
            }
            Some((heard, client.subscribe(inbox.clone()).await.ok()?))
        };
        let subscribed = timeout(FLUSH_TIMEOUT, subscribing).await.map_err(|_| SubscribeError::Busy)?;
        let (heard, answers) = subscribed.ok_or(SubscribeError::Drained)?;
        let mut rounds = interval(every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { client, credentials, status, heard, answers, inbox, rounds, told: None })
    }

    /// Waits for what is heard next. What cannot be read is passed over. Nothing is lost if this is
    /// dropped while it waits.
    pub async fn next(&mut self) -> Observed {
        loop {
            let now = *self.status.borrow_and_update();
            if self.told.replace(now) != Some(now) {
                self.renew(now);
                return Observed::Bus(now);
            }
            tokio::select! {
                changed = self.status.changed() => if changed.is_err() {
                    // The client is over, and nothing more will be heard.
                    std::future::pending::<()>().await;
                },
                _ = self.rounds.tick() => if self.ask() {
                    return Observed::Asked;
                },
                message = next(&mut self.heard) => if let Some(heard) = heartbeat(&message) {
                    return heard;
                },
                message = next(&mut self.answers) => if let Some(answer) = metrics(&message) {
                    return answer;
                },
            }
        }
    }

    /// Before the next connection the files are read again, which may have been renewed.
    fn renew(&self, now: Status) {
        if now == Status::Down
            && let Some(credentials) = &self.credentials
        {
            credentials.renew_or_keep();
        }
    }

    /// Asks if that can be done without waiting: while there is no connection there is nobody to
    /// ask.
    fn ask(&self) -> bool {
        let question = subject::asked_of_all(subject::Verb::Stats);
        let is_up = *self.status.borrow() == Status::Up;
        let asking = || self.client.publish_with_reply(question, self.inbox.clone(), "".into());
        is_up && matches!(asking().now_or_never(), Some(Ok(())))
    }
}

/// Why nobody can watch.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The options cannot work.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The client does not take subscriptions.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}

fn observe(status: &watch::Sender<Status>, event: &Event) {
    let now = match event {
        Event::Connected => Status::Up,
        Event::Disconnected | Event::ClientError(_) | Event::Closed => Status::Down,
        Event::ServerError(_) | Event::SlowConsumer(_) | Event::LameDuckMode | Event::Draining => return,
    };
    status.send_if_modified(|status| std::mem::replace(status, now) != now);
}

/// A subscription ends with the client only.
async fn next(messages: &mut (impl Stream<Item = Received> + Unpin)) -> Received {
    match messages.next().await {
        Some(message) => message,
        None => std::future::pending().await,
    }
}

fn heartbeat(received: &Received) -> Option<Observed> {
    match Message::decode(Subject::parse(&received.subject)?, &received.payload).ok()? {
        Message::Heartbeat { service, from, heartbeat } => {
            Some(Observed::Heartbeat { service, from, heartbeat })
        }
        _ => None,
    }
}

/// The part of an answer that is used.
#[derive(Deserialize)]
struct Stats {
    metadata: Metadata,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Metadata {
    node: NodeId,
    role: String,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(default)]
    data: Option<StatsData>,
}

fn metrics(received: &Received) -> Option<Observed> {
    let Stats { metadata, endpoints } = serde_json::from_slice(&received.payload).ok()?;
    let service = Service::from_word(&metadata.role)?;
    let samples = endpoints.into_iter().find_map(|endpoint| endpoint.data).map(|data| data.metrics);
    Some(Observed::Metrics { service, from: metadata.node, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(subject: &str, payload: &str) -> Received {
        Received {
            subject: subject.into(),
            reply: None,
            payload: payload.to_owned().into(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn an_answer_of_an_older_version_has_no_metrics_and_nonsense_is_passed_over() {
        let of = |data: &str| {
            let text = format!(
                r#"{{"metadata": {{"node": "g1", "role": "gateway"}}, "endpoints": [{{"name": "ready"{data}}}]}}"#
            );
            metrics(&received("_INBOX_ops.x", &text))
        };
        let expected = |samples: Option<&str>| {
            let (service, from, samples) =
                (Service::Gateway, "g1".parse().unwrap(), samples.map(str::to_owned));
            Some(Observed::Metrics { service, from, samples })
        };
        assert_eq!(of(""), expected(None));
        assert_eq!(of(r#", "data": {"metrics": "a 1\n"}"#), expected(Some("a 1\n")));
        for nonsense in ["", "{}", r#"{"metadata": {"node": "g 1", "role": "gateway"}, "endpoints": []}"#] {
            assert_eq!(metrics(&received("_INBOX_ops.x", nonsense)), None, "{nonsense}");
        }
        assert_eq!(heartbeat(&received("cc.v1.node.gateway.g1", "x")), None);
        assert_eq!(heartbeat(&received("cc.v1.want.g1", "x")), None);
    }
}
