//! What is derived from this crate: parts of `asyncapi.yaml`, tables of `docs/protocol.md`, and
//! some modules of the page. Each test renders it from the code and compares; with `UPDATE=1` it
//! writes.

use std::fmt::Write;

use schemas::{
    CloseCode, channel,
    close::{self, Reconnect},
    constants::{Constant, Value},
    control::{Category, ClientType, EndReason, ErrorCode, PeerState, Remedy, ServerType},
    limits,
    outlook::Partners,
    reconnect, text, word_list,
};
use serde_json::Value as Json;

use crate::document::{at, members, resolved};

const ASYNCAPI: &str = "schemas/asyncapi.yaml";
const PROTOCOL: &str = "docs/protocol.md";

#[test]
fn close_codes_are_described_as_in_the_code() {
    let mut yaml = String::new();
    let mut table = "| code | why | what to do |\n|---|---|---|\n".to_owned();
    for code in CloseCode::ALL {
        let (number, reason, reconnect) = (code.code(), code.reason(), code.reconnect());
        writeln!(yaml, "- {{code: {number}, reason: {reason}, reconnect: {}}}", reconnect.word()).unwrap();
        let what = match reconnect {
            Reconnect::Now => "reconnect at once (with jitter) and resume",
            Reconnect::BackOff => "reconnect with back-off",
            Reconnect::Never => "do not reconnect",
        };
        writeln!(table, "| {number} | {} | {what} |", code.meaning().trim_end_matches('.')).unwrap();
    }
    let (first, last) = (close::NEVER.start(), close::NEVER.end());
    writeln!(table, "| other codes from {first} to {last} | For later versions | do not reconnect |")
        .unwrap();
    writeln!(table, "| any other code, or none | The connection broke | reconnect with back-off |").unwrap();
    derived::block(ASYNCAPI, "close-codes", &yaml);
    derived::block(PROTOCOL, "close-codes", &table);
}

#[test]
fn error_codes_are_described_as_in_the_code() {
    let mut yaml = "description: |\n".to_owned();
    let mut table = "| code | when | what to do |\n|---|---|---|\n".to_owned();
    for code in ErrorCode::ALL {
        writeln!(yaml, "  - `{}`: {}", code.word(), code.meaning()).unwrap();
        let what = match code.remedy() {
            Remedy::Repeat => "send it again after a pause",
            Remedy::GiveUp => "give it up",
            Remedy::Room => "depends on the room that the client is in",
        };
        writeln!(table, "| `{}` | {} | {what} |", code.word(), code.meaning().trim_end_matches('.')).unwrap();
    }
    yaml += "enum:\n";
    for code in ErrorCode::ALL {
        writeln!(yaml, "  - {}", code.word()).unwrap();
    }
    derived::block(ASYNCAPI, "error-codes", &yaml);
    derived::block(PROTOCOL, "error-codes", &table);
}

#[test]
fn control_messages_are_in_the_documentation() {
    let client = ClientType::ALL.iter().map(|kind| kind.word());
    derived::block(PROTOCOL, "client-messages", &message_table(client));
    let server = ServerType::ALL.iter().map(|kind| kind.word());
    derived::block(PROTOCOL, "server-messages", &message_table(server));
}

/// A row for each message, and one for each of its fields.
fn message_table(types: impl Iterator<Item = &'static str>) -> String {
    let mut table = "| message | field | meaning |\n|---|---|---|\n".to_owned();
    let mut shared: Vec<(&Json, &str)> = Vec::new();
    for kind in types {
        let message = at(&format!("/components/messages/{kind}"));
        let summary = message["summary"].as_str().expect("a summary");
        let details = message["description"].as_str().map(in_one_line);
        let meaning = [Some(summary.to_owned()), details].into_iter().flatten().collect::<Vec<_>>().join(" ");
        writeln!(table, "| `{kind}` | | {meaning} |").unwrap();
        let schema = at(&format!("/components/schemas/{kind}"));
        // Fields that several messages have are shown with the first.
        if let Some(base) = schema["allOf"].get(0).map(resolved) {
            if let Some((_, first)) = shared.iter().find(|(known, _)| *known == base) {
                writeln!(table, "| | as `{first}` | |").unwrap();
                continue;
            }
            shared.push((base, kind));
            rows(&mut table, base, "");
        } else {
            rows(&mut table, schema, "");
        }
    }
    table
}

