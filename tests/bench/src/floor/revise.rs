//! The next version with new samples: one statement between the lock and the commit.

use anyhow::{Context as _, Result, bail};
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::record::{Author, Method, Record, Told, bind_ending, contents, ending, new_draft};
use super::session::{Floor, Header};
use crate::TESTER;
use crate::data::Sample;

const REVISE: &str = ending!(
    "line as (
         update lines set last_number = last_number + 1, last_item = last_item + $19
         where line_no = $18 returning line_no, last_number, last_item),
     version as (
         insert into versions (line_no, number, version_id, state, revision, parent_number,
             metadata_schema, total, pending, approved, carried, sources, created_at, created_by,
             updated_at, occurred_at, recorded_at, origin)
         select line_no, last_number, $20, 'draft', 2, last_number - 1, 1, $24 + $19, $19, $24,
             $24, $25, $12, $9, $12, $12, $12, 'native'
         from line returning line_no, number),
     maker as (
         insert into makers (line_no, user_id, contents) values ($18, $9, $19)
         on conflict (line_no, user_id)
             do update set contents = makers.contents + excluded.contents),
     contents as (
         insert into items (line_no, item_no, rev, item_key, introduced_in, payload,
             payload_schema, content_hash, counted, source, recommended_by, recommended_at,
             contributed, occurred_at, recorded_at, origin)
         select line_no, last_item - $19 + new.no, 1, new.key, number, new.payload::jsonb, 1,
             new.hash, false, 1, $9, $12, false, $12, $12, 'native'
         from version join line using (line_no), unnest($21::text[], $22::text[], $23::bytea[])
             with ordinality as new (key, payload, hash, no)), "
);

const METHOD: Method =
    Method::of_versioning("/signoff.versioning.v1.VersioningService/ReviseVersion");

impl Floor {
    /// Makes the next version of a line whose newest one is approved, with samples that the line
    /// does not know.
    ///
    /// # Errors
    /// The newest version is not approved, or the database refuses.
    pub async fn revise(
        &mut self,
        workflow: Workflow,
        samples: &[Sample],
        json: &[String],
    ) -> Result<()> {
        let author = Author::new(workflow, (TESTER, &["tester"]), METHOD);
        let known = self.begin(&author).await?;
        let (line_no, number, last_item) = known.line.context("no line")?;
        let baseline = known.version.clone().context("no version")?;
        if baseline.state != "approved" {
            bail!("the newest version is {}", baseline.state);
        }
        let hashes: Vec<[u8; 32]> = json.iter().map(|json| Sample::hash(json)).collect();
        let many = i32::try_from(samples.len())?;
        let id = Uuid::now_v7();
        let draft = Header {
            version_id: id,
            number: number + 1,
            state: "draft".to_owned(),
            revision: 2,
            total: baseline.approved + many,
            pending: many,
            approved: baseline.approved,
            rejected: 0,
            carried: baseline.approved,
            sources: baseline.sources | 1,
            created_by: TESTER,
        };
        let details = contents(samples, &hashes, last_item + 1)?;
        let told = Told {
            action: "version.revised",
            subject: id,
            reason: None,
            before: None,
            after: new_draft(&draft, Some(number), known.start.now),
        };
        let record = Record::of(&author, &known.start, told, &details)?;
        bind_ending!(sqlx::query(REVISE), author, record)
            .bind(line_no)
            .bind(many)
            .bind(id)
            .bind(samples.iter().map(|sample| sample.key()).collect::<Vec<_>>())
            .bind(json)
            .bind(hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>())
            .bind(baseline.approved)
            .bind(draft.sources)
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
