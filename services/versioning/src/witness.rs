//! Whether versions, items, rulings and what is kept beside them are what the trail says: nothing altered, added or gone
//! behind the service's back.

mod beside;
mod claims;
mod rows;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use beside::Beside;
use chrono::{DateTime, Utc};
use claims::Claim;
use rows::{Author, Sums};
use serde_json::{Map, Value};
use signoff_backend::{Fault, ServiceError as _};
use signoff_ledger::{
    Contradiction, Contradictions, DetailChunk, KeptRows, Record, Testimony, Verdict, Witness,
};
use signoff_workflow::{PhaseTable, Workflow};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::error::Error;

/// Follows a workflow's chain, and looks for what it says.
pub(crate) struct Rows {
    workflow: Workflow,
    phases: PhaseTable,
    versions: HashMap<Uuid, Seen>,
    /// What the chain said about gates, and about the end of the workflow.
    kept: KeptRows,
    /// What the chain said about rows beside versions.
    beside: Beside,
    /// Whose record went by last, and who made it.
    current: Option<(Uuid, Author)>,
}

/// What the chain has said about a version so far.
#[derive(Default)]
struct Seen {
    line_no: i64,
    number: i32,
    header: Map<String, Value>,
    /// The record that spoke of a field last.
    told: HashMap<String, i64>,
    metadata: String,
    phase_data: String,
    /// The first and the last record about it, and when each was recorded.
    first: (i64, DateTime<Utc>),
    last: (i64, DateTime<Utc>),
    /// The highest number of an item that was put forward in it.
    last_item: i32,
    sums: Sums,
}