/// A row for each field: those that are required first, in their order.
fn rows(table: &mut String, schema: &'static Json, prefix: &str) {
    let properties = schema["properties"].as_object().expect("properties");
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let optional = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
    for name in required.iter().copied().chain(optional).filter(|name| *name != "type") {
        let field = &properties[name];
        if field["$ref"].is_string() && resolved(field)["properties"].is_object() {
            rows(table, resolved(field), &format!("{name}."));
            continue;
        }
        let described = field["description"].as_str().or_else(|| resolved(field)["description"].as_str());
        let mut meaning = in_one_line(described.unwrap_or_else(|| panic!("{name} is not described")));
        for word in field["enum"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            write!(meaning, "<br>`{word}`").unwrap();
            if let Some(what) = meaning_of(word) {
                write!(meaning, ": {what}").unwrap();
            }
        }
        let optional = if required.contains(&name) { "" } else { " (optional)" };
        writeln!(table, "| | `{prefix}{name}`{optional} | {meaning} |").unwrap();
    }
}

/// What a word means, where that is not plain.
fn meaning_of(word: &str) -> Option<&'static str> {
    let ends = EndReason::ALL.iter().map(|end| (end.word(), end.meaning()));
    let states = PeerState::ALL.iter().map(|state| (state.word(), state.meaning()));
    let categories = Category::ALL.iter().map(|category| (category.word(), category.meaning()));
    ends.chain(states).chain(categories).find(|(known, _)| *known == word).map(|(_, meaning)| meaning)
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn every_field_of_a_message_is_described() {
    let kinds =
        ClientType::ALL.iter().map(|kind| kind.word()).chain(ServerType::ALL.iter().map(|kind| kind.word()));
    for kind in kinds.chain(["limits"]) {
        for (name, field) in members(kind).into_iter().filter(|(name, _)| name != "type") {
            let described = field["description"].is_string() || resolved(field)["description"].is_string();
            assert!(described || resolved(field)["properties"].is_object(), "{kind}.{name}");
        }
    }
}

#[test]
fn constants_are_in_the_documentation() {
    derived::block(PROTOCOL, "reconnect", &constant_table(&reconnect::all()));
    derived::block(PROTOCOL, "channel-constants", &constant_table(&channel::all()));
}

fn constant_table(constants: &[Constant]) -> String {
    let mut table = "| name | value | meaning |\n|---|---|---|\n".to_owned();
    for Constant { name, meaning, value } in constants {
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Time(time) if time.subsec_millis() == 0 => format!("{} s", time.as_secs()),
            Value::Time(time) => format!("{} ms", time.as_millis()),
        };
        writeln!(table, "| `{name}` | {value} | {meaning} |").unwrap();
    }
    table
}

#[test]
fn the_page_has_the_constants_of_the_channel() {
    let mut module = "/**\n * Every constant of the channel, with its reason. Times are milliseconds. Derived from `schemas/src/channel.rs`: to change \
                      one,\n * change it there and run `UPDATE=1 cargo test -p schemas`.\n */\n"
        .to_owned();
    channel::all().iter().for_each(|constant| module += &exported("", constant));
    derived::file("web/limits.js", &module);
}

