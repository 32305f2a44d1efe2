//! What commands are given, checked: the fields that requests of all services have.

use std::fmt::Display;

use signoff_contract::convert::text;
use signoff_workflow::Violations;

/// Longest note or reason, in characters.
pub const MAX_TEXT: usize = 4_000;

/// An etag that may be left empty.
pub fn etag(given: String) -> Option<String> {
    (!given.is_empty()).then_some(given)
}

/// A text that may be left empty.
pub fn optional_text(
    given: String,
    path: impl Display,
    violations: &mut Violations,
) -> Option<String> {
    plain_text(&given, path, false, violations);
    (!given.is_empty()).then_some(given)
}

/// A text that must be there.
pub fn required_text(
    given: String,
    path: impl Display,
    violations: &mut Violations,
) -> Option<String> {
    plain_text(&given, path, true, violations).then_some(given)
}

/// A text of people: bounded, and without control characters but tabs and ends of lines. Each of
/// those would take six bytes in the trail, whose records are bounded.
pub fn plain_text(
    given: &str,
    path: impl Display,
    required: bool,
    violations: &mut Violations,
) -> bool {
    let before = violations.total();
    text(given, &path, MAX_TEXT, required, violations);
    let strange = |c: char| c.is_control() && !matches!(c, '\0' | '\t' | '\n' | '\r');
    if given.contains(strange) {
        violations.add(path.to_string(), "contains a control character");
    }
    violations.total() == before
}

/// Whether a list is not too long.
pub fn fits(len: usize, most: usize, path: &str, violations: &mut Violations) -> bool {
    if len > most {
        violations.add(path, format!("has {len} entries; at most {most} fit into one call"));
    }
    len <= most
}
