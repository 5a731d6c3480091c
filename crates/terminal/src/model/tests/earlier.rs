//! Replies, reactions, edits, deletions and timers.

use client::channel::{SendError, Target, Whose};

use super::*;
use crate::{log::TextState, saying::Words};

fn heard(n: u64, text: &str, vanishes_after: Option<Duration>) -> Event {
    Event::Message { number: number(n), text: text.into(), reply_to: None, vanishes_after }
}

fn words(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// What the screen has of the own and of the other's texts.
fn texts(harness: &Harness) -> Vec<(String, TextState)> {
    let texts = harness.model.screen.log.entries().filter_map(|entry| match &entry.kind {
        EntryKind::Text(text) => Some((text.text.to_string(), text.state)),
        EntryKind::Note(..) => None,
    });
    texts.collect()
}

#[test]
fn a_reply_waits_and_is_marked_like_a_text() {
    let mut harness = Harness::talking();
    harness.handle_event(heard(1, "one", None));
    harness.handle_event(heard(2, "two", None));
    let [Effect::Send(id)] = harness.line("/reply 2 to one")[..] else { panic!("it is not sent") };
    assert_eq!(harness.model.screen.draft.text(), "");
    let reply = harness.model.screen.log.chat_text(id).unwrap();
    assert_eq!(reply.answers.unwrap().target, Target::peer(number(1)));
    assert_eq!(harness.model.screen.log.quoted(reply).unwrap().text.as_str(), "one");
    assert_eq!(harness.give(Input::Sent(id, Ok(number(1)), None)), []);
    assert_eq!(harness.marks(), [("to one", Mark::Sent(number(1)))]);
}

#[test]
fn what_the_channel_takes_holds_on_the_own_screen_and_what_it_refuses_does_not() {
    let mut harness = Harness::talking();
    harness.send_text("helo", 1);
    harness.send_text("regretted", 2);
    harness.handle_event(heard(1, "theirs", None));
    let edit = Words::Edit { number: number(1), text: words("hello") };
    assert_eq!(harness.line("/edit 2 hello"), [Effect::Say(edit.clone())]);
    assert_eq!(texts(&harness)[0], ("helo".into(), TextState::AsSent));
    assert_eq!(harness.give(Input::Said(edit.clone(), Err(SendError::Full))), []);
    assert!(harness.notice().contains("try again"));
    harness.give(Input::Said(edit, Ok(number(3))));
    assert_eq!(texts(&harness)[0], ("hello".into(), TextState::Edited));
    let deletion = Words::Deletion { number: number(2) };
    assert_eq!(harness.line("/delete"), [Effect::Say(deletion.clone())]);
    harness.give(Input::Said(deletion, Ok(number(4))));
    assert_eq!(texts(&harness)[1], (String::new(), TextState::Deleted));
    assert_eq!(
        harness.line("/delete"),
        [Effect::Say(Words::Deletion { number: number(1) })],
        "the next one back"
    );
    let reaction = Words::Reaction { to: Target::peer(number(1)), reaction: words("👍") };
    assert_eq!(harness.line("/react 👍"), [Effect::Say(reaction.clone())]);
    harness.give(Input::Said(reaction, Ok(number(5))));
    assert_eq!(harness.line("/timer 5m"), [Effect::Say(Words::Timer { seconds: 300 })]);
    let log = &harness.model.screen.log;
    let theirs = log.chat_text(log.find(Target::peer(number(1))).unwrap()).unwrap();
    assert_eq!(theirs.reactions.own.as_str(), "👍");
}

#[test]
fn a_command_that_cannot_be_done_stays_in_the_line() {
    let mut harness = Harness::talking();
    for (line, why) in [
        ("/reply yes", "not written so many texts"),
        ("/edit no", "you have not written"),
        ("/timer soon", "30s, 5m or 1h"),
        ("/reply", "say what"),
    ] {
        assert_eq!(harness.line(line), [], "{line}");
        assert!(harness.notice().contains(why), "{line}: {}", harness.notice());
        assert_eq!(harness.model.screen.draft.text(), line);
        harness.press(Key::Delete(crate::draft::Step::Home));
    }
    // A text that waits comes first: it may be what is meant.
    let [Effect::Send(id)] = harness.line("waits")[..] else { panic!("it is not sent") };
    harness.give(Input::Sent(id, Err(SendError::Full), None));
    assert_eq!(harness.line("/delete"), []);
    assert!(harness.notice().contains("try again"));
    let mut alone = Harness::looking();
    assert_eq!(alone.line("/timer 5m"), []);
    assert_eq!(alone.notice(), "there is no chat");
}

#[test]
fn the_peer_changes_only_its_own_texts_and_nothing_that_is_gone() {
    let mut harness = Harness::talking();
    harness.send_text("mine", 1);
    harness.handle_event(heard(1, "theirs", None));
    harness.handle_event(Event::Edited { number: number(1), text: "theirs\u{202e}, new".into() });
    harness.handle_event(Event::Reaction { to: Target::own(number(1)), reaction: "👋\u{1b}".into() });
    assert_eq!(harness.received(), ["theirs\u{fffd}, new"]);
    let log = &harness.model.screen.log;
    let mine = log.chat_text(log.find(Target::own(number(1))).unwrap()).unwrap();
    assert_eq!((mine.text.as_str(), mine.reactions.peer.as_str()), ("mine", "👋\u{fffd}"));
    harness.handle_event(Event::Deleted { number: number(1) });
    harness.handle_event(Event::Edited { number: number(1), text: "again".into() });
    harness.handle_event(Event::Deleted { number: number(7) });
    assert_eq!(texts(&harness), [("mine".into(), TextState::AsSent), (String::new(), TextState::Deleted)]);
    harness.handle_event(Event::Unknown { number: number(5) });
    assert!(harness.notes().last().unwrap().contains("cannot show"));
}

#[test]
fn texts_vanish_on_time_and_one_after_the_other() {
    let mut harness = Harness::talking();
    let after = Some(Duration::from_secs(30));
    harness.handle_event(heard(1, "stays", None));
    harness.handle_event(Event::Timer { by: Whose::Peer, vanish_after: after });
    assert!(harness.notes().last().unwrap().contains("after 30 seconds"));
    harness.handle_event(heard(2, "vanishes", after));
    harness.pass(10);
    let [Effect::Send(id)] = harness.line("mine")[..] else { panic!("it is not sent") };
    harness.give(Input::Sent(id, Ok(number(1)), after));
    assert_eq!(harness.model.next_tick(), Some(Duration::from_secs(30)));
    harness.pass(20);
    assert_eq!(harness.received(), ["stays"]);
    assert_eq!(harness.marks().len(), 1);
    assert_eq!(harness.model.next_tick(), Some(Duration::from_secs(40)));
    harness.pass(10);
    assert_eq!((harness.marks().len(), harness.model.next_tick()), (0, None));
    harness.handle_event(Event::Timer { by: Whose::Own, vanish_after: None });
    assert!(harness.notes().last().unwrap().contains("do not vanish any more"));
}

#[test]
fn texts_vanish_while_somebody_reads_on_after_the_end() {
    let mut harness = Harness::talking();
    harness.handle_event(heard(1, "vanishes", Some(Duration::from_secs(30))));
    harness.end(End::PeerBye);
    assert_eq!(harness.received(), ["vanishes"]);
    harness.pass(30);
    assert!(harness.received().is_empty());
}
