//! Changes of metadata: some fields are set, the others stay (AIP-134).

use serde_json::{Map, Value};
use signoff_workflow::Violations;

use super::{Kind, Metadata, SCHEMA, Unreadable};

/// A change of a version's metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataChange {
    /// Fields that are set.
    pub set: Option<Metadata>,
    /// Fields that are emptied, if they are not set.
    pub emptied: Vec<&'static str>,
}

impl MetadataChange {
    /// Only these fields of what is given: those that are not set are emptied.
    pub fn masked(given: Option<Metadata>, fields: &[&'static str]) -> Self {
        if fields.is_empty() {
            return Self::default();
        }
        let set = given.map(|Metadata { schema, body }| {
            let set =
                object(body).into_iter().filter(|(field, _)| fields.contains(&field.as_str()));
            Metadata { schema, body: Value::Object(set.collect()) }
        });
        Self { set, emptied: fields.to_vec() }
    }

    /// What becomes of the metadata of a version whose payloads are of this kind. What is wrong with it as a whole is
    /// noted.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub fn made(
        self,
        payload_kind: &str,
        before: Option<Metadata>,
        violations: &mut Violations,
    ) -> Result<Option<Metadata>, Unreadable> {
        if self == Self::default() {
            return Ok(before);
        }
        if let (Some(kind), Some(before)) = (Kind::of(payload_kind), &before) {
            // What this release does not know is not written anew as what it knows.
            (kind.faults)(before.clone(), &mut Violations::default())?;
        }
        let mut body = before.map(|before| object(before.body)).unwrap_or_default();
        body.retain(|field, _| !self.emptied.contains(&field.as_str()));
        body.extend(self.set.map(|set| object(set.body)).unwrap_or_default());
        if body.is_empty() {
            return Ok(None);
        }
        let made = Metadata { schema: SCHEMA, body: Value::Object(body) };
        if let Some(kind) = Kind::of(payload_kind) {
            (kind.faults)(made.clone(), violations)?;
        }
        Ok(Some(made))
    }
}

/// Bodies are objects.
fn object(body: Value) -> Map<String, Value> {
    if let Value::Object(body) = body { body } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KIND: &str = "report_section";

    fn metadata(body: Value) -> Metadata {
        Metadata { schema: SCHEMA, body }
    }

    fn before() -> Option<Metadata> {
        Some(metadata(json!({"report_title": "T", "executive_summary": "S",
            "report_period_end": "2026-03-31", "requires_executive_approval": false})))
    }

    fn made(change: MetadataChange, before: Option<Metadata>) -> (Option<Value>, Vec<String>) {
        let mut violations = Violations::default();
        let made = change.made(KIND, before, &mut violations).unwrap();
        let faults = violations.named().iter().map(|fault| fault.field.clone()).collect();
        (made.map(|made| made.body), faults)
    }

    #[test]
    fn fields_that_are_not_set_stay_as_they_are() {
        let set = Some(metadata(json!({"report_title": "T2"})));
        let (after, faults) = made(MetadataChange { set, emptied: Vec::new() }, before());
        assert_eq!(
            after.unwrap(),
            json!({"report_title": "T2", "executive_summary": "S",
            "report_period_end": "2026-03-31", "requires_executive_approval": false})
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(made(MetadataChange::default(), None), (None, Vec::new()));
        let body = before().unwrap().body;
        assert_eq!(made(MetadataChange::default(), before()), (Some(body), Vec::new()));
    }

    #[test]
    fn of_fields_that_are_named_those_that_are_not_set_are_emptied() {
        let given = metadata(json!({"report_title": "T2", "report_period_start": "2026-01-01"}));
        let change = MetadataChange::masked(Some(given), &["report_title", "executive_summary"]);
        let (after, _) = made(change, before());
        assert_eq!(
            after.unwrap(),
            json!({"report_title": "T2", "report_period_end": "2026-03-31",
            "requires_executive_approval": false})
        );
        let (after, _) = made(MetadataChange::masked(None, &["report_title"]), before());
        assert_eq!(
            after.unwrap(),
            json!({"executive_summary": "S", "report_period_end": "2026-03-31",
            "requires_executive_approval": false})
        );
    }

    #[test]
    fn what_is_set_must_fit_what_stays() {
        let set = Some(metadata(json!({"report_period_start": "2026-04-01"})));
        let (_, faults) = made(MetadataChange { set, emptied: Vec::new() }, before());
        assert_eq!(faults, ["metadata.finalize_test_report.report_period_end"]);
    }

    #[test]
    fn a_mask_that_names_none_of_it_leaves_it_alone() {
        let given = || Some(metadata(json!({"report_title": "T2"})));
        assert_eq!(made(MetadataChange::masked(given(), &[]), None).0, None);
        let unreadable = Metadata { schema: SCHEMA + 1, body: json!({"later": true}) };
        let change = MetadataChange::masked(given(), &[]);
        let left = change.made(KIND, Some(unreadable.clone()), &mut Violations::default());
        assert_eq!(left.unwrap(), Some(unreadable));
    }

    #[test]
    fn nothing_is_kept_where_everything_is_emptied() {
        let all = MetadataChange::masked(None, &["report_title"]);
        let one = Some(metadata(json!({"report_title": "T"})));
        assert_eq!(made(all.clone(), one).0, None);
        assert_eq!(made(all, None).0, None);
    }

    #[test]
    fn what_cannot_be_read_is_not_changed() {
        for unreadable in [
            Metadata { schema: SCHEMA + 1, body: json!({"report_title": "T"}) },
            metadata(json!({"report_title": 7})),
        ] {
            let set = Some(metadata(json!({"report_title": "T2"})));
            let change = MetadataChange { set, emptied: Vec::new() };
            let refused = change.made(KIND, Some(unreadable), &mut Violations::default());
            assert!(refused.is_err(), "{refused:?}");
        }
    }
}
