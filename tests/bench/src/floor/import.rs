//! Putting items forward in a draft: `COPY` straight into their table.

use anyhow::{Context as _, Result};
use signoff_workflow::Workflow;

use super::binary::{Rows, timestamp};
use super::record::{Author, Method, Record, Told, bind_ending, changed, contents, ending};
use super::session::Floor;
use crate::TESTER;
use crate::data::Sample;

const COPY: &str = "copy items (line_no, item_no, rev, item_key, introduced_in, payload,
    payload_schema, content_hash, counted, source, recommended_by, recommended_at, contributed,
    occurred_at, recorded_at, origin) from stdin (format binary)";

const END: &str = ending!(
    "line as (update lines set last_item = last_item + $18 where line_no = $19),
     maker as (
         insert into makers (line_no, user_id, contents) values ($19, $9, $18)
         on conflict (line_no, user_id)
             do update set contents = makers.contents + excluded.contents),
     header as (
         update versions set revision = revision + 1, updated_at = $12, total = total + $18,
             pending = pending + $18, sources = sources | 1
         where line_no = $19 and number = $20), "
);

const METHOD: Method =
    Method::of_versioning("/signoff.versioning.v1.VersioningService/ImportDecisions");

impl Floor {
    /// Puts samples that the line does not know forward in its draft. Their JSON is what the
    /// caller holds.
    ///
    /// # Errors
    /// There is no draft, or the database refuses.
    pub async fn put_forward(
        &mut self,
        workflow: Workflow,
        samples: &[Sample],
        json: &[String],
    ) -> Result<()> {
        let author = Author::new(workflow, (TESTER, &["tester"]), METHOD);
        let known = self.begin(&author).await?;
        let (line_no, number, last_item) = known.line.context("no line")?;
        let before = known.version.clone().context("no version")?;
        let hashes: Vec<[u8; 32]> = json.iter().map(|json| Sample::hash(json)).collect();
        let at = timestamp(known.start.now);
        let mut rows = Rows::new(16);
        let mut copy = self.conn.copy_in_raw(COPY).await?;
        for (((sample, json), hash), item_no) in
            samples.iter().zip(json).zip(&hashes).zip(last_item + 1..)
        {
            rows.row()
                .value(&line_no.to_be_bytes())
                .value(&item_no.to_be_bytes())
                .value(&1_i32.to_be_bytes())
                .value(sample.key().as_bytes())
                .value(&number.to_be_bytes())
                .json(json)
                .value(&1_i16.to_be_bytes())
                .value(hash)
                .value(&[0])
                .value(&1_i16.to_be_bytes())
                .value(&TESTER.to_be_bytes())
                .value(&at)
                .value(&[0])
                .value(&at)
                .value(&at)
                .value(b"native");
            if rows.is_full() {
                copy.send(rows.take()).await?;
            }
        }
        copy.send(rows.end()).await?;
        copy.finish().await?;

        let details = contents(samples, &hashes, last_item + 1)?;
        let many = i32::try_from(samples.len())?;
        let mut after = before.clone();
        after.revision += 1;
        after.total += many;
        after.pending += many;
        let mut told = Told {
            action: "decisions.added",
            subject: before.version_id,
            reason: None,
            before: Some(changed(&before)),
            after: changed(&after),
        };
        told.after["sources"] = (before.sources | 1).into();
        let record = Record::of(&author, &known.start, told, &details)?;
        bind_ending!(sqlx::query(END), author, record)
            .bind(many)
            .bind(line_no)
            .bind(number)
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
