//! Screens as they are to be seen, row by row.

use super::*;
use schemas::outlook::Outlook;

#[test]
fn a_chat_in_a_usual_terminal() {
    assert_screen(
        &chat(80, 24),
        r#"
 ● connected, end-to-end encrypted                                        music
 🏁 Flag  ⌛ Hourglass  🤖 Robot  😀 Smiley  🚂 Train  🔥 Fire  🍎 Apple
 22953 25852 23720












   *  You are talking to a stranger. Only the two of you can read this.
   *  Above is your safety code; /safety explains it. /help lists the commands.
 you  hello there  ✓✓                                                     09:05
them  안녕하세요, 반갑습니다 👋                                           09:05
      second line
 you  and a longer text that has to go on on the next row of the screen,  09:05
      for it is long  ✓
─ typing… ──────────────────────────────────────────────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn a_chat_in_a_small_terminal() {
    assert_screen(
        &chat(40, 12),
        r#"
 ● connected, end-to-end encrypted
 🏁 ⌛ 🤖 😀 🚂 🔥 🍎  22953 25852 23720
      /safety explains it. /help lists
      the commands.
 you  hello there  ✓✓
them  안녕하세요, 반갑습니다 👋
      second line
 you  and a longer text that has to go
      on on the next row of the screen,
      for it is long  ✓
─ typing… ──────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn the_screen_while_waiting_for_a_match() {
    let mut harness = Harness::with(MeetingKind::Topic("music".into()), 40, 12);
    harness.handle_event(Event::Waiting(Outlook::default()));
    assert_screen(
        &harness,
        r#"
 ○ looking for somebody           music
  Looking for somebody…
  Topic: music
  You will talk to a stranger. Keep
  your name, address and passwords to
  yourself, and leave whenever you
  like.
  /leave stops waiting, /quit ends,
  /help lists the commands.

────────────────────────────────────────
>
"#,
    );
}

#[test]
fn a_link_to_hand_over_with_its_qr_code() {
    assert_screen(
        &inviting(80, 24),
        r#"
 ○ waiting for your guest                                         by invitation
  https://chat.example/#AAECAwQFBgcICQoLDA0ODw

  Your invite link
                                                █▀▀▀▀▀█ ▄▀ ▄████ ▄▀ ▄ █▀▀▀▀▀█
  Send it to one person, over a channel you     █ ███ █ ▀███▀▄█▄██▄█  █ ███ █
  trust. It works once, for as long as this     █ ▀▀▀ █ █▄ ▄ ▄▀▄█ ▀▄▀ █ ▀▀▀ █
  program runs.                                 ▀▀▀▀▀▀▀ █▄▀ █ ▀ █▄█▄█ ▀▀▀▀▀▀▀
                                                ██ █▄ ▀▀▄ █▄ ▄▀▄██ ▀ ▄██▀▄▀▀▄
  Whoever has the link can take your guest's    ▄▀ ▀▄▀▀ █▀▀  █▄▄▀ ▄█ ██▄▀▀██
  place. Compare the safety code once you are   ▄ ████▀▄  ▄▄█  █▀▄ ▄██▀▀ ▀ ▀▀
  connected.                                    ▄▄█▄▄█▀  █▀ █▄▄  ▄█▄▄▀▀▄▀█▀█▀
                                                 ▀▄███▀ ▀ █▀ ▄▀ ▄   ▀▀▄▄ ▄ ▀▄
  To be read out, with the server's name:       ▀   ▄▄▀ ▀▄█▄  ▀  ▄█ ▀▄▄▄█  ██
  abandon amount liar amount expire adjust      ▀  ▀  ▀▀▄ ███ ▀ █▄▄ █▀▀▀█ █▄▄
  cage candy arch gather drum buyer             █▀▀▀▀▀█ ▀▄███▄   ▀▄ █ ▀ █▄▄█
                                                █ ███ █ ▄█▄█▀  ▄▀▄▄▄▀▀███▄▄█
  /leave discards it, /quit ends.               █ ▀▀▀ █ ▄ ▀▀▄▄▀ █████▄  █▀▀▄▀
                                                ▀▀▀▀▀▀▀ ▀ ▀         ▀▀  ▀▀ ▀



────────────────────────────────────────────────────────────────────────────────
>
"#,
    );
}

#[test]
fn a_link_to_hand_over_where_a_qr_code_has_no_room() {
    assert_screen(
        &inviting(40, 12),
        r#"
 ○ waiting for your guest
  Your invite link
  https://chat.example/#AAECAwQFBgcICQ
  oLDA0ODw
  Send it to one person, over a
  channel you trust. It works once,
  for as long as this program runs.
  Whoever has the link can take your
  guest's place. Compare the safety
  code once you are connected.
────────────────────────────────────────
>
"#,
    );
}

#[test]
fn the_safety_code_explained() {
    let mut harness = chat(80, 24);
    harness.press(Key::Delete(Step::Home));
    harness.line("/safety");
    assert_screen(
        &harness,
        r#"
 ● connected, end-to-end encrypted                                        music
 🏁 Flag  ⌛ Hourglass  🤖 Robot  😀 Smiley  🚂 Train  🔥 Fire  🍎 Apple
 229╭ Safety code ─────────────────────────────────────────────────────────╮
    │ You and the other person should see the same seven signs, in the     │
    │ same order:                                                          │
    │                                                                      │
    │ 🏁 Flag  ⌛ Hourglass  🤖 Robot  😀 Smiley  🚂 Train  🔥 Fire        │
    │ 🍎 Apple                                                             │
    │                                                                      │
    │ or the same numbers: 22953 25852 23720                               │
    │                                                                      │
    │ Compare them on a call, or face to face. If they are the same,       │
    │ nobody sits between you and reads along. If they differ, leave the   │
    │ chat.                                                                │
    │                                                                      │
   *│ Compared in this chat they prove nothing: somebody between you could │
   *│ change what you write about them.                                    │ds.
 you│                                                                      │:05
them│ With a stranger whom you cannot reach in another way, it proves      │:05
    │ little: the chat is encrypted, but you do not know with whom.        │
 you╰ Esc: close ──────────────────────────────────────────────────────────╯:05
      for it is long  ✓
─ typing… ──────────────────────────────────────────────────────────────────────
>
"#,
    );
}

#[test]
fn the_commands_in_a_small_terminal() {
    let mut harness = chat(40, 12);
    harness.press(Key::Delete(Step::Home));
    harness.line("/help");
    assert_screen(
        &harness,
        r#"
 ● connected, end-to-end encrypted
╭ Commands and keys ───────────────────╮
│ /next     meet somebody else         │
│ /any      anybody, on any topic      │
│ /invite   make a new invite link     │
│ /leave    end chat or stop waiting   │
│ /report   end this chat and report   │
│           it: as in /report spam, or │
│           abuse, minor, other        │
╰ PgDn: more · Esc: close ─────────────╯
─ typing… ──────────────────────────────
>
"#,
    );
}

#[test]
fn the_end_of_a_chat_that_the_peer_ended_with_a_text_undelivered() {
    let mut harness = chat(80, 24);
    harness.handle_event(Event::NotDelivered { number: number(2) });
    harness.handle_event(Event::Ended { end: End::PeerBye });
    assert_screen(
        &harness,
        r#"
 × over: the other person said goodbye                                    music









   *  You are talking to a stranger. Only the two of you can read this.
   *  Above is your safety code; /safety explains it. /help lists the commands.
 you  hello there  ✓✓                                                     09:05
them  안녕하세요, 반갑습니다 👋                                           09:05
      second line
 you  and a longer text that has to go on on the next row of the screen,  09:05
      for it is long  ✗ not delivered
   *  The other person said goodbye.
   !  One of your texts may not have arrived.
   *  Forgotten: the keys. What you still see is on this screen alone, and is
      wiped when you go on.
   *  /next looks for somebody else, /invite makes a new link, /quit ends.
────────────────────────────────────────────────────────────────────────────────
> half a tho
"#,
    );
}

#[test]
fn the_end_of_a_chat_that_this_side_ended() {
    let mut harness = chat(40, 12);
    harness.press(Key::Delete(Step::Home));
    harness.line("/leave");
    harness.handle_event(Event::Ended { end: End::Bye });
    assert_screen(
        &harness,
        r#"
 × over: you ended the chat       music
   *  You ended the chat.
   !  One of your texts may not have
      arrived.
   *  Forgotten: the keys and every
      text. The server only passed on
      ciphertext, and kept no copy.
   *  /next looks for somebody else,
      /invite makes a new link, /quit
      ends.
────────────────────────────────────────
>
"#,
    );
}
