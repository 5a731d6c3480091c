//! What is going on, coarsely, and what the operator offers.

use std::sync::Arc;

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{
    control::{ServiceState, Strangers},
    outlook::Partners,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Matching,
    helpers::Helpers,
    node::{Node, who_is_there::AtTopic},
};

/// What a person may want to know before waiting for somebody.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// At least this many people were waiting in the last minute or two: 0, 10, 20, 50, 100, 200,
    /// 500, …
    #[schema(example = 10)]
    waiting: u32,
    /// At least this many people were chatting, in the same steps.
    #[schema(example = 200)]
    chatting: u32,
    /// The topics to choose from; absent if any topic is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    topics: Option<Vec<String>>,
    /// The ways to meet that are offered.
    #[schema(value_type = Vec<Way>)]
    matching: Vec<Way>,
    /// Present while strangers are not matched: whoever waits keeps the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    paused: Option<bool>,
    /// Present while there are no new sessions: why, as plain text, which may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "We are back at 8.")]
    closed: Option<String>,
    /// What the operator wants to be shown, as plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "At 22:00 we are away for a moment.")]
    notice: Option<String>,
    /// Who may offer help to strangers: anyone, or only who has a pass of the operator's.
    helpers: WhoHelps,
    /// The public keys by which passes are judged here (Ed25519, base64url); absent without any. A
    /// client that has the key from elsewhere must not take this one for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"]))]
    pass_keys: Option<Vec<String>>,
    /// Who runs this server; absent if the operator does not say.
    #[serde(skip_serializing_if = "Operator::is_silent")]
    #[schema(required = false)]
    operator: Operator,
    /// A plain text of the operator for the start screen, of 2000 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    welcome: Option<String>,
    /// What a person has to agree to before a stranger is looked for, of 400 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "I am 16 or older.")]
    consent: Option<String>,
    /// Where a page goes whose person leaves quickly; absent for `about:blank`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://www.example.org/weather")]
    exit_url: Option<String>,
    /// Who is there for each topic, and for none; absent unless the operator wants it told. Empty
    /// while nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<Vec<TopicPresence>>,
}

/// Who is there for one topic: they wait, or were matched in the last quarter of an hour. What is
/// absent is not known.
#[derive(Serialize, ToSchema)]
struct TopicPresence {
    /// The topic; absent for those who name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "grief")]
    topic: Option<String>,
    /// Those who offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    helpers: Option<HowMany>,
    /// Those who seek.
    #[serde(skip_serializing_if = "Option::is_none")]
    seekers: Option<HowMany>,
    /// Those who do neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<HowMany>,
    /// Those who seek and wait now, without those who were matched lately: whom a helper could take.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<HowMany>,
}

/// How many people there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HowMany {
    /// Nobody.
    None,
    /// Fewer than five.
    Few,
    /// Five or more.
    Many,
}

impl From<Partners> for HowMany {
    fn from(partners: Partners) -> Self {
        match partners {
            Partners::None => Self::None,
            Partners::Few => Self::Few,
            Partners::Many => Self::Many,
        }
    }
}

impl From<AtTopic> for TopicPresence {
    fn from(AtTopic { topic, helpers, seekers, others, waiting }: AtTopic) -> Self {
        let [helpers, seekers, others, waiting] =
            [helpers, seekers, others, waiting].map(|count| count.map(HowMany::from));
        Self { topic, helpers, seekers, others, waiting }
    }
}

/// Who runs a server.
#[derive(Serialize, ToSchema)]
struct Operator {
    /// A name, of 80 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Anna's Help Line")]
    name: Option<String>,
    /// How to reach the operator, of 200 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "help@example.org")]
    contact: Option<String>,
}

impl Operator {
    fn is_silent(&self) -> bool {
        self.name.is_none() && self.contact.is_none()
    }
}

/// Who may offer help to strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum WhoHelps {
    /// Anybody.
    Anyone,
    /// Only sessions whose pass allows it.
    Pass,
}

impl From<Helpers> for WhoHelps {
    fn from(helpers: Helpers) -> Self {
        match helpers {
            Helpers::Anyone => Self::Anyone,
            Helpers::Pass => Self::Pass,
        }
    }
}

/// A way to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// Somebody who waits, by topic or by chance.
    Random,
    /// Whoever brings the same invite code.
    Invite,
}

/// Tells roughly how many people wait and chat, and what the operator offers.
///
/// For a start screen, before there is a session: it needs no token.
#[utoipa::path(get, path = "/v1/status", tag = "status", security(()),
    responses((status = 200, description = "The counts, and what the operator offers", body = Status)))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<Status> {
    let crowd = node.crowd();
    let config = node.config();
    let topics = config.topics.as_ref();
    let ServiceState { strangers, closed, notice } = config.orders.now().service.clone();
    let offered = Matching { random: node.offers_strangers(), ..config.matching };
    let about = &config.about;
    let keys = config.passes.as_ref().map(|passes| passes.keys.all());
    Json(Status {
        waiting: coarse(crowd.waiting),
        chatting: coarse(crowd.chatting),
        topics: topics.map(|topics| topics.iter().map(|topic| topic.shown.clone()).collect()),
        matching: ways(offered),
        paused: (strangers == Strangers::Paused).then_some(true),
        closed,
        notice,
        helpers: config.helpers.into(),
        pass_keys: keys.map(|keys| keys.map(|key| URL_SAFE_NO_PAD.encode(key)).collect()),
        operator: Operator {
            name: about.name.as_ref().map(|name| name.as_str().to_owned()),
            contact: about.contact.as_ref().map(|contact| contact.as_str().to_owned()),
        },
        welcome: about.welcome.as_ref().map(|text| text.as_str().to_owned()),
        consent: about.consent.as_ref().map(|text| text.as_str().to_owned()),
        exit_url: about.exit_url.as_ref().map(|url| url.as_str().to_owned()),
        presence: node.who_is_there().map(|all| all.into_iter().map(TopicPresence::from).collect()),
    })
}

fn ways(matching: Matching) -> Vec<Way> {
    let all = [(matching.random, Way::Random), (matching.invite, Way::Invite)];
    all.into_iter().filter_map(|(offered, way)| offered.then_some(way)).collect()
}

/// The lower bound of the step that a count is in, so that nobody can watch a single person come
/// and go: 0 for less than ten, then 1, 2 and 5 times each power of ten. It is counted once a
/// minute.
fn coarse(count: u32) -> u32 {
    if count < 10 {
        return 0;
    }
    let power = 10_u32.pow(count.ilog10());
    match count / power {
        1 => power,
        2..5 => 2 * power,
        _ => 5 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_steps() {
        for (count, told) in [
            (0, 0),
            (1, 0),
            (9, 0),
            (10, 10),
            (19, 10),
            (20, 20),
            (49, 20),
            (50, 50),
            (99, 50),
            (100, 100),
            (499, 200),
            (1_000_000, 1_000_000),
            (u32::MAX, 2_000_000_000),
        ] {
            assert_eq!(coarse(count), told, "{count}");
        }
    }

    #[test]
    fn the_ways_to_meet_are_named() {
        assert_eq!(ways(Matching { random: true, invite: true }), [Way::Random, Way::Invite]);
        assert_eq!(ways(Matching { random: false, invite: true }), [Way::Invite]);
    }
}
