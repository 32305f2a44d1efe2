//! What the chain says of rows beside versions: sign-offs, remedies, final documents.
//!
//! Their records have a subject of their own kind: `sign_off:`, `remediation:` and `final_document:`,
//! each with an id.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use signoff_ledger::{Contradictions, Record};
use signoff_workflow::Workflow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::commands::{document_subject, remediation_subject, sign_off_subject};
use crate::domain::error::Error;
use crate::domain::ids::DecisionId;
use crate::store::{facts, sign_offs};

type Found = Result<Result<(), String>, Error>;

/// What the chain has said of them so far.
#[derive(Default)]
pub(super) struct Beside {
    sign_offs: HashMap<Uuid, Told>,
    remediations: i64,
    documents: i64,
}

/// What was said of a row that changes: each field with the record that said it last.
#[derive(Default)]
struct Told {
    fields: HashMap<String, (i64, Value)>,
    first: i64,
}

/// What a record is about.
enum Subject {
    SignOff(Uuid),
    Remediation(DecisionId),
    Document(Uuid),
}

impl Subject {
    /// `None` for what is no row beside a version.
    fn read(subject: &str) -> Option<Self> {
        let id = Uuid::try_parse(subject.split_once(':')?.1).ok()?;
        if subject == sign_off_subject(id) {
            return Some(Self::SignOff(id));
        }
        if subject == document_subject(id) {
            return Some(Self::Document(id));
        }
        DecisionId::from_uuid(id)
            .filter(|id| subject == remediation_subject(*id))
            .map(Self::Remediation)
    }
}

impl Beside {
    /// Takes up a record, and compares the row that it wrote, if that never changes again; `None`
    /// for a record about something else.
    pub(super) async fn follow(
        &mut self,
        connection: &mut PgConnection,
        record: &Record,
        after: Option<&Value>,
    ) -> Option<Found> {
        let subject = Subject::read(&record.subject)?;
        let Some(Value::Object(after)) = after else {
            return Some(Ok(Err("it does not say what it wrote".to_owned())));
        };
        Some(match subject {
            Subject::SignOff(id) => {
                let first = Told { first: record.sequence, ..Told::default() };
                let told = after
                    .iter()
                    .map(|(field, value)| (field.clone(), (record.sequence, value.clone())));
                self.sign_offs.entry(id).or_insert(first).fields.extend(told);
                Ok(Ok(()))
            }
            Subject::Remediation(id) => {
                self.remediations += 1;
                compare_remediation(connection, id, after).await
            }
            Subject::Document(version_id) => {
                self.documents += 1;
                compare_document(connection, version_id, after).await
            }
        })
    }

    /// Compares the rows that change with what was said last, and counts all of them.
    pub(super) async fn close(
        &self,
        connection: &mut PgConnection,
        workflow: Workflow,
        found: &mut Contradictions,
    ) -> Result<(), Error> {
        let stored = sign_offs::of_workflow(connection, workflow).await?;
        let mut there = HashSet::new();
        for sign_off in &stored {
            let id = sign_off.sign_off_id;
            let Some(told) = self.sign_offs.get(&id) else {
                found.note(None, format!("sign-off {id} is in no record"));
                continue;
            };
            if !there.insert(id) {
                found.note(Some(told.first), format!("sign-off {id} is there twice"));
            }
            let summary = sign_off.summary();
            for (field, value) in summary.as_object().into_iter().flatten() {
                let said = told.fields.get(field);
                if said.map(|(_, value)| value) != Some(value) {
                    let record = said.map_or(told.first, |(record, _)| *record);
                    let what = format!("sign-off {id}: its {field} is not what was recorded");
                    found.note(Some(record), what);
                }
            }
        }
        for (id, told) in self.sign_offs.iter().filter(|(id, _)| !there.contains(*id)) {
            found.note(Some(told.first), format!("sign-off {id} is gone"));
        }
        for id in misdated_sign_offs(connection, workflow).await? {
            let record = self.sign_offs.get(&id).map(|told| told.first);
            found.note(record, format!("sign-off {id} was written at another time than recorded"));
        }
        let (remediations, documents) = facts::counts(connection, workflow).await?;
        if (remediations, documents) != (self.remediations, self.documents) {
            let what = format!(
                "there are {remediations} updates of remedies and {documents} final documents; \
                 recorded were {} and {}",
                self.remediations, self.documents
            );
            found.note(None, what);
        }
        Ok(())
    }
}

