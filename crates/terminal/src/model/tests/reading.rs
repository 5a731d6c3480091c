//! What is read: texts, older texts, pop-ups, and how things stand.

use super::*;
use crate::keys::Scroll;

#[test]
fn a_text_of_the_peer_is_made_harmless_and_ends_its_typing() {
    let mut harness = Harness::talking();
    harness.handle_event(Event::PeerTyping(Typing::Active));
    assert_eq!(harness.model.screen.peer_typing, Typing::Active);
    harness.receive_text("\x1b[2Jhi\n\u{202e}there");
    assert_eq!(harness.received(), ["\u{fffd}[2Jhi\n\u{fffd}there"]);
    assert_eq!(harness.model.screen.peer_typing, Typing::Idle);
}

#[test]
fn a_peer_that_is_away_does_not_type() {
    for event in [Event::PeerAway { kept: KEPT }, Event::Disconnected { retry_in: Duration::from_secs(1) }] {
        let mut harness = Harness::talking();
        harness.handle_event(Event::PeerTyping(Typing::Active));
        harness.handle_event(event);
        assert_eq!(harness.model.screen.peer_typing, Typing::Idle);
        assert!(!harness.model.screen.path_is_open());
    }
}

#[test]
fn after_a_resume_the_peer_counts_as_online() {
    let mut harness = Harness::talking();
    harness.handle_event(Event::PeerAway { kept: KEPT });
    harness.handle_event(Event::Disconnected { retry_in: Duration::from_secs(1) });
    harness.handle_event(Event::Connected);
    assert!(!harness.model.screen.path_is_open());
    harness.handle_event(Event::Resumed);
    assert!(harness.model.screen.path_is_open());
}

#[test]
fn the_seconds_until_the_next_attempt_are_counted_down() {
    let mut harness = Harness::talking();
    harness.handle_event(Event::Disconnected { retry_in: Duration::from_millis(2300) });
    let mut ticks = Vec::new();
    while let Some(tick) = harness.model.next_tick() {
        ticks.push(tick.as_millis());
        harness.now = tick;
        assert_eq!(harness.give(Input::Tick), []);
    }
    assert_eq!(ticks, [300, 1300, 2300]);
}

/// 18 rows of texts fit on this screen, beside what stands at the beginning.
fn with_texts(texts: usize) -> Harness {
    let mut harness = Harness::talking();
    (0..texts).for_each(|n| harness.receive_text(&n.to_string()));
    harness
}

#[test]
fn texts_being_read_stay_in_place_while_new_ones_arrive() {
    let mut harness = with_texts(60);
    harness.press(Key::Scroll(Scroll::PageUp));
    let before = harness.model.screen.scroll;
    assert!(before > 10);
    harness.receive_text("one row");
    harness.receive_text(&"two rows ".repeat(10));
    assert_eq!((harness.model.screen.scroll, harness.model.screen.unseen), (before + 3, 2));
    harness.press(Key::Escape);
    assert_eq!((harness.model.screen.scroll, harness.model.screen.unseen), (0, 0));
}

#[test]
fn there_is_nothing_above_the_first_text_and_nothing_below_the_last() {
    let mut harness = with_texts(60);
    (0..20).for_each(|_| drop(harness.press(Key::Scroll(Scroll::PageUp))));
    let top = harness.model.screen.scroll;
    harness.press(Key::Scroll(Scroll::Up));
    assert_eq!(harness.model.screen.scroll, top);
    (0..20).for_each(|_| drop(harness.press(Key::Scroll(Scroll::PageDown))));
    harness.press(Key::Scroll(Scroll::Down));
    assert_eq!(harness.model.screen.scroll, 0);
    let mut short = with_texts(1);
    short.press(Key::Scroll(Scroll::PageUp));
    assert_eq!(short.model.screen.scroll, 0);
}

#[test]
fn sending_a_text_scrolls_to_it() {
    let mut harness = with_texts(60);
    harness.press(Key::Scroll(Scroll::PageUp));
    harness.send_text("here", 1);
    assert_eq!(harness.model.screen.scroll, 0);
}

#[test]
fn a_screen_that_grows_scrolls_no_further_than_there_is_text() {
    let mut harness = with_texts(30);
    (0..5).for_each(|_| drop(harness.press(Key::Scroll(Scroll::PageUp))));
    assert!(harness.model.screen.scroll > 0);
    harness.give(Input::Resized(Size { width: 80, height: 100 }));
    assert_eq!(harness.model.screen.scroll, 0);
}

#[test]
fn the_safety_code_is_explained_only_where_there_is_one() {
    let mut harness = Harness::looking();
    harness.line("/safety");
    assert_eq!(harness.model.screen.popup, None);
    harness.meet();
    harness.line("/safety");
    assert_eq!(harness.model.screen.popup, Some(Popup { about: About::Safety(safety()), scroll: 0 }));
    harness.press(Key::Enter);
    assert_eq!(harness.model.screen.popup, None);
}

#[test]
fn a_pop_up_closes_when_somebody_goes_on_writing() {
    let mut harness = Harness::talking();
    harness.line("/help");
    harness.write("h");
    assert_eq!((harness.model.screen.popup, harness.model.screen.draft.text()), (None, "h"));
}

#[test]
fn a_pop_up_that_is_too_long_is_scrolled() {
    let mut harness = Harness::with(MeetingKind::Anybody, 40, 12);
    harness.line("/help");
    (0..100).for_each(|_| drop(harness.press(Key::Scroll(Scroll::Down))));
    let bottom = harness.model.screen.popup.unwrap().scroll;
    assert_eq!(bottom, crate::layout::popup_scroll_max(&harness.model.screen));
    assert!(bottom > 0);
    harness.press(Key::Scroll(Scroll::PageUp));
    assert!(harness.model.screen.popup.unwrap().scroll < bottom);
}
