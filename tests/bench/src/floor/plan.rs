//! Planning test cases for the first time: `COPY` straight into their table.

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::json;
use signoff_workflow::Workflow;
use sqlx::Row as _;
use uuid::Uuid;

use super::binary::{Rows, timestamp};
use super::record::{Author, Method, Record, Told, bind_ending, ending};
use super::session::{Floor, reading};
use super::state::{Details, jsonb, time};
use crate::GATEWAY;
use crate::cases::{ATTRIBUTES, Case};

const METHOD: Method = Method {
    source: "audit",
    phase: "data_owner_id",
    name: "/signoff.audit.v1.TestCaseService/PlanTestCases",
    answer: 160,
};

const READ: &str = reading!(
    "exists (select from test_plans where cycle_id = $1 and report_id = $2) as planned, \
     exists (select from staged_cases where cycle_id = $1 and report_id = $2) as staged ",
    ""
);

const PLAN: &str = "
insert into test_plans (cycle_id, report_id, id, number, planning_version_id, scoping_version_id,
    sample_selection_version_id, cases, planned_by, planned_at, revision, change_type, changed_by,
    record_no, occurred_at, recorded_at, origin)
values ($1, $2, $3, 1, $4, $4, $4, $5, $6, $7, 1, 'planned', $6, $8, $7, $7, 'native')";

const COPY: &str =
    "copy test_cases (cycle_id, report_id, id, sample_item_key, attribute_id, lob_id,
    withdrawn, plan_number, created_at, revision, change_type, changed_by, record_no, occurred_at,
    recorded_at, origin) from stdin (format binary)";

const END: &str = ending!("");

impl Floor {
    /// Makes the first plan of a workflow, from this version of all three phases.
    ///
    /// # Errors
    /// There is a plan, or the database refuses.
    pub async fn plan(&mut self, workflow: Workflow, version: Uuid, cases: &[Case]) -> Result<()> {
        let author = Author::new(workflow, (GATEWAY, &["gateway"]), METHOD);
        let (start, row) = self.start(&author, READ, |query| query).await?;
        let (planned, staged): (bool, bool) = (row.try_get("planned")?, row.try_get("staged")?);
        ensure!(!planned && !staged, "there is a plan, or a part of one");
        let (id, many) = (Uuid::now_v7(), i64::try_from(cases.len())?);
        let record_no = start.head.0 + 1;
        sqlx::query(PLAN)
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(id)
            .bind(version)
            .bind(many)
            .bind(GATEWAY)
            .bind(start.now)
            .bind(record_no)
            .execute(&mut self.conn)
            .await?;
        let mut details = Details::new();
        self.copy(workflow, cases, (record_no, start.now), &mut details).await?;
        let state = json!({
            "id": id, "number": 1, "planning_version_id": version, "scoping_version_id": version,
            "sample_selection_version_id": version, "cases": many, "planned_by": GATEWAY,
            "planned_at": time(start.now),
        });
        details.add(("test_plan", id), (1, "planned"), &jsonb(&state))?;
        let told = Told {
            action: "test_cases.planned",
            subject: id,
            reason: None,
            before: None,
            after: state,
        };
        let record = Record::of(&author, &start, told, &details.finish())?;
        bind_ending!(sqlx::query(END), author, record).execute(&mut self.conn).await?;
        self.commit().await
    }

    async fn copy(
        &mut self,
        workflow: Workflow,
        cases: &[Case],
        (record_no, now): (i64, DateTime<Utc>),
        details: &mut Details,
    ) -> Result<()> {
        // The id of a sample with an attribute: of the attribute's part there are few.
        let of_report = Uuid::new_v5(&workflow.cycle_id, workflow.report_id.as_bytes());
        let attributes: Vec<(Uuid, Uuid)> = Case::first(ATTRIBUTES)
            .iter()
            .map(|case| (case.attribute(), Uuid::new_v5(&of_report, case.attribute().as_bytes())))
            .collect();
        let (at, created_at) = (timestamp(now), time(now));
        let mut rows = Rows::new(16);
        let mut copy = self.conn.copy_in_raw(COPY).await?;
        for case in cases {
            let (key, lob, (attribute, of)) =
                (case.key(), case.lob(), attributes[case.attribute_no()]);
            let id = Uuid::new_v5(&of, key.as_bytes());
            rows.row()
                .value(workflow.cycle_id.as_bytes())
                .value(workflow.report_id.as_bytes())
                .value(id.as_bytes())
                .value(key.as_bytes())
                .value(attribute.as_bytes())
                .value(lob.as_bytes())
                .value(&[0])
                .value(&1_i64.to_be_bytes())
                .value(&at)
                .value(&1_i64.to_be_bytes())
                .value(b"planned")
                .value(&GATEWAY.to_be_bytes())
                .value(&record_no.to_be_bytes())
                .value(&at)
                .value(&at)
                .value(b"native");
            // As `jsonb` would write it, without looking for the order again.
            let state = format!(
                "{{\"id\": \"{id}\", \"lob_id\": \"{lob}\", \"withdrawn\": false, \
                 \"created_at\": \"{created_at}\", \"plan_number\": 1, \
                 \"attribute_id\": \"{attribute}\", \"sample_item_key\": \"{key}\"}}"
            );
            details.add(("test_case", id), (1, "planned"), &state)?;
            if rows.is_full() {
                copy.send(rows.take()).await?;
            }
        }
        copy.send(rows.end()).await?;
        copy.finish().await?;
        Ok(())
    }
}
