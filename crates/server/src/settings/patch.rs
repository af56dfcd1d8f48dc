//! Merge patches (RFC 7396) and paths into JSON.

use std::collections::BTreeSet;

use api::SettingsError;
use serde_json::{Map, Value};

/// RFC 7396 §2: `null` removes a key, so that the default comes back.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Joins two merge patches: what the later says wins, and `null` stays.
pub fn merge_keeping_null(target: &mut Value, later: Value) {
    match (target, later) {
        (Value::Object(target), Value::Object(later)) => {
            for (key, value) in later {
                merge_keeping_null(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, later) => *target = later,
    }
}

pub(super) fn drop_empty(value: &mut Value) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(drop_empty);
        map.retain(|_, value| value.as_object().is_none_or(|inner| !inner.is_empty()));
    }
}

/// The dotted paths of all values that are no objects.
pub fn paths(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(value, &path, all);
                }
            }
            _ => {
                all.insert(path.to_owned());
            }
        }
    }
    let mut all = BTreeSet::new();
    walk(value, "", &mut all);
    all
}

pub(super) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// What of `these` differs from `others`, by path.
pub(super) fn difference(these: &Value, others: &Value) -> Value {
    let differing = paths(these).into_iter().filter(|path| at(these, path) != at(others, path));
    let values = differing.filter_map(|path| Some((path.clone(), at(these, &path)?.clone())));
    Value::Object(values.collect())
}

pub(super) fn note(values: &mut Value, path: &str, text: &str) {
    if let Value::Object(map) = values {
        map.insert(path.to_owned(), text.into());
    }
}

pub(super) fn said(secret: &Option<String>) -> &'static str {
    if secret.is_some() { "(set)" } else { "(removed)" }
}

/// Takes a secret out of the patch: `None` when it is not there, `Some(None)` to remove it.
pub(super) fn secret(
    patch: &mut Value,
    folder: &[&str],
    key: &str,
) -> Result<Option<Option<String>>, SettingsError> {
    let place = folder.iter().try_fold(patch, |value, key| value.get_mut(*key));
    let Some(Value::Object(map)) = place else { return Ok(None) };
    match map.remove(key) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) if text.is_empty() => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text))),
        Some(_) => Err(super::invalid(&format!("{}.{key}", folder.join(".")), "a text")),
    }
}
