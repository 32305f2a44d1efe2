//! Facts that outlive approval. They need no reopening: the versions that they stand beside stay as
//! they are.

use chrono::NaiveDate;
use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::{Change, not_found};
use crate::domain::error::{Error, Kind};
use crate::domain::fact::{FinalDocument, Remediation};
use crate::domain::ids::DecisionId;
use crate::domain::payload::Observation;
use crate::domain::states::VersionState;
use crate::domain::version::Version;
use crate::store::{decisions, facts, lines, versions};

/// Says how far the remedy of an item is; what is `None` stays.
#[derive(Debug)]
pub struct UpdateRemediation {
    /// The item's decision in an approved or superseded version.
    pub decision_id: Uuid,
    /// The remediation's etag.
    pub etag: Option<String>,
    /// In words of the client's choice.
    pub status: Option<String>,
    /// Until when it is due; `Some(None)` for no such date.
    pub deadline: Option<Option<NaiveDate>>,
    /// Why.
    pub reason: Option<String>,
}

/// Attaches the rendered document of an approved version.
#[derive(Debug)]
pub struct AttachFinalDocument {
    /// Which.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// The document's id, wherever it is kept.
    pub document_id: Uuid,
    /// SHA-256 of the document.
    pub sha256: Vec<u8>,
}

impl Change {
    /// Says how far the remedy of an observation is, whether or not its phase is sealed or stale.
    ///
    /// # Errors
    /// There is no such decision, its version was never approved, or it was not approved itself.
    pub async fn update_remediation(
        &mut self,
        input: UpdateRemediation,
    ) -> Result<DecisionId, Error> {
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let unknown = || not_found(Kind::Decision, input.decision_id);
        let line = lines::find(self.conn(), scope, &row).await?;
        let id = DecisionId::from_uuid(input.decision_id)
            .filter(|id| line.is_some_and(|line| line.line_no == id.line_no))
            .ok_or_else(unknown)?;
        let decision = decisions::of_items(self.conn(), id.line_no, id.version, &[id.item_no])
            .await?
            .pop()
            .ok_or_else(unknown)?;
        let latest = facts::remediations(self.conn(), id.line_no, id.item_no, 1).await?.pop();
        Remediation::expect_etag(latest.as_ref(), input.etag.as_deref())?;
        let version = versions::by_number(self.conn(), scope, id.line_no, id.version).await?;
        let wanted = &[VersionState::Approved, VersionState::Superseded];
        version.expect_state(wanted, "be remedied")?;
        if !decision.standing.is_kept() {
            let why = format!("{} was not approved", decision.item_key);
            return Err(Error::NothingToRemedy(Violations::one(id.to_string(), why)));
        }
        let (status, deadline) = match &latest {
            Some(latest) => (latest.status.clone(), latest.deadline),
            None => {
                let stored = decision.effective();
                let kind = row.payload.unwrap_or_default();
                let body = self
                    .payloads
                    .upgrade(kind, stored.schema, stored.body.clone())
                    .map_err(|error| Fault::Internal(error.to_string()))?;
                let observation: Observation = serde_json::from_value(body)
                    .map_err(|error| Fault::Internal(error.to_string()))?;
                (observation.remediation_status, observation.remediation_deadline)
            }
        };
        let remediation = Remediation {
            revision: latest.as_ref().map_or(0, |latest| latest.revision) + 1,
            number: id.version,
            status: input.status.unwrap_or(status),
            deadline: input.deadline.unwrap_or(deadline),
            reason: input.reason,
            updated_by: self.work.actor().user_id,
            updated_at: self.work.now(),
        };
        facts::update_remediation(self.conn(), id.line_no, id.item_no, &remediation).await?;
        self.work.record_in(
            row.slug,
            "remediation.updated",
            remediation_subject(id),
            remediation.reason.as_deref(),
            (latest.map(|latest| latest.summary()), Some(remediation.summary())),
            Vec::new(),
        )?;
        Ok(id)
    }

    /// Attaches the rendered document of an approved version, once.
    ///
    /// # Errors
    /// The version is not approved, was superseded, or has its document.
    pub async fn attach_final_document(
        &mut self,
        input: AttachFinalDocument,
    ) -> Result<Version, Error> {
        let version = self.version(input.version_id, input.etag.as_deref()).await?;
        version.expect_state(&[VersionState::Approved], "take its document")?;
        if let Some(document) = &version.final_document {
            return Err(Error::DocumentAttached {
                version_id: version.version_id,
                document_id: document.document_id,
            });
        }
        let document = FinalDocument {
            document_id: input.document_id,
            sha256: input.sha256,
            attached_by: self.work.actor().user_id,
            attached_at: self.work.now(),
        };
        facts::attach(self.conn(), &version, &document).await?;
        let (slug, subject) = (self.work.row().slug, document_subject(version.version_id));
        let after = (None, Some(document.summary()));
        self.work.record_in(slug, "document.attached", subject, None, after, Vec::new())?;
        self.read_back(&version).await
    }
}

/// What the trail calls the remedy of an item: by the decision that was named.
pub(crate) fn remediation_subject(id: DecisionId) -> String {
    format!("remediation:{id}")
}

/// What the trail calls the document of a version.
pub(crate) fn document_subject(version_id: Uuid) -> String {
    format!("final_document:{version_id}")
}