#[test]
fn the_page_has_the_facts_of_the_protocol() {
    let mut module = "/**\n * Facts of the protocol. Derived from the crate `schemas`: to change one, change it there and run\n * `UPDATE=1 cargo \
                      test -p schemas`.\n */\n"
        .to_owned();
    let union = |name, words: Vec<&str>| format!("/** @typedef {{'{}'}} {name} */\n", words.join("' | '"));
    module.push('\n');
    module += &union("ClientType", ClientType::ALL.iter().map(|kind| kind.word()).collect());
    module += &union("ServerType", ServerType::ALL.iter().map(|kind| kind.word()).collect());
    module += &union("Category", Category::ALL.iter().map(|category| category.word()).collect());
    module += &union("PeerState", PeerState::ALL.iter().map(|state| state.word()).collect());
    module += &union("EndReason", EndReason::ALL.iter().map(|end| end.word()).collect());
    module += &union("Partners", Partners::ALL.iter().map(|word| word.word()).collect());
    module += &union("ErrorCode", ErrorCode::ALL.iter().map(|code| code.word()).collect());
    module += &union("Reconnect", vec!["now", "back-off", "never"]);
    module += &union("Remedy", vec!["repeat", "give-up", "room"]);
    list(
        &mut module,
        "Every type of message that a server may send.",
        "ServerType",
        "SERVER_TYPES",
        ServerType::ALL.iter().map(|kind| kind.word()),
    );
    list(
        &mut module,
        "Why a chat may be reported.",
        "Category",
        "CATEGORIES",
        Category::ALL.iter().map(|category| category.word()),
    );
    list(
        &mut module,
        "Why a room may end.",
        "EndReason",
        "END_REASONS",
        EndReason::ALL.iter().map(|end| end.word()),
    );
    list(
        &mut module,
        "How many there are whom somebody who waits may meet.",
        "Partners",
        "PARTNERS",
        Partners::ALL.iter().map(|word| word.word()),
    );
    let closes = CloseCode::ALL.iter().map(|code| (code.code().to_string(), code.reconnect().word()));
    map(&mut module, "What a client does after each close code.", "number, Reconnect", "CLOSE_CODES", closes);
    let (first, last) = (close::NEVER.start(), close::NEVER.end());
    write!(module, "\n/** Nor does a client come back after other codes in this range. */\nexport const NEVER = {{ first: {first}, last: {last} }};\n").unwrap();
    let errors = ErrorCode::ALL.iter().map(|code| (format!("'{}'", code.word()), code.remedy().word()));
    map(
        &mut module,
        "What a client does about each refusal of a message.",
        "string, Remedy",
        "ERROR_CODES",
        errors,
    );
    write!(
        module,
        "\n/** The WebSocket subprotocol. */\nexport const SUBPROTOCOL = '{}';\n",
        limits::SUBPROTOCOL
    )
    .unwrap();
    write!(
        module,
        "/** Longest topic, characters. */\nexport const TOPIC_CHARS = {};\n",
        limits::TOPIC_CHARS
    )
    .unwrap();
    module.push('\n');
    reconnect::all().iter().for_each(|constant| module += &exported("_MS", constant));
    policy(&mut module);
    derived::file("web/facts.js", &module);
}

/// The policy for texts of strangers.
fn policy(module: &mut String) {
    module.push_str(
        "\n/** Characters of a stranger's text that are shown as U+FFFD: first and last of each range. @type {readonly (readonly [number, number])[]} */\n\
         export const REPLACED = [\n",
    );
    for range in text::REPLACED {
        let (first, last) = (u32::from(*range.start()), u32::from(*range.end()));
        writeln!(module, "  [0x{first:04x}, 0x{last:04x}],").unwrap();
    }
    let marks = text::MARKS_PER_BASE;
    write!(
        module,
        "];\n/** How many combining marks one base of a stranger's text may have. */\nexport const MARKS_PER_BASE = {marks};\n"
    )
    .unwrap();
}

#[test]
fn the_page_has_the_words_of_invites() {
    let words: Vec<_> = word_list::all().collect();
    let mut module =
        "/**\n * The words in which an invite's secret can be read out: the English list of BIP-39. Derived from\n * \
         `schemas/vectors/words.txt` by `UPDATE=1 cargo test -p schemas`.\n */\n\n/** @type {readonly string[]} */\nexport const \
         WORDS = `\n"
            .to_owned();
    words.chunks(12).for_each(|row| writeln!(module, "{}", row.join(" ")).unwrap());
    module += "`\n  .trim()\n  .split(/\\s+/);\n";
    derived::file("web/later/words.js", &module);
}

fn list(module: &mut String, what: &str, of: &str, name: &str, words: impl Iterator<Item = &'static str>) {
    let words: Vec<_> = words.map(|word| format!("'{word}'")).collect();
    write!(
        module,
        "\n/** {what} @type {{readonly {of}[]}} */\nexport const {name} = [{}];\n",
        words.join(", ")
    )
    .unwrap();
}

fn map(
    module: &mut String,
    what: &str,
    of: &str,
    name: &str,
    entries: impl Iterator<Item = (String, &'static str)>,
) {
    write!(module, "\n/** {what} @type {{ReadonlyMap<{of}>}} */\nexport const {name} = new Map([\n").unwrap();
    for (key, value) in entries {
        writeln!(module, "  [{key}, '{value}'],").unwrap();
    }
    module.push_str("]);\n");
}

/// A constant as the page's modules have it; `unit` ends the name of a time.
fn exported(unit: &str, Constant { name, meaning, value }: &Constant) -> String {
    let (unit, number) = match value {
        Value::Number(number) => ("", *number),
        Value::Time(time) => (unit, u64::try_from(time.as_millis()).unwrap()),
    };
    format!("/** {meaning} */\nexport const {name}{unit} = {};\n", grouped(number))
}

/// Digits in groups of three from five on, as the page writes numbers.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let parts: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|part| str::from_utf8(part).unwrap()).collect();
    parts.join("_")
}