impl Rows {
    /// Of a workflow.
    pub(crate) fn of(workflow: Workflow, phases: PhaseTable) -> Self {
        Self {
            workflow,
            phases,
            versions: HashMap::new(),
            kept: KeptRows::of(workflow),
            beside: Beside::default(),
            current: None,
        }
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
        let after = content.after.as_ref();
        match self.kept.ends(record, after) {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(())),
            Err(what) => return Ok(Err(what)),
        }
        if let Some(found) = self.beside.follow(connection, record, after).await {
            return found;
        }
        let Ok(version_id) = Uuid::try_parse(&record.subject) else {
            self.kept.gate(record, content.after);
            return Ok(Ok(()));
        };
        let seen = match self.versions.entry(version_id) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(unseen) => {
                let found = rows::version(connection, self.workflow, version_id).await?;
                let Some((line_no, number, phase)) = found else {
                    return Ok(Err(format!("its version {version_id} is gone")));
                };
                if record.phase != Some(phase) {
                    return Ok(Err(format!("its version {version_id} is one of another phase")));
                }
                let first = (record.sequence, record.recorded_at);
                unseen.insert(Seen { line_no, number, first, ..Seen::default() })
            }
        };
        seen.last = (record.sequence, record.recorded_at);
        if let Some(Value::Object(after)) = content.after {
            seen.told.extend(after.keys().map(|field| (field.clone(), record.sequence)));
            seen.header.extend(after);
        }
        self.current = Some((version_id, Author::of(record)));
        Ok(Ok(()))
    }

    async fn look(
        &mut self,
        connection: &mut PgConnection,
        chunk: &DetailChunk,
    ) -> Result<Result<(), String>, sqlx::Error> {
        let Some((version_id, author)) = self.current else {
            return Ok(Err("it has details, but is about no version".to_owned()));
        };
        let Some(seen) = self.versions.get_mut(&version_id) else { return Ok(Ok(())) };
        let claim = match Claim::read(&chunk.body) {
            Ok(claim) => claim,
            Err(error) => return Ok(Err(format!("its details cannot be read: {error}"))),
        };
        let (line_no, number) = (seen.line_no, seen.number);
        let ended = claim.ended();
        seen.sums.ended += count(&ended);
        if !ended.is_empty()
            && let Err(what) = rows::ended(connection, line_no, number, &ended).await?
        {
            return Ok(Err(what));
        }
        match claim {
            Claim::Contents(claimed) => {
                seen.sums.contents += count(&claimed);
                let items = claimed.iter().map(|content| content.item_no);
                seen.last_item = items.fold(seen.last_item, i32::max);
                rows::contents(connection, line_no, number, author, &claimed).await
            }
            Claim::Rulings(claimed) => {
                seen.sums.rulings += count(&claimed);
                let changes = claimed.iter().filter(|ruling| ruling.change_hash.is_some());
                seen.sums.changes += i64::try_from(changes.count()).unwrap_or(i64::MAX);
                rows::rulings(connection, line_no, number, author, &claimed).await
            }
            Claim::Restated(claimed) => {
                seen.sums.rulings += count(&claimed);
                rows::restated(connection, line_no, number, author, &claimed).await
            }
            Claim::Description(pieces) => {
                for field in pieces.iter().map(|piece| &piece.field) {
                    seen.told.insert(field.clone(), seen.last.0);
                }
                for piece in pieces {
                    let text = match piece.field.as_str() {
                        "metadata" => &mut seen.metadata,
                        _ => &mut seen.phase_data,
                    };
                    if piece.piece == 0 {
                        text.clear();
                    }
                    text.push_str(&piece.json);
                }
                Ok(Ok(()))
            }
        }
    }

    async fn close(&mut self, connection: &mut PgConnection) -> Result<Contradictions, Error> {
        let mut found = Contradictions::default();
        let stored = rows::headers(connection, self.workflow).await?;
        let mut there = HashSet::new();
        for header in &stored {
            let id = header.version_id;
            let Some(seen) = self.versions.get(&id) else {
                found.note(None, format!("version {id} is in no record"));
                continue;
            };
            if !there.insert(id) {
                found.note(Some(seen.first.0), format!("version {id} is there twice"));
            }
            for field in header.differing(&seen.header, &seen.metadata, &seen.phase_data) {
                let record = seen.told.get(field).copied().unwrap_or(seen.first.0);
                found.note(Some(record), format!("version {id}: its {field} {ANOTHER}"));
            }
            let times = [
                ("recorded_at", header.recorded_at, seen.first),
                ("updated_at", header.updated_at, seen.last),
            ];
            for (field, at, (record, told)) in times {
                if at != told {
                    found.note(Some(record), format!("version {id}: its {field} {ANOTHER}"));
                }
            }
        }
        for (id, seen) in self.versions.iter().filter(|(id, _)| !there.contains(*id)) {
            found.note(Some(seen.first.0), format!("version {id} is gone"));
        }
        self.close_lines(connection, &mut found).await?;
        for id in rows::wrong_artifacts(connection, self.workflow, &self.phases).await? {
            let record = self.versions.get(&id).map(|seen| seen.last.0);
            found.note(record, format!("the artifact of version {id} is not what was approved"));
        }
        self.beside.close(connection, self.workflow, &mut found).await?;
        self.kept.compare(connection, &mut found).await?;
        Ok(found)
    }

    /// Compares the sums of lines: no record has written what they have too much, or is the only one
    /// that could have written what they lack.
    async fn close_lines(
        &self,
        connection: &mut PgConnection,
        found: &mut Contradictions,
    ) -> Result<(), Error> {
        let mut recorded: HashMap<i64, (i32, i32, Sums)> = HashMap::new();
        for seen in self.versions.values() {
            let (number, item, sums) = recorded.entry(seen.line_no).or_default();
            *number = seen.number.max(*number);
            *item = seen.last_item.max(*item);
            *sums += seen.sums;
        }
        for (line_no, number, item) in rows::lines(connection, self.workflow).await? {
            let told = recorded.get(&line_no).map(|(number, item, _)| (*number, *item));
            if told != Some((number, item)) {
                found.note(None, "a line's last numbers are not those that were recorded");
            }
        }
        for (line_no, (.., sums)) in recorded {
            let there = rows::sums(connection, line_no).await?;
            if there != sums {
                found.note(None, format!("a line has {there}; recorded were {sums}"));
            }
            if rows::wrong_makers(connection, line_no).await? {
                found.note(None, "whose contents a line has is not what its contents say");
            }
        }
        Ok(())
    }
}

/// How a row's field is spoken of that somebody altered.
const ANOTHER: &str = "is not what was recorded";

fn count<T>(all: &[T]) -> i64 {
    i64::try_from(all.len()).unwrap_or(i64::MAX)
}

impl Witness for Rows {
    async fn record(&mut self, connection: &mut PgConnection, record: &Record) -> Testimony {
        self.follow(connection, record).await.map_err(Error::into_ledger_error)
    }

    async fn chunk(&mut self, connection: &mut PgConnection, chunk: &DetailChunk) -> Testimony {
        Ok(self.look(connection, chunk).await?)
    }

    async fn end(&mut self, connection: &mut PgConnection) -> Verdict {
        match self.close(connection).await {
            Ok(found) => Ok(found.first()),
            // The service never writes what it cannot read.
            Err(Error::Fault(Fault::Internal(what))) => Ok(Err(Contradiction {
                record: None,
                what: format!("a row cannot be read: {what}"),
            })),
            Err(error) => Err(error.into_ledger_error()),
        }
    }
}
