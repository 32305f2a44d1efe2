//! Text within bounds.

use std::fmt::Display;

use signoff_workflow::Violations;

/// Checks a text: at most `max_chars` characters, not blank if it is `required`, and without
/// U+0000, which the database cannot keep. Notes each fault; true if there is none.
pub fn text(
    value: &str,
    path: impl Display,
    max_chars: usize,
    required: bool,
    violations: &mut Violations,
) -> bool {
    let before = violations.total();
    if required && value.trim().is_empty() {
        violations.add(path.to_string(), "is required");
    }
    // A text of no more bytes than characters allowed needs no counting.
    if value.len() > max_chars && value.chars().count() > max_chars {
        violations.add(path.to_string(), format!("is longer than {max_chars} characters"));
    }
    if value.contains('\0') {
        violations.add(path.to_string(), "contains the character U+0000");
    }
    violations.total() == before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(value: &str, max_chars: usize, required: bool) -> Vec<String> {
        let mut violations = Violations::default();
        let fine = text(value, "notes", max_chars, required, &mut violations);
        assert_eq!(fine, violations.is_empty());
        violations.named().iter().map(|v| v.description.clone()).collect()
    }

    #[test]
    fn bounds_are_in_characters() {
        assert!(faults("äöü", 3, true).is_empty());
        assert_eq!(faults("äöüß", 3, true), ["is longer than 3 characters"]);
    }

    #[test]
    fn required_text_is_not_blank() {
        assert!(faults("", 3, false).is_empty());
        assert_eq!(faults(" \n", 3, true), ["is required"]);
    }

    #[test]
    fn nul_is_refused_besides_other_faults() {
        assert_eq!(faults("a\0bc", 3, true).len(), 2);
    }
}
