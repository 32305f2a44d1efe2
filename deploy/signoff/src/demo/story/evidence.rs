//! Request Info: data owners submit extracts of their systems, and the tester reviews them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Phase;
use uuid::Uuid;

use super::cases::{Bundle, Plan};
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
    /// The document of each bundle, as it was submitted last.
    pub(super) heads: BTreeMap<Bundle, wire::Document>,
}

impl Evidence {
    /// The document of a bundle.
    pub(super) fn head(&self, bundle: Bundle) -> Result<&wire::Document> {
        self.heads.get(&bundle).with_context(|| format!("{} has no document", bundle.name()))
    }

    /// Keeps what was submitted.
    fn keep(&mut self, bundle: Bundle, document: wire::Document, extract: Extract) {
        self.extracts.insert(document.submission_id.clone(), extract);
        self.heads.insert(bundle, document);
    }
}

/// The extract of a bundle's systems.
pub(super) fn extract_of(plan: &Plan, bundle: Bundle, period: &str) -> Extract {
    Extract::of(bundle.lob, period, &plan.reported(bundle))
}

impl Story<'_> {
    /// Tells the phase, for two of the three lanes: each goes at its own pace.
    pub(super) async fn request_info(&mut self, plan: &Plan) -> Result<Evidence> {
        self.enter(Phase::REQUEST_INFO)?;
        let cast = self.cast;
        let cards = Bundle::whole(LineOfBusiness::ConsumerCards);
        let mut evidence = Evidence::default();
        let old = extract_of(plan, cards, LAST_PERIOD);
        self.submit(&cast.dora, cards, plan, old, &mut evidence).await?;
        self.tell_grounds(Phase::REQUEST_INFO).await?;
        let foreign = extract_file(cards, &extract_of(plan, cards, PERIOD))?;
        self.try_another_lane(plan.ids_of(cards), foreign).await?;
        for bundle in Bundle::halves(LineOfBusiness::SmallBusinessCards) {
            let extract = extract_of(plan, bundle, PERIOD);
            self.submit(&cast.sam, bundle, plan, extract, &mut evidence).await?;
            self.review(bundle, &mut evidence).await?;
        }
        self.review(cards, &mut evidence).await?;

        let dora_leaves = "Dora moves to another department";
        self.hand_over(cards.lob, &cast.dina, dora_leaves).await?;
        let new = extract_of(plan, cards, PERIOD);
        self.try_after_handing_over(evidence.head(cards)?, extract_file(cards, &new)?).await?;
        self.revise(&cast.dina, cards, new, &mut evidence).await?;
        self.review(cards, &mut evidence).await?;
        self.stage.says(cast.paul.name, "sends nothing yet; the other lanes do not wait for his");
        Ok(evidence)
    }

    /// An owner submits an extract, for all cases of a bundle.
    pub(super) async fn submit(
        &self,
        owner: &Person,
        bundle: Bundle,
        plan: &Plan,
        extract: Extract,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let file = extract_file(bundle, &extract)?;
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let submitted = desk.submit(file, plan.ids_of(bundle), None).await.context("submitting")?;
        let cases = submitted.test_cases;
        holds("cases of a document", usize::try_from(cases)?, plan.of(bundle).count())?;
        let text = format!("submits {} for {cases} test cases", submitted.file_name);
        self.stage.says(owner.name, &text);
        evidence.keep(bundle, submitted, extract);
        Ok(())
    }

    /// An owner replaces the document of a bundle.
    pub(super) async fn revise(
        &self,
        owner: &Person,
        bundle: Bundle,
        extract: Extract,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let file = extract_file(bundle, &extract)?;
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let reason = "as the tester asked";
        let revised =
            desk.revise(evidence.head(bundle)?, file, reason).await.context("revising")?;
        let text = format!("revises it: {} (version", revised.file_name);
        self.stage.says(owner.name, &format!("{text} {})", revised.document_version));
        evidence.keep(bundle, revised, extract);
        Ok(())
    }

    /// An owner sends something that cannot be compared.
    pub(super) async fn submit_a_scan(
        &self,
        owner: &Person,
        bundle: Bundle,
        plan: &Plan,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let mut file = extract_file(bundle, &Extract::default())?;
        file.document_type = "scan";
        file.file_name = format!("{}.tiff", bundle.slug());
        file.media_type = "image/tiff";
        let mut desk = owner.audit_at(Phase::REQUEST_INFO);
        let submitted = desk.submit(file, plan.ids_of(bundle), None).await.context("submitting")?;
        self.stage.says(owner.name, &format!("submits {}", submitted.file_name));
        evidence.keep(bundle, submitted, Extract::default());
        Ok(())
    }

    /// The tester reviews the document of a bundle: it must be an extract, of the right month.
    pub(super) async fn review(&self, bundle: Bundle, evidence: &mut Evidence) -> Result<()> {
        let document = evidence.head(bundle)?.clone();
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
        evidence.heads.insert(bundle, reviewed);
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

/// The file of a bundle's extract.
pub(super) fn extract_file(bundle: Bundle, extract: &Extract) -> Result<File> {
    file_of(&format!("{}-{}", bundle.slug(), extract.period), extract)
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
