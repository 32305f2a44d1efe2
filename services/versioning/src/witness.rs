//! Whether versions, items, rulings and what is kept beside them are what the trail says: nothing altered, added or gone
//! behind the service's back.

mod beside;
mod claims;
mod rows;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use beside::Beside;
use claims::Claim;
use rows::Author;
use serde_json::{Map, Value};
use signoff_backend::ServiceError as _;
use signoff_ledger::{DetailChunk, KeptRows, Record, Testimony, Witness};
use signoff_workflow::Workflow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::error::Error;

/// Follows a workflow's chain, and looks for what it says.
pub(crate) struct Rows {
    workflow: Workflow,
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
    metadata: String,
    phase_data: String,
    contents: i64,
    rulings: i64,
    ended: i64,
}

impl Rows {
    /// Of a workflow.
    pub(crate) fn of(workflow: Workflow) -> Self {
        Self {
            workflow,
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
        let (subject, after) = (&record.subject, content.after.as_ref());
        match self.kept.ends(record, after) {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(())),
            Err(what) => return Ok(Err(what)),
        }
        if let Some(found) = self.beside.follow(connection, subject, after).await {
            return found;
        }
        let Ok(version_id) = Uuid::try_parse(&record.subject) else {
            self.kept.gate(subject, content.after);
            return Ok(Ok(()));
        };
        let seen = match self.versions.entry(version_id) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(unseen) => {
                let Some((line_no, number)) = rows::version(connection, version_id).await? else {
                    return Ok(Err(format!("its version {version_id} is gone")));
                };
                unseen.insert(Seen { line_no, number, ..Seen::default() })
            }
        };
        if let Some(Value::Object(after)) = content.after {
            seen.header.extend(after);
        }
        self.current = Some((version_id, Author { user_id: record.actor, at: record.recorded_at }));
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
        seen.ended += i64::try_from(ended.len()).unwrap_or(i64::MAX);
        if !ended.is_empty()
            && let Err(what) = rows::ended(connection, line_no, number, &ended).await?
        {
            return Ok(Err(what));
        }
        match claim {
            Claim::Contents(claimed) => {
                seen.contents += i64::try_from(claimed.len()).unwrap_or(i64::MAX);
                rows::contents(connection, line_no, number, author, &claimed).await
            }
            Claim::Rulings(claimed) => {
                seen.rulings += i64::try_from(claimed.len()).unwrap_or(i64::MAX);
                rows::rulings(connection, line_no, number, author, &claimed).await
            }
            Claim::Restated(claimed) => {
                seen.rulings += i64::try_from(claimed.len()).unwrap_or(i64::MAX);
                rows::restated(connection, line_no, number, &claimed).await
            }
            Claim::Description(pieces) => {
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

    async fn close(&mut self, connection: &mut PgConnection) -> Result<Result<(), String>, Error> {
        let stored = rows::headers(connection, self.workflow).await?;
        let mut lines: HashMap<i64, (i64, i64, i64)> = HashMap::new();
        for seen in self.versions.values() {
            let sums = lines.entry(seen.line_no).or_default();
            sums.0 += seen.contents;
            sums.1 += seen.rulings;
            sums.2 += seen.ended;
        }
        for header in &stored {
            let Some(seen) = self.versions.get(&header.version_id) else {
                return Ok(Err(format!("version {} is in no record", header.version_id)));
            };
            if let Err(what) = header.agrees(&seen.header, &seen.metadata, &seen.phase_data) {
                return Ok(Err(format!("version {}: {what}", header.version_id)));
            }
        }
        if stored.len() != self.versions.len() {
            return Ok(Err("a version that was recorded is gone".to_owned()));
        }
        for (line_no, recorded) in lines {
            let found = rows::counts(connection, line_no).await?;
            if found != recorded {
                let told = |(contents, rulings, ended): (i64, i64, i64)| {
                    format!("{contents} contents and {rulings} rulings, {ended} of them ended")
                };
                return Ok(Err(format!(
                    "a line has {}; recorded were {}",
                    told(found),
                    told(recorded)
                )));
            }
        }
        let wrong = rows::wrong_artifacts(connection, self.workflow).await?;
        if wrong > 0 {
            return Ok(Err(format!("{wrong} artifacts are not what was approved")));
        }
        if let Err(what) = self.beside.close(connection, self.workflow).await? {
            return Ok(Err(what));
        }
        Ok(self.kept.compare(connection).await?)
    }
}

impl Witness for Rows {
    async fn record(&mut self, connection: &mut PgConnection, record: &Record) -> Testimony {
        self.follow(connection, record).await.map_err(Error::into_ledger_error)
    }

    async fn chunk(&mut self, connection: &mut PgConnection, chunk: &DetailChunk) -> Testimony {
        Ok(self.look(connection, chunk).await?)
    }

    async fn end(&mut self, connection: &mut PgConnection) -> Testimony {
        self.close(connection).await.map_err(Error::into_ledger_error)
    }
}
