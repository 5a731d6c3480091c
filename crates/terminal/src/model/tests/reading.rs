//! What is read: texts, older texts, pop-ups, and how things stand.

use super::*;
use crate::keys::Scroll;

#[test]
fn what_the_other_says_is_harmless_and_ends_their_typing() {
    let mut evening = Evening::talking();
    evening.hear(Event::PeerTyping(Typing::Active));
    assert_eq!(evening.model.peer_typing, Typing::Active);
    evening.hear_text("\x1b[2Jhi\n\u{202e}there");
    assert_eq!(evening.heard(), ["\u{fffd}[2Jhi\n\u{fffd}there"]);
    assert_eq!(evening.model.peer_typing, Typing::Idle);
}

#[test]
fn who_is_away_does_not_type() {
    for event in [Event::PeerAway, Event::Disconnected { retry_in: Duration::from_secs(1) }] {
        let mut evening = Evening::talking();
        evening.hear(Event::PeerTyping(Typing::Active));
        evening.hear(event);
        assert_eq!(evening.model.peer_typing, Typing::Idle);
        assert!(!evening.model.way_is_open());
    }
}

#[test]
fn after_a_resume_the_other_counts_as_there() {
    let mut evening = Evening::talking();
    evening.hear(Event::PeerAway);
    evening.hear(Event::Disconnected { retry_in: Duration::from_secs(1) });
    evening.hear(Event::Connected);
    assert!(!evening.model.way_is_open());
    evening.hear(Event::Resumed);
    assert!(evening.model.way_is_open());
}

#[test]
fn the_seconds_until_the_next_attempt_are_counted_down() {
    let mut evening = Evening::talking();
    evening.hear(Event::Disconnected { retry_in: Duration::from_millis(2300) });
    let mut ticks = Vec::new();
    while let Some(tick) = evening.model.next_tick() {
        ticks.push(tick.as_millis());
        evening.now = tick;
        assert_eq!(evening.give(Input::Tick), []);
    }
    assert_eq!(ticks, [300, 1300, 2300]);
}

/// 18 rows of texts fit on this screen, beside what stands at the beginning.
fn with_texts(texts: usize) -> Evening {
    let mut evening = Evening::talking();
    (0..texts).for_each(|n| evening.hear_text(&n.to_string()));
    evening
}

#[test]
fn what_is_read_stays_where_it_is_while_more_comes() {
    let mut evening = with_texts(60);
    evening.press(Key::Scroll(Scroll::PageUp));
    let before = evening.model.scroll;
    assert!(before > 10);
    evening.hear_text("one row");
    evening.hear_text(&"two rows ".repeat(10));
    assert_eq!((evening.model.scroll, evening.model.unseen), (before + 3, 2));
    evening.press(Key::Escape);
    assert_eq!((evening.model.scroll, evening.model.unseen), (0, 0));
}

#[test]
fn there_is_nothing_above_the_first_text_and_nothing_below_the_last() {
    let mut evening = with_texts(60);
    (0..20).for_each(|_| drop(evening.press(Key::Scroll(Scroll::PageUp))));
    let top = evening.model.scroll;
    evening.press(Key::Scroll(Scroll::Up));
    assert_eq!(evening.model.scroll, top);
    (0..20).for_each(|_| drop(evening.press(Key::Scroll(Scroll::PageDown))));
    evening.press(Key::Scroll(Scroll::Down));
    assert_eq!(evening.model.scroll, 0);
    let mut short = with_texts(1);
    short.press(Key::Scroll(Scroll::PageUp));
    assert_eq!(short.model.scroll, 0);
}

#[test]
fn whoever_says_something_sees_it() {
    let mut evening = with_texts(60);
    evening.press(Key::Scroll(Scroll::PageUp));
    evening.say("here", 1);
    assert_eq!(evening.model.scroll, 0);
}

#[test]
fn a_screen_that_grows_scrolls_no_further_than_there_is_text() {
    let mut evening = with_texts(30);
    (0..5).for_each(|_| drop(evening.press(Key::Scroll(Scroll::PageUp))));
    assert!(evening.model.scroll > 0);
    evening.give(Input::Resized(Size { width: 80, height: 100 }));
    assert_eq!(evening.model.scroll, 0);
}

#[test]
fn the_safety_code_is_explained_only_where_there_is_one() {
    let mut evening = Evening::looking();
    evening.line("/safety");
    assert_eq!(evening.model.popup, None);
    evening.meet();
    evening.line("/safety");
    assert_eq!(evening.model.popup, Some(Popup { about: About::Safety(safety()), scroll: 0 }));
    evening.press(Key::Enter);
    assert_eq!(evening.model.popup, None);
}

#[test]
fn a_pop_up_closes_when_somebody_goes_on_writing() {
    let mut evening = Evening::talking();
    evening.line("/help");
    evening.write("h");
    assert_eq!((evening.model.popup, evening.model.draft.text()), (None, "h"));
}

#[test]
fn a_pop_up_that_is_too_long_is_scrolled() {
    let mut evening = Evening::with(Errand::Anybody, 40, 12);
    evening.line("/help");
    (0..100).for_each(|_| drop(evening.press(Key::Scroll(Scroll::Down))));
    let bottom = evening.model.popup.unwrap().scroll;
    assert_eq!(bottom, layout::popup_scroll_max(&evening.model));
    assert!(bottom > 0);
    evening.press(Key::Scroll(Scroll::PageUp));
    assert!(evening.model.popup.unwrap().scroll < bottom);
}
