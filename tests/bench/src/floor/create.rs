//! Starting a line: one statement between the lock and the commit.

use anyhow::{Result, bail};
use signoff_workflow::{Scope, Workflow};
use uuid::Uuid;

use super::record::{Author, Method, Record, Told, bind_ending, contents, ending, new_draft};
use super::session::{Floor, Header};
use crate::TESTER;
use crate::data::Sample;

const CREATE: &str = ending!(
    "line as (
         insert into lines (cycle_id, report_id, phase, line_id, items_while_submitted,
             self_approval, last_number, last_item, recorded_at)
         values ($1, $2, $7, $18, false, false, 1, $19, $12) returning line_no),
     version as (
         insert into versions (line_no, number, version_id, state, revision, metadata_schema,
             total, pending, sources, created_at, created_by, updated_at, occurred_at,
             recorded_at, origin)
         select line_no, 1, $20, 'draft', 2, 1, $19, $19, 1, $12, $9, $12, $12, $12, 'native'
         from line returning line_no),
     maker as (
         insert into makers (line_no, user_id, contents) select line_no, $9, $19 from version),
     contents as (
         insert into items (line_no, item_no, rev, item_key, introduced_in, payload,
             payload_schema, content_hash, counted, source, recommended_by, recommended_at,
             contributed, occurred_at, recorded_at, origin)
         select line_no, new.no, 1, new.key, 1, new.payload::jsonb, 1, new.hash, false, 1, $9,
             $12, false, $12, $12, 'native'
         from version, unnest($21::text[], $22::text[], $23::bytea[])
             with ordinality as new (key, payload, hash, no)), "
);

const METHOD: Method =
    Method::of_versioning("/signoff.versioning.v1.VersioningService/CreateVersion");

impl Floor {
    /// Starts a workflow's line with samples.
    ///
    /// # Errors
    /// The line is there already, or the database refuses.
    pub async fn create(
        &mut self,
        workflow: Workflow,
        samples: &[Sample],
        json: &[String],
    ) -> Result<()> {
        let author = Author::new(workflow, (TESTER, &["tester"]), METHOD);
        let known = self.begin(&author).await?;
        if known.line.is_some() {
            bail!("the line is there already");
        }
        let hashes: Vec<[u8; 32]> = json.iter().map(|json| Sample::hash(json)).collect();
        let many = i32::try_from(samples.len())?;
        let id = Uuid::now_v7();
        let draft = Header {
            version_id: id,
            number: 1,
            state: "draft".to_owned(),
            revision: 2,
            total: many,
            pending: many,
            approved: 0,
            rejected: 0,
            carried: 0,
            sources: 1,
            created_by: TESTER,
        };
        let details = contents(samples, &hashes, 1)?;
        let told = Told {
            action: "version.created",
            subject: id,
            reason: None,
            before: None,
            after: new_draft(&draft, None, known.start.now),
        };
        let record = Record::of(&author, &known.start, told, &details)?;
        let line_id = Scope { workflow, phase: crate::PHASE.phase }.line_id();
        bind_ending!(sqlx::query(CREATE), author, record)
            .bind(line_id)
            .bind(many)
            .bind(id)
            .bind(samples.iter().map(|sample| sample.key()).collect::<Vec<_>>())
            .bind(json)
            .bind(hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>())
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
