//! What is kept of each change.

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_ledger::Origin;
use uuid::Uuid;

use super::words::words;

words! {
    /// What a change is about.
    SubjectType, "subject type":
    /// An assignment of a data owner.
    Assignment = "assignment",
    /// A plan of test cases.
    TestPlan = "test_plan",
    /// A test case.
    TestCase = "test_case",
    /// A submission of a document.
    Document = "document",
    /// An execution of a test case.
    Execution = "execution",
    /// A request for action.
    Action = "action",
    /// What somebody recorded in a form of their own.
    Record = "record",
}

/// One row of history.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its id.
    pub history_id: Uuid,
    /// The record of the trail that it belongs to.
    pub record_no: i64,
    /// The phase, by its slug.
    pub phase: String,
    /// What it is about.
    pub subject_type: SubjectType,
    /// Which of them.
    pub subject_id: Uuid,
    /// 1, 2, 3 … of the subject.
    pub revision: i64,
    /// What happened.
    pub change_type: String,
    /// By whom.
    pub changed_by: i64,
    /// Why.
    pub reason: Option<String>,
    /// What was before.
    pub previous_state: Option<Value>,
    /// What is after.
    pub new_state: Value,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Whether it happened here.
    pub origin: Origin,
}

impl Change {
    /// The fields of the state that differ, in order. Of what is new: those that are set.
    pub fn changed_fields(&self) -> Vec<String> {
        let before =
            |field: &str| self.previous_state.as_ref().and_then(|before| before.get(field));
        let fields = self.new_state.as_object().into_iter().flatten();
        fields
            .filter(|(field, value)| before(field).unwrap_or(&Value::Null) != *value)
            .map(|(field, _)| field.clone())
            .collect()
    }
}

/// What a record of the trail says of the states of its subject: how they differ. What somebody
/// recorded in a form of their own may be as long as a record: its row of details has its hash.
pub fn states_told(
    of: SubjectType,
    before: Option<Value>,
    after: Value,
) -> (Option<Value>, Option<Value>) {
    if of == SubjectType::Record {
        return (None, None);
    }
    let (before, after) = differences(before, after);
    (before, Some(after))
}

/// Two states without the fields that are the same in both: what a record of the trail says, whose
/// length is bounded. Of what is new, all.
pub fn differences(before: Option<Value>, after: Value) -> (Option<Value>, Value) {
    let Some(before) = before else { return (None, after) };
    let (before, after) = signoff_backend::differing(before, after, &[]);
    (Some(before), after)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(previous_state: Option<Value>, new_state: Value) -> Change {
        Change {
            history_id: Uuid::nil(),
            record_no: 1,
            phase: "test-execution".to_owned(),
            subject_type: SubjectType::TestCase,
            subject_id: Uuid::nil(),
            revision: 2,
            change_type: "moved".to_owned(),
            changed_by: 1,
            reason: None,
            previous_state,
            new_state,
            occurred_at: DateTime::UNIX_EPOCH,
            recorded_at: DateTime::UNIX_EPOCH,
            origin: Origin::Native,
        }
    }

    #[test]
    fn a_change_names_the_fields_that_differ() {
        let before = json!({"a": 1, "b": null, "c": "x"});
        let after = json!({"a": 1, "b": 2, "c": null});
        assert_eq!(change(Some(before), after.clone()).changed_fields(), ["b", "c"]);
        assert_eq!(change(Some(after.clone()), after).changed_fields(), Vec::<String>::new());
    }

    #[test]
    fn of_what_is_new_the_fields_that_are_set_are_named() {
        let after = json!({"a": 1, "b": 2, "c": null});
        assert_eq!(change(None, after).changed_fields(), ["a", "b"]);
    }

    #[test]
    fn what_is_the_same_before_and_after_is_left_out() {
        let before = json!({"a": 1, "b": null, "gone": true});
        let after = json!({"a": 1, "b": 2, "new": [3]});
        let told = differences(Some(before), after.clone());
        assert_eq!(told, (Some(json!({"b": null, "gone": true})), json!({"b": 2, "new": [3]})));
        assert_eq!(differences(None, after.clone()), (None, after));
    }

    #[test]
    fn what_may_be_long_is_not_told() {
        let state = json!({"k": "v"});
        assert_eq!(states_told(SubjectType::Record, None, state.clone()), (None, None));
        assert_eq!(states_told(SubjectType::Action, None, state.clone()), (None, Some(state)));
    }
}
