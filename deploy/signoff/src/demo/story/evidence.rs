//! Request Info: data owners submit extracts of their systems, and the tester reviews them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Phase;
use uuid::Uuid;

use super::cases::Plan;
use super::{Story, holds, object, text};
use crate::demo::audit::File;
use crate::demo::data::accounts::{LineOfBusiness, PERIOD};
use crate::demo::data::extracts::{Extract, sha256};
use crate::demo::people::Person;

/// The month before.
const LAST_PERIOD: &str = "20260831";

/// The documents of the story.
#[derive(Default)]
pub(super) struct Evidence {
    /// What each submission says.
    pub(super) extracts: BTreeMap<String, Extract>,
    /// The document of each lane, as it was submitted last.
    pub(super) heads: BTreeMap<LineOfBusiness, wire::Document>,
}

impl Evidence {
    /// The document of a lane.
    pub(super) fn head(&self, lob: LineOfBusiness) -> Result<&wire::Document> {
        self.heads.get(&lob).with_context(|| format!("{} has no document", lob.name()))
    }

    /// Keeps what was submitted for a lane.
    fn keep(&mut self, lob: LineOfBusiness, document: wire::Document, extract: Extract) {
        self.extracts.insert(document.submission_id.clone(), extract);
        self.heads.insert(lob, document);
    }
}

impl Story<'_> {
    /// Tells the phase, for two of the three lanes: each goes at its own pace.
    pub(super) async fn request_info(&mut self, plan: &Plan) -> Result<Evidence> {
        self.begin(Phase::REQUEST_INFO).await?;
        let cast = self.cast;
        let (cards, business) = (LineOfBusiness::ConsumerCards, LineOfBusiness::SmallBusinessCards);
        let mut evidence = Evidence::default();
        let old = Extract::of(cards, LAST_PERIOD, &plan.reported(cards));
        self.submit(&cast.dora, cards, plan, old, &mut evidence).await?;
        let new = Extract::of(business, PERIOD, &plan.reported(business));
        self.try_another_lane(plan.ids_of(cards), extract_file(business, &new)?).await?;
        self.submit(&cast.sam, business, plan, new, &mut evidence).await?;
        self.review(business, &mut evidence).await?;
        self.review(cards, &mut evidence).await?;

        let dora_leaves = "Dora moves to another department";
        self.hand_over(cards, &cast.dina, dora_leaves).await?;
        let new = Extract::of(cards, PERIOD, &plan.reported(cards));
        self.try_after_handing_over(evidence.head(cards)?, extract_file(cards, &new)?).await?;
        let file = extract_file(cards, &new)?;
        self.revise(&cast.dina, cards, file, new, &mut evidence).await?;
        self.review(cards, &mut evidence).await?;
        self.stage.says(cast.paul.name, "sends nothing yet; the other lanes do not wait for his");
        Ok(evidence)
    }

    /// An owner submits the extract of a lane, for all of its cases.
    async fn submit(
        &self,
        owner: &Person,
        lob: LineOfBusiness,
        plan: &Plan,
        extract: Extract,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let file = extract_file(lob, &extract)?;
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let submitted = desk.submit(file, plan.ids_of(lob), None).await.context("submitting")?;
        let cases = submitted.test_cases;
        holds("cases of a document", usize::try_from(cases)?, plan.of(lob).count())?;
        let text = format!("submits {} for {cases} test cases", submitted.file_name);
        self.stage.says(owner.name, &text);
        evidence.keep(lob, submitted, extract);
        Ok(())
    }

    /// An owner replaces the document of a lane.
    pub(super) async fn revise(
        &self,
        owner: &Person,
        lob: LineOfBusiness,
        file: File,
        extract: Extract,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let reason = "as the tester asked";
        let revised = desk.revise(evidence.head(lob)?, file, reason).await.context("revising")?;
        let text = format!("revises it: {} (version", revised.file_name);
        self.stage.says(owner.name, &format!("{text} {})", revised.document_version));
        evidence.keep(lob, revised, extract);
        Ok(())
    }

    /// An owner sends something that cannot be compared.
    pub(super) async fn submit_a_scan(
        &self,
        owner: &Person,
        lob: LineOfBusiness,
        plan: &Plan,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let mut file = extract_file(lob, &Extract::default())?;
        file.document_type = "scan";
        file.file_name = format!("{}.tiff", slug(lob));
        file.media_type = "image/tiff";
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let submitted = desk.submit(file, plan.ids_of(lob), None).await.context("submitting")?;
        self.stage.says(owner.name, &format!("submits {}", submitted.file_name));
        evidence.keep(lob, submitted, Extract::default());
        Ok(())
    }

    /// The tester reviews the document of a lane: it must be an extract, of the right month.
    pub(super) async fn review(&self, lob: LineOfBusiness, evidence: &mut Evidence) -> Result<()> {
        let document = evidence.head(lob)?.clone();
        let period = text(document.document_metadata.as_ref(), "period").unwrap_or_default();
        let (verdict, notes) = if document.document_type != "extract" {
            (wire::DocumentStatus::Rejected, "A scan cannot be compared; an extract, please.")
        } else if period != PERIOD {
            (
                wire::DocumentStatus::RevisionRequested,
                "It is of August; the report is of September.",
            )
        } else {
            (wire::DocumentStatus::Accepted, "")
        };
        let reviewed = self.rule_on(&document, verdict, notes).await?;
        evidence.heads.insert(lob, reviewed);
        Ok(())
    }

    /// The tester rules on a document.
    pub(super) async fn rule_on(
        &self,
        document: &wire::Document,
        verdict: wire::DocumentStatus,
        notes: &str,
    ) -> Result<wire::Document> {
        let tess = &self.cast.tess;
        let mut desk = tess.audit_at(Phase::REQUEST_INFO);
        let reviewed = desk.review(document, verdict, notes).await.context("reviewing")?;
        holds("what was ruled on a document", reviewed.status(), verdict)?;
        let what = match verdict {
            wire::DocumentStatus::Accepted => "accepts",
            wire::DocumentStatus::RevisionRequested => "asks for another version of",
            _ => "rejects",
        };
        let text = format!("{what} {}", reviewed.file_name);
        let notes = reviewed.review_notes.as_str();
        let text = if notes.is_empty() { text } else { format!("{text}: \"{notes}\"") };
        self.stage.says(tess.name, &text);
        Ok(reviewed)
    }
}

/// The file of a lane's extract.
pub(super) fn extract_file(lob: LineOfBusiness, extract: &Extract) -> Result<File> {
    file_of(&format!("{}-{}", slug(lob), extract.period), extract)
}

/// The file of an extract.
pub(super) fn file_of(name: &str, extract: &Extract) -> Result<File> {
    let content = extract.content();
    Ok(File {
        document_id: Uuid::now_v7().to_string(),
        document_type: "extract",
        file_name: format!("{name}.csv"),
        media_type: "text/csv",
        size_bytes: i64::try_from(content.len())?,
        sha256: sha256(&content),
        metadata: object(&json!({"period": extract.period, "rows": extract.rows()}))?,
    })
}

/// A lane's name in the name of a file.
fn slug(lob: LineOfBusiness) -> String {
    lob.name().to_lowercase().replace(' ', "-")
}
