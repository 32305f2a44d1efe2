//! What is wrong with an input, all of it at once.

/// How many violations are named; the rest is counted. Error details travel in trailers, which
/// are small.
pub const MAX_NAMED: usize = 50;

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the request: `decisions[3].payload.sample.lob_id`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// All fields at fault: the first [`MAX_NAMED`] by name, and their total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    named: Vec<Violation>,
    total: usize,
}

impl Violations {
    /// Notes one more field at fault.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.total += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(Violation { field: field.into(), description: description.into() });
        }
    }

    /// Counts more fields at fault, without naming them.
    pub fn count_more(&mut self, more: usize) {
        self.total += more;
    }

    /// A single field at fault.
    pub fn one(field: impl Into<String>, description: impl Into<String>) -> Self {
        let mut violations = Self::default();
        violations.add(field, description);
        violations
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many there are, named or not.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Those that are named.
    pub fn named(&self) -> &[Violation] {
        &self.named
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_the_total_is_not() {
        let mut violations = Violations::default();
        for i in 0..MAX_NAMED + 7 {
            violations.add(format!("decisions[{i}]"), "is empty");
        }
        assert_eq!(violations.named().len(), MAX_NAMED);
        assert_eq!(violations.total(), MAX_NAMED + 7);
        violations.count_more(3);
        assert_eq!(violations.total(), MAX_NAMED + 10);
        assert!(violations.or(()).is_err());
    }

    #[test]
    fn nothing_wrong_is_no_violation() {
        assert!(Violations::default().is_empty());
        assert_eq!(Violations::default().or(7), Ok(7));
        let one = Violations::one("scope", "is missing");
        assert!(!one.is_empty());
        assert_eq!((one.total(), one.named()[0].field.as_str()), (1, "scope"));
    }
}
