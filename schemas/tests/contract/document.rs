//! `asyncapi.yaml` as a value.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../asyncapi.yaml")).expect("YAML"));

pub(crate) fn at(pointer: &str) -> &'static Value {
    DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"))
}

pub(crate) fn names(pointer: &str) -> BTreeSet<&'static str> {
    at(pointer).as_object().expect("an object").keys().map(String::as_str).collect()
}

pub(crate) fn strings(pointer: &str) -> BTreeSet<String> {
    let list = at(pointer).as_array().expect("a list").iter();
    list.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// What a reference leads to; another value is itself.
pub(crate) fn resolved(value: &'static Value) -> &'static Value {
    let reference = value["$ref"].as_str();
    reference.map_or(value, |reference| at(reference.strip_prefix('#').expect("into this document")))
}

/// The members of the objects that a schema describes, with what is said of each.
pub(crate) fn members(schema: &str) -> BTreeMap<String, &'static Value> {
    members_of(at(&format!("/components/schemas/{schema}")))
}

fn members_of(schema: &'static Value) -> BTreeMap<String, &'static Value> {
    let bases = schema["allOf"].as_array().into_iter().flatten();
    let mut all: BTreeMap<_, _> = bases.flat_map(|base| members_of(resolved(base))).collect();
    let own = schema["properties"].as_object().into_iter().flatten();
    all.extend(own.map(|(name, member)| (name.clone(), member)));
    all
}

/// The words of an enumeration, which serde names where it is given another one.
pub(crate) fn words<T: DeserializeOwned>(other: Value) -> BTreeSet<String> {
    let fault = serde_json::from_value::<T>(other).err().expect("not one of them").to_string();
    let expected = fault.split_once("expected ").expect("a list of words").1;
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
