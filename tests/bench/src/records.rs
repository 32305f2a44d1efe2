//! Many records of many workflows, as the versioning service writes them: the way of versions from
//! their making to their approval.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signoff_ledger::{
    Begun, Command, Entry, Ledger, Origin, PoolOptions, QueueOptions, Source, TrailActor, connect,
};
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::system::System;
use crate::{OWNER, PHASE, TESTER};

/// How many records a version leaves on its way.
pub const OF_A_VERSION: usize = 4;
/// How many records are written in one transaction.
const TOGETHER: usize = 400;

/// A record, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Its workflow.
    pub workflow: Workflow,
    /// Its number.
    pub sequence: i64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its version.
    pub version: Uuid,
    /// Which step of the version's way it is.
    pub step: usize,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes records, so many in each of so many workflows, in turns; gives them in their order.
///
/// # Errors
/// The database refuses.
pub async fn write(system: &System, workflows: usize, each: usize) -> Result<Vec<Written>> {
    let pool = connect(&system.urls.service, PoolOptions::default()).await?;
    let ledger = Ledger::new(pool, Source::Versioning, QueueOptions::default());
    let here = |_| Workflow { cycle_id: Uuid::now_v7(), report_id: Uuid::now_v7() };
    let workflows: Vec<Workflow> = (0..workflows).map(here).collect();
    let mut written = Vec::with_capacity(workflows.len() * each);
    let mut ways = vec![Uuid::nil(); workflows.len()];
    let mut done = 0;
    while done < each {
        let together = TOGETHER.min(each - done);
        for (workflow, version) in workflows.iter().zip(&mut ways) {
            let mut command = match ledger.begin(*workflow, None, None).await? {
                Begun::New(command) => *command,
                Begun::Replay(_) => bail!("a replay without a key"),
            };
            for nth in done..done + together {
                let step = nth % OF_A_VERSION;
                if step == 0 {
                    *version = Uuid::now_v7();
                }
                let entry = entry(&command, *version, nth);
                let head = command.record(entry)?;
                written.push(Written {
                    workflow: *workflow,
                    sequence: head.sequence,
                    hash: head.hash,
                    version: *version,
                    step,
                    at: command.now(),
                });
            }
            command.commit(None).await?;
        }
        done += together;
    }
    ledger.pool().close().await;
    Ok(written)
}

/// A step of a version: made, ruled on, submitted, approved. (Not in the order of a life, which nobody
/// who counts asks for: each is counted by itself.)
fn entry(command: &Command, version: Uuid, nth: usize) -> Entry {
    let number = nth / OF_A_VERSION + 1;
    let now = command.now();
    let counts = |pending: i64| {
        json!({"total": 100, "pending": pending, "approved": 100 - pending, "rejected": 0, "modified": 0,
            "proposed": 0, "carried": 80, "counted": 0, "counted_kept": 0})
    };
    let (action, by, role, after): (&str, i64, &str, Value) = match nth % OF_A_VERSION {
        0 => ("version.revised", TESTER, "tester", header(version, number, now, counts(100))),
        1 => (
            "version.submitted",
            TESTER,
            "tester",
            json!({"number": number, "state": "submitted",
            "revision": 2, "submitted_at": now, "submitted_by": TESTER, "submission_notes": "as drawn"}),
        ),
        2 => (
            "decisions.reviewed",
            OWNER,
            "report_owner",
            json!({"number": number,
            "state": "submitted", "revision": 3, "counts": counts(0)}),
        ),
        _ => (
            "version.approved",
            OWNER,
            "report_owner",
            json!({"number": number, "state": "approved",
            "revision": 4, "reviewed_at": now, "reviewed_by": OWNER, "review_notes": "as it must be"}),
        ),
    };
    Entry {
        phase: Some(PHASE.slug.to_owned()),
        action,
        actor: TrailActor {
            user_id: by,
            subject: format!("user-{by}"),
            acting_service: None,
            roles: vec![role.to_owned()],
        },
        method: "/signoff.versioning.v1.VersioningService/ReviseVersion".to_owned(),
        request_id: Some(Uuid::now_v7()),
        subject: version.to_string(),
        reason: None,
        before: Some(json!({"number": number, "state": "draft", "revision": 1})),
        after: Some(after),
        occurred_at: now,
        origin: Origin::Native,
        details: Vec::new(),
    }
}

/// A whole header, as a version begins with it.
fn header(version: Uuid, number: usize, now: DateTime<Utc>, counts: Value) -> Value {
    json!({"version_id": version, "number": number, "state": "draft", "revision": 1,
        "metadata_schema": 1, "content_digest": null, "required_sign_offs": null, "sources": 1,
        "occurred_at": now, "origin": "native", "parent_number": number - 1, "created_at": now,
        "created_by": TESTER, "creation_notes": "the next one", "submitted_at": null,
        "submitted_by": null, "submitters": [], "submission_notes": null, "reviewed_at": null,
        "reviewed_by": null, "review_notes": null, "self_approved": false, "superseded_at": null,
        "superseded_by_version_id": null, "deleted_at": null, "deleted_by": null,
        "delete_reason": null, "counts": counts})
}
