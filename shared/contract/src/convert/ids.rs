//! Ids: UUIDs in their hyphenated form.

use std::fmt::Display;

use signoff_workflow::Violations;
use uuid::Uuid;

/// Length of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
const HYPHENATED: usize = 36;

/// A mandatory UUID of any version, in either case. Notes what is wrong if it is none.
pub fn uuid(value: &str, path: impl Display, violations: &mut Violations) -> Option<Uuid> {
    if value.is_empty() {
        violations.add(path.to_string(), "is required: a UUID");
        return None;
    }
    // The length rules out the braced, plain and URN forms, which the parser takes too.
    let parsed = (value.len() == HYPHENATED).then(|| Uuid::try_parse(value).ok()).flatten();
    if parsed.is_none() {
        violations.add(path.to_string(), "is not a UUID in hyphenated form (RFC 9562)");
    }
    parsed
}

/// A UUID that may be left empty. `None` if it is, and also if it is malformed, which is noted.
pub fn optional_uuid(value: &str, path: impl Display, violations: &mut Violations) -> Option<Uuid> {
    if value.is_empty() { None } else { uuid(value, path, violations) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018f4d2e-7c1a-7b3e-9a55-0c6a2f1e4b77";

    #[test]
    fn the_hyphenated_form_is_taken_in_either_case() {
        let mut violations = Violations::default();
        let id = uuid(ID, "id", &mut violations);
        assert_eq!(id.map(|id| id.to_string()).as_deref(), Some(ID));
        assert_eq!(uuid(&ID.to_uppercase(), "id", &mut violations), id);
        assert_eq!(optional_uuid("", "id", &mut violations), None);
        assert!(violations.is_empty());
    }

    #[test]
    fn any_other_form_is_refused_by_its_path() {
        let plain = ID.replace('-', "");
        let urn = format!("urn:uuid:{ID}");
        for bad in
            ["", "x", &plain, &urn, &format!("{{{ID}}}"), "018f4d2e-7c1a-7b3e-9a55-0c6a2f1e4b7z"]
        {
            let mut violations = Violations::default();
            assert_eq!(uuid(bad, format_args!("decisions[{}].id", 3), &mut violations), None);
            assert_eq!(violations.named()[0].field, "decisions[3].id");
        }
    }
}
