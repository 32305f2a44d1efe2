//! Whether the gateway's rows are what its chains say.

use std::collections::BTreeMap;

use serde_json::Value;
use signoff_backend::Fault;
use signoff_ledger::{
    Content, Contradictions, DetailChunk, KeptRows, Record, Testimony, Verdict, Witness,
};
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
    /// What the chain said about the end of the workflow.
    kept: KeptRows,
    /// As it was opened, with the record that says so.
    opened: Option<(i64, Opened)>,
    /// How often its members were set, with the record that did last.
    set: (Option<i64>, i64),
    /// All that were ever given, by their numbers.
    members: Vec<Given>,
    /// With the record that spoke of it last.
    lobs: BTreeMap<Uuid, (i64, Lob)>,
}

/// A role that was given.
struct Given {
    membership: Membership,
    /// The record that gave it.
    given: i64,
    /// The record that took it.
    taken: Option<i64>,
}

impl Rows {
    pub(crate) fn of(workflow: Workflow) -> Self {
        Self {
            workflow,
            kept: KeptRows::of(workflow),
            opened: None,
            set: (None, 0),
            members: Vec::new(),
            lobs: BTreeMap::new(),
        }
    }

    fn follow(&mut self, sequence: i64, record: &Content) -> Option<()> {
        let (before, after) = (record.before.as_ref(), record.after.as_ref());
        let reason = record.reason.as_deref().unwrap_or(OPENED);
        let made = Made { at: record.recorded_at, by: record.actor.user_id, reason };
        match record.action.as_str() {
            "workflow.opened" => {
                let text = |field| Some(after?[field].as_str()?.to_owned());
                let (cycle_name, report_name) = (text("cycle_name")?, text("report_name")?);
                let (at, by) = (made.at, made.by);
                // How often its members were set is compared by itself.
                let opened = Opened { cycle_name, report_name, at, by, revision: 0 };
                self.opened = Some((sequence, opened));
                self.give(sequence, after?, made)
            }
            "members.set" => {
                self.opened.as_ref()?;
                for member in listed(&before?["taken"])? {
                    let held = |of: &&mut Given| {
                        of.membership.member == member && of.membership.end.is_none()
                    };
                    let of = self.members.iter_mut().find(held)?;
                    let reason = made.reason.to_owned();
                    of.membership.end = Some(MembershipEnd { at: made.at, by: made.by, reason });
                    of.taken = Some(sequence);
                }
                self.give(sequence, after?, made)
            }
            "lobs.set" => {
                for lob in after?["lobs"].as_array()? {
                    let lob_id = lob["lob_id"].as_str()?.parse().ok()?;
                    let name = lob["name"].as_str()?.to_owned();
                    let retired = lob["retired"].as_bool()?;
                    self.lobs.insert(lob_id, (sequence, Lob { lob_id, name, retired }));
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn give(&mut self, sequence: i64, after: &Value, made: Made<'_>) -> Option<()> {
        self.set = (Some(sequence), self.set.1 + 1);
        for (member, number) in listed(&after["given"])?.into_iter().zip(self.next()..) {
            let membership = Membership {
                member,
                number,
                given_at: made.at,
                given_by: made.by,
                reason: made.reason.to_owned(),
                end: None,
            };
            self.members.push(Given { membership, given: sequence, taken: None });
        }
        Some(())
    }

    fn next(&self) -> i64 {
        self.members.last().map_or(1, |last| last.membership.number + 1)
    }

    async fn compare(&self, conn: &mut PgConnection) -> Result<Contradictions, Fault> {
        let mut found = Contradictions::default();
        self.kept.compare(conn, &mut found).await.map_err(Fault::from)?;
        if self.workflow == HOUSE {
            self.compare_lobs(&lobs::all(conn).await?, &mut found);
            return Ok(found);
        }
        let row = workflows::find(conn, self.workflow).await?.map(|found| found.opened);
        let revision = row.as_ref().map_or(0, |row| row.revision);
        let row = row.map(|row| Opened { revision: 0, ..row });
        let opened = self.opened.as_ref();
        if row.as_ref() != opened.map(|(_, opened)| opened) {
            found.note(opened.map(|(record, _)| *record), "the workflow was opened otherwise");
        }
        if revision != self.set.1 {
            found.note(self.set.0, "its members were set more or less often");
        }
        let all = members::list(conn, self.workflow, members::Held::Ever, 0, i64::MAX).await?;
        self.compare_members(&all, &mut found);
        Ok(found)
    }

    fn compare_members(&self, all: &[Membership], found: &mut Contradictions) {
        let mut there: BTreeMap<i64, &Membership> = BTreeMap::new();
        for row in all {
            if there.insert(row.number, row).is_some() {
                found.note(None, format!("member {} is there twice", row.number));
            }
        }
        for Given { membership: told, given, taken } in &self.members {
            let number = told.number;
            match there.remove(&number) {
                None => found.note(Some(*given), format!("member {number} is gone")),
                Some(row) if row == told => {}
                Some(row) => {
                    let ended_otherwise =
                        Membership { end: told.end.clone(), ..row.clone() } == *told;
                    let record = taken.filter(|_| ended_otherwise).unwrap_or(*given);
                    found.note(Some(record), format!("member {number} differs"));
                }
            }
        }
        if let Some(number) = there.keys().next() {
            found.note(None, format!("member {number} is in no record"));
        }
    }

    fn compare_lobs(&self, all: &[Lob], found: &mut Contradictions) {
        let there: BTreeMap<Uuid, &Lob> = all.iter().map(|lob| (lob.lob_id, lob)).collect();
        for (id, (record, told)) in &self.lobs {
            if there.get(id) != Some(&told) {
                found.note(Some(*record), format!("the line of business {id} differs"));
            }
        }
        if all.len() > self.lobs.len() || there.keys().any(|id| !self.lobs.contains_key(id)) {
            found.note(None, "a line of business is in no record");
        }
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
        match self.kept.ends(record, content.after.as_ref()) {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(())),
            Err(what) => return Ok(Err(what)),
        }
        let read = self.follow(record.sequence, &content);
        Ok(read.ok_or_else(|| "says nothing that could be compared".to_owned()))
    }

    async fn chunk(&mut self, _: &mut PgConnection, _: &DetailChunk) -> Testimony {
        Ok(Ok(()))
    }

    async fn end(&mut self, conn: &mut PgConnection) -> Verdict {
        let found = self.compare(conn).await;
        Ok(found.map_err(signoff_backend::ServiceError::into_ledger_error)?.first())
    }
}
