//! Control messages as text: the other half of what `schemas::control` reads and writes for the
//! server.

use schemas::control::{Category, ClientMessage, ServerMessage};
use schemas::criteria::{Criteria, MatchBy, Role};
use serde::Serialize;

/// A client's message as the JSON text on the wire.
pub(crate) fn json(message: &ClientMessage) -> String {
    let kind = message.kind().word();
    let fields = match message {
        ClientMessage::Find(find) | ClientMessage::Next(find) => fields(kind, find),
        ClientMessage::Cancel | ClientMessage::Leave | ClientMessage::Ping => bare(kind),
        ClientMessage::Resume(ticket) => Fields { ticket: Some(ticket), ..bare(kind) },
        ClientMessage::Report(category) => Fields { category: Some(*category), ..bare(kind) },
    };
    // Cannot fail: strings and unit variants only.
    serde_json::to_string(&fields).unwrap_or_default()
}

/// A server's message, or `None` for one that a newer server may send and this client does not
/// know.
pub(crate) fn parse(text: &str) -> Option<ServerMessage> {
    serde_json::from_str(text).ok()
}

#[derive(Serialize)]
struct Fields<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Category>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u8>,
}

fn bare<'a>(kind: &'static str) -> Fields<'a> {
    Fields {
        r#type: kind,
        topic: None,
        invite: None,
        role: None,
        lang: None,
        ticket: None,
        category: None,
        channel: None,
    }
}

fn fields<'a>(kind: &'static str, find: &'a Criteria) -> Fields<'a> {
    let (topic, invite) = match &find.by {
        MatchBy::Random(topic) => (topic.as_ref().map(|topic| topic.folded()), None),
        MatchBy::Invite(code) => (None, Some(code.text())),
    };
    let lang = find.language.clone().map(String::from);
    Fields { topic, invite, role: find.role, lang, channel: Some(find.channel.get()), ..bare(kind) }
}

#[cfg(test)]
mod tests {
    use schemas::outlook::Outlook;

    use super::*;

    #[test]
    fn every_message_is_parsed_as_it_was_sent() {
        let topic = Criteria {
            by: MatchBy::Random(Some(" Straße ".parse().unwrap())),
            role: Some(Role::Seek),
            language: Some("pt-BR".parse().unwrap()),
            channel: schemas::criteria::ChannelVersion::FIRST,
        };
        let nobody = Criteria {
            by: MatchBy::Random(None),
            role: None,
            language: None,
            channel: schemas::criteria::ChannelVersion::CURRENT,
        };
        let code = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let invite = Criteria {
            by: MatchBy::Invite(code),
            role: Some(Role::Offer),
            language: None,
            channel: schemas::criteria::ChannelVersion::CURRENT,
        };
        for message in [
            ClientMessage::Find(topic.clone()),
            ClientMessage::Find(nobody.clone()),
            ClientMessage::Find(invite),
            ClientMessage::Next(topic),
            ClientMessage::Next(nobody),
            ClientMessage::Cancel,
            ClientMessage::Resume("a.b.c".into()),
            ClientMessage::Leave,
            ClientMessage::Report(Category::Minor),
            ClientMessage::Ping,
        ] {
            let text = json(&message);
            assert_eq!(ClientMessage::parse(&text), Ok(message), "{text}");
        }
    }

    #[test]
    fn a_message_of_a_newer_server_is_ignored() {
        assert_eq!(parse(r#"{"type":"weather"}"#), None);
        assert_eq!(parse("x"), None);
        assert_eq!(
            parse(r#"{"type":"waiting","later":1}"#),
            Some(ServerMessage::Waiting(Outlook::default()))
        );
    }
}
