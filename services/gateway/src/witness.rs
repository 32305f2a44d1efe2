//! Whether the gateway's rows are what its chains say.

use std::collections::BTreeMap;

use serde_json::Value;
use signoff_backend::Fault;
use signoff_ledger::{Content, DetailChunk, Record, Testimony, Witness};
use signoff_workflow::{Role, Workflow};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::commands::{HOUSE, OPENED};
use crate::domain::member::{Lob, Member, Membership, MembershipEnd, Opened};
use crate::store::members::Made;
use crate::store::{lobs, members, workflows};

/// Follows the chain of a workflow, or of the house, and compares at its end.
pub(crate) struct Rows {
    workflow: Workflow,
    opened: Option<Opened>,
    /// All that were ever given, by their numbers.
    members: Vec<Membership>,
    lobs: BTreeMap<Uuid, Lob>,
}

impl Rows {
    pub(crate) fn of(workflow: Workflow) -> Self {
        Self { workflow, opened: None, members: Vec::new(), lobs: BTreeMap::new() }
    }

    fn follow(&mut self, record: &Content) -> Option<()> {
        let (before, after) = (record.before.as_ref(), record.after.as_ref());
        let reason = record.reason.as_deref().unwrap_or(OPENED);
        let made = Made { at: record.recorded_at, by: record.actor.user_id, reason };
        match record.action.as_str() {
            "workflow.opened" => {
                let text = |field| Some(after?[field].as_str()?.to_owned());
                let (cycle_name, report_name) = (text("cycle_name")?, text("report_name")?);
                let (at, by) = (made.at, made.by);
                self.opened = Some(Opened { cycle_name, report_name, at, by, revision: 0 });
                self.give(after?, made)
            }
            "members.set" => {
                for member in listed(&before?["taken"])? {
                    let held = |of: &&mut Membership| of.member == member && of.end.is_none();
                    let reason = made.reason.to_owned();
                    self.members.iter_mut().find(held)?.end =
                        Some(MembershipEnd { at: made.at, by: made.by, reason });
                }
                self.give(after?, made)
            }
            "lobs.set" => {
                for lob in after?["lobs"].as_array()? {
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

    fn give(&mut self, after: &Value, made: Made<'_>) -> Option<()> {
        self.opened.as_mut()?.revision += 1;
        for (member, number) in listed(&after["given"])?.into_iter().zip(self.next()..) {
            self.members.push(Membership {
                member,
                number,
                given_at: made.at,
                given_by: made.by,
                reason: made.reason.to_owned(),
                end: None,
            });
        }
        Some(())
    }

    fn next(&self) -> i64 {
        self.members.last().map_or(1, |last| last.number + 1)
    }

    async fn compare(&self, conn: &mut PgConnection) -> Result<Result<(), String>, Fault> {
        if self.workflow == HOUSE {
            let same = lobs::all(conn).await?.iter().eq(self.lobs.values());
            return Ok(if same { Ok(()) } else { Err("the lines of business differ".to_owned()) });
        }
        let found = workflows::find(conn, self.workflow).await?;
        if found.map(|found| found.opened) != self.opened {
            let what =
                "the workflow was opened otherwise, or its members were set more or less often";
            return Ok(Err(what.to_owned()));
        }
        let all = members::list(conn, self.workflow, members::Held::Ever, 0, i64::MAX).await?;
        let differs = all.iter().zip(&self.members).find(|(row, told)| row != told);
        if let Some((row, _)) = differs {
            return Ok(Err(format!("member {} differs", row.number)));
        }
        if all.len() != self.members.len() {
            let (rows, told) = (all.len(), self.members.len());
            return Ok(Err(format!("there are {rows} members, and not {told}")));
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
        let read = self.follow(&content);
        Ok(read.ok_or_else(|| "says nothing that could be compared".to_owned()))
    }

    async fn chunk(&mut self, _: &mut PgConnection, _: &DetailChunk) -> Testimony {
        Ok(Ok(()))
    }

    async fn end(&mut self, conn: &mut PgConnection) -> Testimony {
        self.compare(conn).await.map_err(signoff_backend::ServiceError::into_ledger_error)
    }
}
