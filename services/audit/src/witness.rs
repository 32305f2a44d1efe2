//! Whether history, and what it is the history of, are what the trail says: nothing altered, added or
//! gone behind the service's back.

mod rows;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use signoff_backend::ServiceError as _;
use signoff_ledger::{Contradictions, DetailChunk, KeptRows, Record, Testimony, Verdict, Witness};
use signoff_workflow::Workflow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::commands::COLUMNS;
use crate::domain::error::Error;
use crate::domain::history::{SubjectType, states_told};

/// Follows a workflow's chain, and looks for what it says.
pub(crate) struct Rows {
    workflow: Workflow,
    /// What the chain said about gates, and about the end of the workflow.
    kept: KeptRows,
    /// How many rows of history it spoke of.
    told: i64,
    /// The record that went by last, if it was about a subject.
    current: Option<rows::Author>,
}

/// A chunk of details.
#[derive(Deserialize)]
struct Claim {
    columns: Vec<String>,
    rows: Vec<(String, Uuid, i64, String, String)>,
}

impl Rows {
    /// Of a workflow.
    pub(crate) fn of(workflow: Workflow) -> Self {
        Self { workflow, kept: KeptRows::of(workflow), told: 0, current: None }
    }

    async fn follow(
        &mut self,
        connection: &mut PgConnection,
        record: &Record,
    ) -> Result<Result<(), String>, Error> {
        self.current = None;
        let Ok(content) = record.content() else {
            return Ok(Err("its bytes cannot be read as a record".to_owned()));
        };
        match self.kept.ends(record, content.after.as_ref()) {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(())),
            Err(what) => return Ok(Err(what)),
        }
        let Ok(subject) = Uuid::try_parse(&record.subject) else {
            self.kept.gate(record, content.after);
            return Ok(Ok(()));
        };
        let author = rows::Author::of(record, content.reason);
        let found = rows::states(connection, self.workflow, &author, subject).await?;
        let found = found.and_then(|(of, before, after)| {
            Some(states_told(SubjectType::named(&of).ok()?, before, after))
        });
        if found != Some((content.before, content.after)) {
            return Ok(Err(format!("the history of {subject} is not what was recorded")));
        }
        self.current = Some(author);
        Ok(Ok(()))
    }

    async fn look(
        &mut self,
        connection: &mut PgConnection,
        chunk: &DetailChunk,
    ) -> Result<Result<(), String>, Error> {
        let Some(author) = &self.current else {
            return Ok(Err("it has details, but is about no subject".to_owned()));
        };
        let claim: Claim = match serde_json::from_slice(&chunk.body) {
            Ok(claim) => claim,
            Err(error) => return Ok(Err(format!("its details cannot be read: {error}"))),
        };
        if claim.columns != COLUMNS {
            return Ok(Err("its details have other columns".to_owned()));
        }
        let count = i64::try_from(claim.rows.len()).unwrap_or(i64::MAX);
        self.told += count;
        let mut wanted: HashMap<Uuid, (String, i64, String, String)> = claim
            .rows
            .into_iter()
            .map(|(kind, id, revision, change, hash)| (id, (kind, revision, change, hash)))
            .collect();
        let ids: Vec<Uuid> = wanted.keys().copied().collect();
        for (id, row) in rows::claimed(connection, self.workflow, author, &ids).await? {
            if wanted.get(&id) == Some(&row) {
                wanted.remove(&id);
            }
        }
        Ok(match wanted.keys().min() {
            Some(id) => Err(format!("the history of {id} is not what was recorded")),
            None => Ok(()),
        })
    }

    async fn compare(&self, connection: &mut PgConnection) -> Result<Contradictions, Error> {
        let mut found = Contradictions::default();
        let workflow = self.workflow;
        let there = rows::count(connection, workflow).await?;
        if there != self.told {
            let told = self.told;
            let what = format!("{told} rows of history were recorded, and {there} are there");
            found.note(None, what);
        }
        if let Some((id, record)) = rows::torn(connection, workflow).await? {
            found.note(Some(record), format!("the changes of {id} do not follow each other"));
        }
        if let Some((id, record)) = rows::differs_from_history(connection, workflow).await? {
            found.note(record, format!("the state of {id} is not what its history says"));
        }
        if let Some(id) = rows::follows_wrongly(connection, workflow).await? {
            let what = "does not follow from its documents, executions and actions";
            found.note(None, format!("how far test case {id} is {what}"));
        }
        if let Some(lob) = rows::counted_wrongly(connection, workflow).await? {
            found.note(None, format!("the counts of lane {lob} are not those of its test cases"));
        }
        self.kept.compare(connection, &mut found).await?;
        Ok(found)
    }
}

impl Witness for Rows {
    async fn record(&mut self, connection: &mut PgConnection, record: &Record) -> Testimony {
        self.follow(connection, record).await.map_err(Error::into_ledger_error)
    }

    async fn chunk(&mut self, connection: &mut PgConnection, chunk: &DetailChunk) -> Testimony {
        self.look(connection, chunk).await.map_err(Error::into_ledger_error)
    }

    async fn end(&mut self, connection: &mut PgConnection) -> Verdict {
        let found = self.compare(connection).await.map_err(Error::into_ledger_error)?;
        Ok(found.first())
    }
}

/// What a change is about, and the states before and after it.
type States = Option<(String, Option<Value>, Value)>;
