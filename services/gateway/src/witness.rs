//! Whether the gateway's rows are what its chains say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use signoff_backend::Fault;
use signoff_ledger::{DetailChunk, Record, Testimony, Witness};
use signoff_workflow::{Role, Workflow};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::commands::HOUSE;
use crate::domain::member::{Lob, Member};
use crate::store::{lobs, members, workflows};

/// Follows the chain of a workflow, or of the house, and compares at its end.
pub(crate) struct Rows {
    workflow: Workflow,
    names: Option<(String, String)>,
    members: BTreeSet<Member>,
    ever: usize,
    changes: i64,
    lobs: BTreeMap<Uuid, Lob>,
}

impl Rows {
    pub(crate) fn of(workflow: Workflow) -> Self {
        let (members, lobs) = (BTreeSet::new(), BTreeMap::new());
        Self { workflow, names: None, members, ever: 0, changes: 0, lobs }
    }

    fn follow(&mut self, action: &str, before: &Value, after: &Value) -> Option<()> {
        match action {
            "workflow.opened" => {
                let text = |field| after[field].as_str().map(str::to_owned);
                self.names = Some((text("cycle_name")?, text("report_name")?));
                self.give(after)
            }
            "members.set" => {
                for member in listed(&before["taken"])? {
                    self.members.remove(&member).then_some(())?;
                }
                self.give(after)
            }
            "lobs.set" => {
                for lob in after["lobs"].as_array()? {
                    let lob_id = lob["lob_id"].as_str()?.parse().ok()?;
                    let name = lob["name"].as_str()?.to_owned();
                    let retired = lob["retired"].as_bool()?;
                    self.lobs.insert(lob_id, Lob { lob_id, name, retired });
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn give(&mut self, after: &Value) -> Option<()> {
        let given = listed(&after["given"])?;
        self.changes += 1;
        self.ever += given.len();
        self.members.extend(given);
        Some(())
    }

    async fn compare(&self, conn: &mut PgConnection) -> Result<Result<(), String>, Fault> {
        if self.workflow == HOUSE {
            let same = lobs::all(conn).await?.iter().eq(self.lobs.values());
            return Ok(if same { Ok(()) } else { Err("the lines of business differ".to_owned()) });
        }
        let found = workflows::find(conn, self.workflow).await?;
        let names = found
            .as_ref()
            .map(|found| (found.opened.cycle_name.clone(), found.opened.report_name.clone()));
        if names != self.names {
            return Ok(Err("the workflow's names differ".to_owned()));
        }
        if found.map_or(0, |found| found.opened.revision) != self.changes {
            return Ok(Err("the workflow's members were set another number of times".to_owned()));
        }
        let current: BTreeSet<Member> =
            members::current(conn, self.workflow).await?.into_iter().collect();
        if current != self.members {
            return Ok(Err("the members differ".to_owned()));
        }
        let all = members::list(conn, self.workflow, members::Held::Ever, 0, i64::MAX).await?;
        if all.len() != self.ever {
            return Ok(Err("the former members differ".to_owned()));
        }
        Ok(Ok(()))
    }
}

fn listed(members: &Value) -> Option<Vec<Member>> {
    let read = |member: &Value| {
        let role: Role = member[1].as_str()?.parse().ok()?;
        Some(Member { user_id: member[0].as_i64()?, role })
    };
    members.as_array()?.iter().map(read).collect()
}

impl Witness for Rows {
    async fn record(&mut self, _: &mut PgConnection, record: &Record) -> Testimony {
        let Ok(content) = record.content() else {
            return Ok(Err("is no record".to_owned()));
        };
        let (before, after) =
            (content.before.unwrap_or_default(), content.after.unwrap_or_default());
        let read = self.follow(&content.action, &before, &after);
        Ok(read.ok_or_else(|| "says nothing that could be compared".to_owned()))
    }

    async fn chunk(&mut self, _: &mut PgConnection, _: &DetailChunk) -> Testimony {
        Ok(Ok(()))
    }

    async fn end(&mut self, conn: &mut PgConnection) -> Testimony {
        self.compare(conn).await.map_err(signoff_backend::ServiceError::into_ledger_error)
    }
}
