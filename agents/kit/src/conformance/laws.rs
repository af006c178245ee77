//! Does a cursor's `merge` keep its laws? Whatever the order of proposals, the lane must end at the same place.

use serde_json::{Value, json};

use super::report::Row;
use crate::contract::Erased;

/// Most cursors that are combined; triples grow with the cube.
const MAX_CURSORS: usize = 14;

/// Tries idempotence, associativity and absorption on every triple of cursors, and commutativity unless `merge` is the default.
pub(super) fn check(collector: &dyn Erased, found: Vec<Value>, row: &mut Row) {
    let mut cursors: Vec<Value> = Vec::new();
    for cursor in found {
        for candidate in variants(&cursor) {
            if let Ok(again) = collector.reread_cursor(&candidate)
                && !cursors.contains(&again)
            {
                cursors.push(again);
            }
        }
    }
    cursors.truncate(MAX_CURSORS);
    let merge = |old: &Value, new: &Value| collector.merge(old, new).map_err(|error| error.to_string());
    let same = |law: &str, left: Result<Value, String>, right: Result<Value, String>| match (left, right) {
        (Ok(left), Ok(right)) if left == right => Ok(()),
        (Ok(left), Ok(right)) => Err(format!("{law}: {left} is not {right}")),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let opaque = cursors.iter().all(|a| cursors.iter().all(|b| merge(a, b).as_ref() == Ok(b)));
    for a in &cursors {
        row.try_one(same("merge(a, a) = a", merge(a, a), Ok(a.clone())));
        for b in &cursors {
            let ab = merge(a, b);
            if let Ok(ab) = &ab {
                row.try_one(same("merge(merge(a, b), b) = merge(a, b)", merge(ab, b), Ok(ab.clone())));
            }
            if !opaque {
                row.try_one(same("merge(a, b) = merge(b, a)", ab.clone(), merge(b, a)));
            }
            for c in &cursors {
                let left = ab.clone().and_then(|ab| merge(&ab, c));
                let right = merge(b, c).and_then(|bc| merge(a, &bc));
                row.try_one(same("merge(merge(a, b), c) = merge(a, merge(b, c))", left, right));
            }
        }
    }
}

/// A cursor and what it might be at other times: each scalar in it a little later, each list and map a little shorter.
fn variants(cursor: &Value) -> Vec<Value> {
    let mut all = vec![cursor.clone()];
    let mut pointers = Vec::new();
    collect(cursor, String::new(), &mut pointers);
    for pointer in pointers {
        let mut changed = cursor.clone();
        let Some(value) = changed.pointer_mut(&pointer) else {
            continue;
        };
        *value = match &*value {
            Value::Number(number) => json!(number.as_i64().unwrap_or_default().saturating_add(1)),
            Value::String(text) => match text.strip_suffix(|last: char| last.is_ascii_digit()) {
                Some(start) if !text.ends_with('9') => json!(format!("{start}9")),
                Some(start) => json!(format!("{start}0")),
                None => json!(format!("{text}0")),
            },
            Value::Array(values) => json!(values.iter().skip(1).collect::<Vec<_>>()),
            Value::Object(members) => {
                Value::Object(members.iter().skip(1).map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Value::Bool(flag) => json!(!flag),
            Value::Null => continue,
        };
        all.push(changed);
    }
    all
}

fn collect(value: &Value, pointer: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| {
                collect(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), into)
            });
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| collect(value, format!("{pointer}/{index}"), into))
        }
        _ => {}
    }
    into.push(pointer);
}
