//! `cipher-chat decode`: shows an event of the bus as JSON, for
//! `nats sub --translate "cipher-chat decode"`.

use std::{
    io::{self, Read},
    process::ExitCode,
};

use anyhow::Context;
use ciborium::Value;
use serde_json::{Map, json};

/// Reads one event from standard input and writes it as one line of JSON.
pub fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => crate::fail(&error, 1),
    }
}

fn run() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let most = schemas::limits::EVENT_BYTES as u64 + 1;
    io::stdin().lock().take(most).read_to_end(&mut bytes).context("cannot read standard input")?;
    let event: Value = schemas::codec::decode(&bytes)?;
    Ok(to_json(&event).to_string())
}

/// Shows byte strings, which JSON does not have, as hexadecimal digits.
fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Integer(number) => json!(i128::from(*number)),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bool(truth) => json!(truth),
        Value::Bytes(bytes) => json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| match key {
                Value::Text(key) => (key.clone(), to_json(value)),
                key => (to_json(key).to_string(), to_json(value)),
            };
            serde_json::Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        Value::Tag(_, inner) => to_json(inner),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Stamp, event::SessionEvent};

    #[test]
    fn an_event_becomes_readable() {
        let event = SessionEvent::Attached { stamp: Stamp(7), node: "g1".parse().unwrap() };
        let bytes = schemas::codec::encode(&event).unwrap();
        let value: Value = schemas::codec::decode(&bytes).unwrap();
        assert_eq!(to_json(&value).to_string(), r#"{"attached":{"node":"g1","stamp":7}}"#);
        let hex = Value::Array(vec![Value::Bytes(vec![1, 0xab]), Value::Null]);
        assert_eq!(to_json(&hex).to_string(), r#"["01ab",null]"#);
    }
}