/// Sign-offs that were not written when they were asked for, by what their rows say.
async fn misdated_sign_offs(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "select sign_off_id from sign_offs s join lines l using (line_no)
         where l.cycle_id = $1 and l.report_id = $2
             and (s.occurred_at, s.recorded_at, s.origin) <> (requested_at, requested_at, 'native')",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_all(connection)
    .await
}

/// Whether an update of a remedy was written at another time than it says.
async fn misdated_remediation(
    connection: &mut PgConnection,
    id: DecisionId,
    revision: i32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (
             select from remediations where line_no = $1 and item_no = $2 and revision = $3
                 and (occurred_at, recorded_at, origin) <> (updated_at, updated_at, 'native'))",
    )
    .bind(id.line_no)
    .bind(id.item_no)
    .bind(revision)
    .fetch_one(connection)
    .await
}

/// Whether a final document was attached at another time than it says.
async fn misdated_document(
    connection: &mut PgConnection,
    version_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (
             select from final_documents d join versions v using (line_no, number)
             where v.version_id = $1
                 and (d.occurred_at, d.recorded_at, d.origin)
                     <> (attached_at, attached_at, 'native'))",
    )
    .bind(version_id)
    .fetch_one(connection)
    .await
}

async fn compare_remediation(
    connection: &mut PgConnection,
    id: DecisionId,
    recorded: &Map<String, Value>,
) -> Found {
    let revision = recorded.get("revision").and_then(Value::as_i64);
    let revision = revision.and_then(|revision| i32::try_from(revision).ok()).unwrap_or(0);
    let found = facts::remediation(connection, id.line_no, id.item_no, revision).await?;
    if misdated_remediation(connection, id, revision).await? {
        return Ok(Err(format!("the time of the remedy of {id} is not what was recorded")));
    }
    Ok(match found.map(|found| found.summary()) {
        None => Err(format!("update {revision} of the remedy of {id} is gone")),
        Some(found) => match differs(&found, recorded) {
            Some(field) => {
                Err(format!("the {field} of the remedy of {id} is not what was recorded"))
            }
            None => Ok(()),
        },
    })
}

async fn compare_document(
    connection: &mut PgConnection,
    version_id: Uuid,
    recorded: &Map<String, Value>,
) -> Found {
    let found = facts::document(connection, version_id).await?;
    if misdated_document(connection, version_id).await? {
        let what = "is not what was recorded";
        return Ok(Err(format!("the time of the final document of version {version_id} {what}")));
    }
    Ok(match found.map(|found| found.summary()) {
        None => Err(format!("the final document of version {version_id} is gone")),
        Some(found) => match differs(&found, recorded) {
            Some(field) => Err(format!(
                "the {field} of the final document of version {version_id} is not what was recorded"
            )),
            None => Ok(()),
        },
    })
}

/// The first field of a row that is not what was recorded.
fn differs<'a>(row: &'a Value, recorded: &Map<String, Value>) -> Option<&'a str> {
    let fields = row.as_object()?;
    fields
        .iter()
        .find(|(field, value)| recorded.get(*field) != Some(*value))
        .map(|(field, _)| field.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_tell_what_a_record_is_about() {
        let id = Uuid::now_v7();
        let decision = DecisionId { line_no: 1, item_no: 2, version: 3 };
        let read = |text: &str| Subject::read(text);
        assert!(matches!(read(&sign_off_subject(id)), Some(Subject::SignOff(of)) if of == id));
        assert!(matches!(read(&document_subject(id)), Some(Subject::Document(of)) if of == id));
        let remedy = read(&remediation_subject(decision));
        assert!(matches!(remedy, Some(Subject::Remediation(of)) if of == decision));
        for other in [id.to_string(), "planning".to_owned(), format!("remediation:{id}")] {
            assert!(read(&other).is_none(), "{other}");
        }
    }
}
