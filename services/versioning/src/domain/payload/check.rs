//! Checks of single fields, each of which notes what is wrong under the field's path.

use std::fmt;

use chrono::{Datelike as _, NaiveDate};
use signoff_workflow::Violations;
use uuid::Uuid;

use super::fields::Object;
use super::json;

pub use super::json::{MAX_BYTES as MAX_JSON_BYTES, MAX_DEPTH as MAX_JSON_DEPTH};

/// Longest name, title or identifier, in characters.
pub const MAX_NAME: usize = 255;
/// Longest reason or rationale, in characters.
pub const MAX_REASON: usize = 4_000;
/// Longest content of a report section, in characters.
pub const MAX_CONTENT: usize = 200_000;
/// Most entries of a list.
pub const MAX_ENTRIES: usize = 1_000;

/// Checks the fields of one message.
pub struct Check<'a> {
    path: fmt::Arguments<'a>,
    violations: &'a mut Violations,
}

impl<'a> Check<'a> {
    /// Of the message at `path`; what is wrong goes into `violations`.
    pub fn new(path: fmt::Arguments<'a>, violations: &'a mut Violations) -> Self {
        Self { path, violations }
    }

    /// Notes that a field is at fault.
    pub fn refuse(&mut self, field: impl fmt::Display, why: impl Into<String>) {
        let path = self.path;
        self.violations.add(format!("{path}.{field}"), why);
    }

    /// The path of the message, and where to note what is wrong with it.
    pub fn parts(&mut self) -> (fmt::Arguments<'a>, &mut Violations) {
        (self.path, self.violations)
    }

    /// A text of at most `max` characters, without NUL. It may be empty.
    pub fn text(&mut self, field: impl fmt::Display, value: &str, max: usize) {
        if let Some(fault) = text_fault(value, max) {
            self.refuse(field, fault);
        }
    }

    /// A text that must not be empty or blank.
    pub fn required_text(&mut self, field: impl fmt::Display, value: &str, max: usize) {
        if value.trim().is_empty() {
            self.refuse(field, "is required");
        } else {
            self.text(field, value, max);
        }
    }

    /// A list of names: at most [`MAX_ENTRIES`], none empty, each at most [`MAX_NAME`] characters.
    pub fn names(&mut self, field: &str, values: &[String]) {
        self.entries(field, values.len());
        for (i, value) in values.iter().enumerate().take(MAX_ENTRIES) {
            self.required_text(format_args!("{field}[{i}]"), value, MAX_NAME);
        }
    }

    /// The length of a list.
    pub fn entries(&mut self, field: &str, count: usize) {
        if count > MAX_ENTRIES {
            self.refuse(field, format!("has {count} entries; at most {MAX_ENTRIES} are taken"));
        }
    }

    /// Free-form JSON within its bounds of depth and length.
    pub fn object(&mut self, field: &str, value: Option<&Object>) {
        if let Some(fault) = value.and_then(json::fault) {
            self.refuse(field, fault);
        }
    }

    /// A UUID in its hyphenated form. Where it is wrong, that is noted and the answer is nil.
    pub fn id(&mut self, field: impl fmt::Display, value: &str) -> Uuid {
        if value.is_empty() {
            self.refuse(field, "is required");
            return Uuid::nil();
        }
        self.optional_id(field, value).unwrap_or_default()
    }

    /// A UUID in its hyphenated form, or nothing where it is empty or wrong; the latter is noted.
    pub fn optional_id(&mut self, field: impl fmt::Display, value: &str) -> Option<Uuid> {
        if value.is_empty() {
            return None;
        }
        let id = parse_id(value);
        if id.is_none() {
            self.refuse(field, "is not a UUID in its hyphenated form");
        }
        id
    }

    /// A list of UUIDs: at most [`MAX_ENTRIES`]. A wrong one is noted, and nil stands in its place.
    pub fn ids(&mut self, field: &str, values: &[String]) -> Vec<Uuid> {
        self.entries(field, values.len());
        let mut ids = Vec::with_capacity(values.len().min(MAX_ENTRIES));
        for (i, value) in values.iter().enumerate().take(MAX_ENTRIES) {
            ids.push(self.id(format_args!("{field}[{i}]"), value));
        }
        ids
    }

