//! What is sent in each case, and what it is answered with.

use crate::support::raw::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, masked};

pub(super) const NORMAL: u16 = 1000;
const PROTOCOL: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_LARGE: u16 = 4104;

/// What a case is answered with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// The control message `pong`.
    Pong,
    /// The control message `error` with this code.
    Error(String),
    /// A WebSocket pong.
    Answer(Vec<u8>),
    /// A close frame with this payload, and the end of the stream.
    Close(Vec<u8>),
}

pub(super) struct Case {
    pub(super) number: String,
    pub(super) sent: Vec<u8>,
    pub(super) told: Vec<Told>,
}

fn case(
    number: impl ToString,
    sent: impl IntoIterator<Item = Vec<u8>>,
    told: impl IntoIterator<Item = Told>,
) -> Case {
    let sent = sent.into_iter().flatten().collect();
    Case { number: number.to_string(), sent, told: told.into_iter().collect() }
}

/// A control `ping` of so many bytes.
fn ping_of(bytes: usize) -> String {
    let empty = r#"{"type":"ping","pad":""}"#.len();
    format!(r#"{{"type":"ping","pad":"{}"}}"#, "*".repeat(bytes - empty))
}

/// A control `ping` around these bytes.
fn ping_with(pad: &[u8]) -> Vec<u8> {
    [br#"{"type":"ping","pad":""#, pad, br#""}"#].concat()
}

fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(FIN | TEXT, payload.as_ref())
}

/// A text in two fragments, and something between them.
fn halves(payload: &[u8], between: Vec<u8>) -> Vec<u8> {
    let (one, other) = payload.split_at(payload.len() / 2);
    [masked(TEXT, one), between, masked(FIN | CONTINUATION, other)].concat()
}

/// A message in fragments of so many bytes.
pub(super) fn fragments(opcode: u8, payload: &[u8], bytes: usize) -> Vec<u8> {
    let last = payload.len().div_ceil(bytes) - 1;
    let frames = payload.chunks(bytes).enumerate().map(|(n, chunk)| {
        let first = if n == 0 { opcode } else { CONTINUATION };
        masked(if n == last { FIN | first } else { first }, chunk)
    });
    frames.collect::<Vec<_>>().concat()
}

pub(super) fn ping(payload: &[u8]) -> Vec<u8> {
    masked(FIN | PING, payload)
}

pub(super) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

pub(super) fn answer(payload: &[u8]) -> Told {
    Told::Answer(payload.to_vec())
}

pub(super) fn closed(code: u16) -> Told {
    Told::Close(code.to_be_bytes().to_vec())
}

/// 1.1: texts by size. Beyond what a control message may have they are refused.
pub(super) fn sizes() -> Vec<Case> {
    let mut cases = vec![case("1.1.1", [text("")], [Told::Error("bad-message".into())])];
    for (number, bytes) in [(2, 125), (3, 126), (4, 127), (5, 128)] {
        cases.push(case(format!("1.1.{number}"), [text(ping_of(bytes))], [Told::Pong]));
    }
    for (number, bytes) in [(6, 65_535), (7, 65_536)] {
        cases.push(case(format!("1.1.{number}"), [text(ping_of(bytes))], [closed(TOO_LARGE)]));
    }
    cases
}

/// 2: pings and pongs.
pub(super) fn pings() -> Vec<Case> {
    let binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let ten = || (0..10_u8).map(|n| vec![b'p', n]);
    let all = ten().map(Told::Answer).collect::<Vec<_>>();
    vec![
        case("2.1", [ping(b"")], [answer(b"")]),
        case("2.2", [ping(b"Hello, world!")], [answer(b"Hello, world!")]),
        case("2.3", [ping(binary)], [answer(binary)]),
        case("2.4, 2.6", [ping(&[0xfe; 125])], [answer(&[0xfe; 125])]),
        case("2.5", [ping(&[0xfe; 126])], [closed(PROTOCOL)]),
        case("2.7", [masked(FIN | PONG, b"")], []),
        case("2.8", [masked(FIN | PONG, b"unsolicited")], []),
        case("2.9", [masked(FIN | PONG, b"unsolicited"), ping(b"asked")], [answer(b"asked")]),
        case("2.10, 2.11", ten().map(|payload| ping(&payload)), all),
    ]
}

/// 3 and 4: reserved bits and opcodes. What came before is answered, what comes after is not.
pub(super) fn reserved() -> Vec<Case> {
    let failed = closed(PROTOCOL);
    let reserved = |bits: u8, first: u8| masked(FIN | bits << 4 | first, b"{}");
    let behind = |wrong: Vec<u8>| [text(ping_of(30)), wrong, ping(b"never answered")];
    let mut cases = vec![
        case("3.1", [reserved(1, TEXT)], [failed.clone()]),
        case("3.2", behind(reserved(2, TEXT)), [Told::Pong, failed.clone()]),
        case("3.3", behind(reserved(3, TEXT)), [Told::Pong, failed.clone()]),
        case("3.4", behind(reserved(4, TEXT)), [Told::Pong, failed.clone()]),
        case("3.5", [reserved(5, BINARY)], [failed.clone()]),
        case("3.6", [reserved(6, PING)], [failed.clone()]),
        case("3.7", [reserved(7, CLOSE)], [failed.clone()]),
    ];
    for (group, opcodes) in [(1, 3..=7_u8), (2, 11..=15)] {
        for (n, opcode) in opcodes.enumerate() {
            let payload = if n % 2 == 0 { &b""[..] } else { b"reserved" };
            let wrong = masked(FIN | opcode, payload);
            let number = format!("4.{group}.{}", n + 1);
            cases.push(if n < 2 {
                case(number, [wrong], [failed.clone()])
            } else {
                case(number, behind(wrong), [Told::Pong, failed.clone()])
            });
        }
    }
    cases
}

/// 5: fragments.
pub(super) fn fragmented() -> Vec<Case> {
    let failed = closed(PROTOCOL);
    let whole = ping_of(40).into_bytes();
    let stray = |first: u8| masked(first | CONTINUATION, b"nothing to continue");
    let twice = |wrong: Vec<u8>| vec![[wrong, halves(&whole, Vec::new())].concat(); 2];
    let two_texts = [masked(TEXT, b"one"), masked(FIN | TEXT, b"other")];
    let pinged = [
        [masked(TEXT, &whole[..9]), masked(CONTINUATION, &whole[9..20]), ping(b"1")].concat(),
        [masked(CONTINUATION, &whole[20..30]), masked(CONTINUATION, &whole[30..35]), ping(b"2")].concat(),
        masked(FIN | CONTINUATION, &whole[35..]),
    ];
    vec![
        case("5.1", [masked(PING, b"frag"), masked(FIN | CONTINUATION, b"ment")], [failed.clone()]),
        case("5.2", [masked(PONG, b"frag"), masked(FIN | CONTINUATION, b"ment")], [failed.clone()]),
        case("5.3, 5.4, 5.5", [halves(&whole, Vec::new())], [Told::Pong]),
        case("5.6, 5.7, 5.8", [halves(&whole, ping(b"between"))], [answer(b"between"), Told::Pong]),
        case("5.9, 5.10, 5.11", [stray(FIN), text(&whole)], [failed.clone()]),
        case("5.12, 5.13, 5.14", [stray(0), text(&whole)], [failed.clone()]),
        case("5.15", [halves(&whole, Vec::new()), stray(0), text(&whole)], [Told::Pong, failed.clone()]),
        case("5.16", twice(stray(0)), [failed.clone()]),
        case("5.17", twice(stray(FIN)), [failed.clone()]),
        case("5.18", two_texts, [failed]),
        case("5.19, 5.20", pinged, [answer(b"1"), answer(b"2"), Told::Pong]),
    ]
}

/// 6: UTF-8. The first wrong byte ends the connection, wherever the fragments are cut.
pub(super) fn utf8() -> Vec<Case> {
    let failed = closed(NOT_UTF8);
    let empty = Told::Error("bad-message".into());
    let valid = ping_with("Hello-µ@ßöäüàá-UTF-8!!".as_bytes());
    let invalid = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    let three = |parts: [&[u8]; 3]| {
        [masked(TEXT, parts[0]), masked(CONTINUATION, parts[1]), masked(FIN | CONTINUATION, parts[2])]
    };
    let unfinished = |head: &[u8], tail: &[u8]| [masked(TEXT, head), masked(CONTINUATION, tail)];
    let mut cases = vec![
        case("6.1.1", [text("")], [empty.clone()]),
        case("6.1.2", three([b"", b"", b""]), [empty]),
        case("6.1.3", three([b"", &valid, b""]), [Told::Pong]),
        case("6.2.1, 6.2.4", [text(&valid)], [Told::Pong]),
        case("6.2.2", [halves(&valid, Vec::new())], [Told::Pong]),
        case("6.2.3", [fragments(TEXT, &valid, 1)], [Told::Pong]),
        case("6.3.1", [text(invalid)], [failed.clone()]),
        case("6.3.2", [fragments(TEXT, invalid, 1)], [failed.clone()]),
        // Before the message is whole.
        case("6.4.1, 6.4.3", unfinished(&invalid[..11], b"\xf4\x90\x80\x80"), [failed.clone()]),
        case("6.4.2, 6.4.4", unfinished(&invalid[..11], b"\xf4\x90"), [failed.clone()]),
    ];
    for (number, sequences) in VALID {
        for sequence in *sequences {
            cases.push(case(number, [text(ping_with(sequence.as_bytes()))], [Told::Pong]));
        }
    }
    for (number, sequences) in INVALID {
        for sequence in *sequences {
            cases.push(case(number, [text(ping_with(sequence))], [failed.clone()]));
        }
    }
    cases
}

/// Well-formed texts: of each length, at each boundary, and code points that are no characters.
const VALID: &[(&str, &[&str])] = &[
    ("6.5", &["hello$world", "hello¢world", "hello€world", "hello\u{24b62}world", "κόσμε"]),
    ("6.7", &["\u{80}", "\u{800}", "\u{10000}"]),
    ("6.9", &["\u{7f}", "\u{7ff}", "\u{ffff}", "\u{10ffff}"]),
    ("6.11", &["\u{d7ff}", "\u{e000}", "\u{fffd}", "\u{10ffff}"]),
    ("6.22", &["\u{fffe}", "\u{1fffe}", "\u{1ffff}", "\u{8ffff}", "\u{10fffe}"]),
    ("6.23", &["\u{fff9}", "\u{fffa}", "\u{fffb}", "\u{fffc}"]),
];

/// Ill-formed: unfinished, too long, beyond the last code point, continuations alone, overlong,
/// surrogates.
const INVALID: &[(&str, &[&[u8]])] = &[
    ("6.6", &[b"\xce", b"\xce\xba\xe1", b"\xce\xba\xe1\xbd", b"\xce\xba\xe1\xbd\xb9\xcf"]),
    ("6.8", &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    ("6.10", &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    ("6.11", &[b"\xf4\x90\x80\x80"]),
    ("6.12", &[b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80\xbf\x80\xbf"]),
    ("6.13", &[b"\xc0 \xc1 ", b"\xe0 \xe1 ", b"\xf0 \xf1 ", b"\xf8 \xf9 ", b"\xfc "]),
    ("6.14", &[b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf"]),
    ("6.15", &[b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"]),
    ("6.16", &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    ("6.17", &[b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf"]),
    ("6.18", &[b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf"]),
    ("6.19", &[b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]),
    ("6.20", &[b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xbf\xbf"]),
    ("6.21", &[b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"]),
];

/// 7: closing. What comes after a close frame is not heard.
pub(super) fn closes() -> Vec<Case> {
    let told = |payload: &[u8]| Told::Close(payload.to_vec());
    let whole = ping_of(40).into_bytes();
    let in_between = halves(&whole, close(NORMAL, b""));
    let mut cases = vec![
        case("7.1.1", [text(&whole), close(NORMAL, b"")], [Told::Pong, closed(NORMAL)]),
        case("7.1.2", [close(NORMAL, b""), close(NORMAL, b"")], [closed(NORMAL)]),
        case("7.1.3", [close(NORMAL, b""), ping(b"late")], [closed(NORMAL)]),
        case("7.1.4", [close(NORMAL, b""), text(&whole)], [closed(NORMAL)]),
        case("7.1.5", [in_between], [closed(NORMAL)]),
        case("7.3.1", [masked(FIN | CLOSE, b"")], [told(b"")]),
        case("7.3.2", [masked(FIN | CLOSE, b"a")], [closed(PROTOCOL)]),
        case("7.3.3", [close(NORMAL, b"")], [closed(NORMAL)]),
        case("7.3.4", [close(NORMAL, b"Hello World!")], [closed(NORMAL)]),
        case("7.3.5", [close(NORMAL, &[b'*'; 123])], [closed(NORMAL)]),
        case("7.3.6", [close(NORMAL, &[b'*'; 124])], [closed(PROTOCOL)]),
        case("7.5.1", [close(NORMAL, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited")], [closed(NOT_UTF8)]),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(case(format!("7.7, {code}"), [close(code, b"")], [closed(code)]));
    }
    for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999] {
        cases.push(case(format!("7.9, {code}"), [close(code, b"")], [closed(PROTOCOL)]));
    }
    // Here the suite only writes down what happens.
    for code in [5000, 65_535] {
        cases.push(case(format!("7.13, {code}"), [close(code, b"")], [closed(PROTOCOL)]));
    }
    cases
}

/// 9 and 10: limits. Ours are far below the suite's 16 MiB; a message beyond them is refused, in
/// one frame or in many.
pub(super) fn limits() -> Vec<Case> {
    let (text_at_most, binary_at_most) = (schemas::limits::CONTROL_BYTES, schemas::limits::FRAME_BYTES);
    let largest = ping_of(text_at_most).into_bytes();
    let longer = ping_of(text_at_most + 1).into_bytes();
    let (large, larger) = (vec![0xfe; binary_at_most], vec![0xfe; binary_at_most + 1]);
    vec![
        case("9.1", [text(&largest)], [Told::Pong]),
        case("9.1, one more", [text(&longer)], [closed(TOO_LARGE)]),
        // In no room, a binary message is dropped.
        case("9.2", [masked(FIN | BINARY, &large)], []),
        case("9.2, one more", [masked(FIN | BINARY, &larger)], [closed(TOO_LARGE)]),
        case("9.3", [fragments(TEXT, &largest, 64)], [Told::Pong]),
        case("9.3, one more", [fragments(TEXT, &longer, 64)], [closed(TOO_LARGE)]),
        case("9.4", [fragments(BINARY, &large, 256)], []),
        case("9.4, one more", [fragments(BINARY, &larger, 256)], [closed(TOO_LARGE)]),
        case("10.1.1", [fragments(TEXT, &largest, 1300)], [Told::Pong]),
    ]
}
