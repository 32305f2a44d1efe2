//! What differs between two contents of one item.

use serde_json::Value;

use super::canonical::canonical;

/// The names of the payload's fields in which two bodies differ, sorted. A field that only one
/// of them has differs.
pub fn changed_fields(old: &Value, new: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let old = old.as_object().unwrap_or(&empty);
    let new = new.as_object().unwrap_or(&empty);
    let mut changed: Vec<String> = old
        .iter()
        .filter(|(name, value)| !new.get(*name).is_some_and(|other| same(value, other)))
        .map(|(name, _)| name)
        .chain(new.keys().filter(|name| !old.contains_key(*name)))
        .cloned()
        .collect();
    changed.sort_unstable();
    changed
}

/// Numbers that are read back from the database may differ in their type alone.
fn same(a: &Value, b: &Value) -> bool {
    a == b || canonical(a) == canonical(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_added_and_removed_fields_are_named() {
        let old = json!({"a": 1, "b": {"x": 1.0}, "c": "same", "d": null});
        let new = json!({"a": 2, "b": {"x": 1}, "c": "same", "e": []});
        assert_eq!(changed_fields(&old, &new), ["a", "d", "e"]);
        assert_eq!(changed_fields(&old, &old), Vec::<String>::new());
    }
}
