use super::*;

const TIME: fn() -> ClockTime = || ClockTime::at(9, 5);

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

/// Texts 1 to 3 of the peer, and one own, which has number 1, too.
fn log() -> (Log, [EntryId; 3], EntryId) {
    let mut log = Log::default();
    let theirs = [1, 2, 3].map(|n| log.theirs(number(n), &format!("text {n}"), TIME()));
    let own = log.mine("own", TIME());
    log.mark(own, Mark::Sent(number(1)));
    (log, theirs, own)
}

fn text(log: &Log, id: EntryId) -> Option<&str> {
    log.chat_text(id).map(|text| text.text.as_str())
}

#[test]
fn the_oldest_entries_are_removed_when_there_are_too_many() {
    let mut log = Log::default();
    let first = log.mine("first", TIME());
    assert_eq!(text(&log, first), Some("first"));
    for n in 1..=ENTRIES as u64 {
        log.theirs(number(n), "x", TIME());
    }
    assert_eq!((log.entries().count(), text(&log, first)), (ENTRIES, None));
    assert_eq!(log.start, EntryStart::Wiped);
}

#[test]
fn the_oldest_entries_are_removed_when_they_are_too_long() {
    let mut log = Log::default();
    for n in 1..=200 {
        log.theirs(number(n), &"x".repeat(8192), TIME());
    }
    assert_eq!(log.entries().count(), BYTES / 8192);
    assert_eq!(log.bytes, BYTES);
    // Edits cannot make it longer, either.
    let mut log = Log::default();
    (1..=200).for_each(|n| _ = log.theirs(number(n), "", TIME()));
    (1..=200).for_each(|n| log.edit(Target::peer(number(n)), &"x".repeat(8192)));
    assert_eq!((log.entries().count(), log.bytes), (BYTES / 8192, BYTES));
}

#[test]
fn texts_are_named_by_side_and_number_and_counted_back_from_the_newest() {
    let (mut log, theirs, own) = log();
    assert_eq!([1, 3].map(|back| log.nth(Whose::Peer, back)), [Some(number(3)), Some(number(1))]);
    assert_eq!([log.nth(Whose::Own, 1), log.nth(Whose::Own, 2)], [Some(number(1)), None]);
    log.edit(Target::own(number(1)), "edited");
    assert_eq!([text(&log, theirs[0]), text(&log, own)], [Some("text 1"), Some("edited")]);
    log.delete(Target::peer(number(3)));
    assert_eq!(log.nth(Whose::Peer, 1), Some(number(2)), "what is deleted is not counted");
}

#[test]
fn nothing_of_what_is_deleted_stays_and_nothing_changes_it_again() {
    let (mut log, theirs, own) = log();
    let target = Target::peer(number(2));
    log.answer(own, target);
    log.react(Whose::Peer, target, "👍");
    log.react(Whose::Own, target, "two\nlines\u{1b}[2J");
    let reactions = &log.chat_text(theirs[1]).unwrap().reactions;
    assert_eq!([&*reactions.own, &*reactions.peer], ["two lines\u{fffd}[2J", "👍"]);
    let quoted = |log: &Log| log.quoted(log.chat_text(own).unwrap()).map(|text| text.text.to_string());
    assert_eq!(quoted(&log).as_deref(), Some("text 2"));
    log.delete(target);
    log.edit(target, "back again");
    log.react(Whose::Own, target, "👋");
    let deleted = log.chat_text(theirs[1]).unwrap();
    assert_eq!((deleted.text.as_str(), deleted.state), ("", TextState::Deleted));
    assert!(deleted.reactions == Reactions::none());
    assert_eq!(quoted(&log), None);
    assert_eq!(log.bytes, "text 1text 3own".len());
}

#[test]
fn what_vanishes_is_gone_from_where_it_is_quoted_too() {
    let (mut log, theirs, own) = log();
    let second = Duration::from_secs(1);
    log.answer(own, Target::peer(number(1)));
    log.end_at(theirs[0], Some(2 * second));
    log.end_at(theirs[2], Some(second));
    assert_eq!(log.next_end(), Some(second));
    assert!(!log.vanish(Duration::ZERO) && log.vanish(second));
    assert_eq!((text(&log, theirs[2]), log.next_end()), (None, Some(2 * second)));
    assert!(log.vanish(3 * second));
    assert!(log.quoted(log.chat_text(own).unwrap()).is_none());
    assert_eq!((log.next_end(), log.bytes), (None, "text 2own".len()));
    assert_eq!(log.nth(Whose::Peer, 1), Some(number(2)));
}

#[test]
fn a_reply_to_what_was_never_there_is_shown_as_one() {
    let (mut log, _, own) = log();
    log.answer(own, Target::peer(number(99)));
    let reply = log.chat_text(own).unwrap();
    assert!(reply.answers.is_some() && log.quoted(reply).is_none());
}