    /// A date of four-digit years, as its written form asks.
    pub fn date(&mut self, field: &str, value: Option<NaiveDate>) {
        if value.is_some_and(|date| !(0..=9_999).contains(&date.year())) {
            self.refuse(field, "is not a date of the form YYYY-MM-DD");
        }
    }

    /// A date, YYYY-MM-DD, or nothing where it is empty or wrong; the latter is noted.
    pub fn optional_date(&mut self, field: &str, value: &str) -> Option<NaiveDate> {
        if value.is_empty() {
            return None;
        }
        let date = parse_date(value);
        if date.is_none() {
            self.refuse(field, "is not a date of the form YYYY-MM-DD");
        }
        date
    }
}

/// What is wrong with a text of at most `max` characters.
pub(super) fn text_fault(value: &str, max: usize) -> Option<String> {
    if value.contains('\0') {
        return Some("contains the character U+0000".to_owned());
    }
    // There are never more characters than bytes.
    if value.len() > max {
        let count = value.chars().count();
        if count > max {
            return Some(format!("is {count} characters long; at most {max} are taken"));
        }
    }
    None
}

/// A date, YYYY-MM-DD.
pub fn parse_date(value: &str) -> Option<NaiveDate> {
    // The parser alone would let 2026-1-5 through.
    NaiveDate::parse_from_str(value, "%Y-%m-%d")
        .ok()
        .filter(|date| date.to_string() == value && (0..=9_999).contains(&date.year()))
}

/// A UUID in its hyphenated form, in either case.
pub(super) fn parse_id(value: &str) -> Option<Uuid> {
    (value.len() == 36).then(|| Uuid::parse_str(value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(run: impl FnOnce(&mut Check<'_>)) -> Vec<(String, String)> {
        let mut violations = Violations::default();
        run(&mut Check::new(format_args!("decisions[{}].payload.sample", 3), &mut violations));
        let named = violations.named().iter();
        named.map(|violation| (violation.field.clone(), violation.description.clone())).collect()
    }

    #[test]
    fn fields_are_named_by_their_path() {
        let noted = noted(|check| check.required_text("name", " ", 5));
        assert_eq!(
            noted,
            [("decisions[3].payload.sample.name".to_owned(), "is required".to_owned())]
        );
    }

    #[test]
    fn texts_are_bounded_in_characters() {
        assert!(noted(|check| check.text("t", "€€€", 3)).is_empty());
        assert_eq!(noted(|check| check.text("t", "€€€€", 3)).len(), 1);
        assert_eq!(noted(|check| check.text("t", "a\0", 3)).len(), 1);
    }

    #[test]
    fn lists_are_bounded_and_their_entries_named() {
        let names = vec!["a".to_owned(), String::new()];
        assert_eq!(
            noted(|check| check.names("refs", &names))[0].0,
            "decisions[3].payload.sample.refs[1]"
        );
        let many = vec!["a".to_owned(); MAX_ENTRIES + 1];
        assert!(noted(|check| check.names("refs", &many[1..])).is_empty());
        assert_eq!(noted(|check| check.names("refs", &many)).len(), 1);
        let ids = vec!["x".to_owned()];
        assert_eq!(noted(|check| drop(check.ids("ids", &ids))).len(), 1);
    }

    #[test]
    fn ids_are_hyphenated_uuids() {
        let id = "6F9619FF-8B86-D011-B42D-00C04FC964FF";
        assert_eq!(parse_id(id).unwrap().to_string(), id.to_lowercase());
        for wrong in
            ["", "6f9619ff8b86d011b42d00c04fc964ff", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}", "x"]
        {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dates_are_real_and_iso() {
        for wrong in ["2026-02-30", "2026-1-5", "20260105", "2026-13-01", "-001-01-01", "today"] {
            assert_eq!(noted(|check| assert!(check.optional_date("d", wrong).is_none())).len(), 1);
        }
        assert!(
            noted(|check| assert!(check.optional_date("d", "2028-02-29").is_some())).is_empty()
        );
        assert!(noted(|check| assert!(check.optional_date("d", "").is_none())).is_empty());
    }
}
