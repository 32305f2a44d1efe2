//! What is put forward in a draft, and what the draft says about itself.

use serde_json::Value;
use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::details::Details;
use super::{Change, items_of, not_found};
use crate::domain::counts::Held;
use crate::domain::error::{Error, Kind};
use crate::domain::ids::DecisionId;
use crate::domain::item::{ItemAt, Recommendation, Replacement};
use crate::domain::metadata::MetadataChange;
use crate::domain::states::{Standing, VersionState};
use crate::domain::version::Version;
use crate::store::{contents, held, lines, makers, rulings};

/// Puts items forward.
#[derive(Debug)]
pub struct AddDecisions {
    /// Where.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// What.
    pub items: Vec<Recommendation>,
}

/// Edits an item.
#[derive(Debug)]
pub struct UpdateDecision {
    /// Where.
    pub version_id: Uuid,
    /// The version's etag.
    pub etag: Option<String>,
    /// Which.
    pub decision_id: Uuid,
    /// As it is to be.
    pub replacement: Replacement,
    /// Why; mandatory for a carried or already decided item.
    pub reason: Option<String>,
}

/// Changes what a draft says about itself; what is `None` stays.
#[derive(Debug)]
pub struct UpdateVersion {
    /// Which.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// Its metadata.
    pub metadata: MetadataChange,
    /// Free-form, or that there is none; if it is changed.
    pub phase_data: Option<Option<Value>>,
    /// Why it was made, or nothing; if it is changed.
    pub notes: Option<Option<String>>,
}

impl Change {
    /// Puts items forward in a draft; where the phase says so, also in a submitted version.
    ///
    /// # Errors
    /// The phase or the version takes no items, or item keys are doubled.
    pub async fn add_decisions(
        &mut self,
        input: AddDecisions,
    ) -> Result<(Version, Vec<DecisionId>), Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        before.expect_state(self.takes_items_while(), "take new items")?;
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let line = lines::find(self.conn(), scope, &row)
            .await?
            .ok_or_else(|| not_found(Kind::Version, input.version_id))?;
        let mut details = Details::default();
        let (after, ids) =
            self.put_forward(before.clone(), line.last_item, input.items, &mut details).await?;
        self.record_version("decisions.added", None, Some(&before), &after, details)?;
        Ok((after, ids))
    }

    /// Edits an item in a draft: it is pending again.
    ///
    /// # Errors
    /// The phase or the version takes no edit, there is no such decision, or a reason is missing.
    pub async fn update_decision(
        &mut self,
        input: UpdateDecision,
    ) -> Result<(Version, DecisionId), Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        let items = items_of(&before, &[input.decision_id])?;
        before.expect_state(&[VersionState::Draft], "be edited")?;
        let item = self
            .held(&before, &items)
            .await?
            .pop()
            .ok_or_else(|| not_found(Kind::Decision, input.decision_id))?;
        if !input.replacement.is_of(&item.item_key) {
            return Err(Fault::Invalid(Violations::one(
                "payload",
                format!("must name the item {:?}, which never changes its key", item.item_key),
            ))
            .into());
        }
        if input.reason.is_none() && needs_reason(&item, &before) {
            return Err(Fault::Invalid(Violations::one(
                "modification_reason",
                "is mandatory for a carried or already decided item",
            ))
            .into());
        }
        let maker = self.maker();
        if item.ruling.is_some() {
            rulings::end(self.conn(), &before, &[item.item_no]).await?;
        }
        let reason = input.reason.as_deref();
        let rev =
            contents::edit(self.conn(), &before, &item, &input.replacement.content, reason, maker)
                .await?;
        makers::add(self.conn(), before.line_no, maker.user_id, 1, item.item_no).await?;
        let mut after = before.clone();
        after.counts.leave(item.held(before.number));
        after.counts.enter(Held {
            standing: Standing::Pending,
            carried: false,
            counted: input.replacement.content.counted,
        });
        let after = self.save(after).await?;
        let mut details = Details::default();
        details.edited(&item, rev, &input.replacement.content, reason)?;
        self.record_version("decision.edited", reason, Some(&before), &after, details)?;
        let id =
            DecisionId { line_no: before.line_no, item_no: item.item_no, version: before.number };
        Ok((after, id))
    }

    /// Changes what a draft says about itself.
    ///
    /// # Errors
    /// The phase or the version takes no edit.
    pub async fn update_version(&mut self, input: UpdateVersion) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        before.expect_state(&[VersionState::Draft], "be edited")?;
        let mut after = before.clone();
        let kind = self.work.row().payload.unwrap_or_default();
        let mut violations = Violations::default();
        let metadata = input.metadata.made(kind, before.stored_metadata(), &mut violations);
        let metadata = metadata.map_err(|error| Fault::Internal(error.to_string()))?;
        if !violations.is_empty() {
            return Err(Fault::Invalid(violations).into());
        }
        if let Some(metadata) = &metadata {
            after.metadata_schema = metadata.schema;
        }
        after.metadata = metadata.map(|metadata| metadata.body);
        if let Some(phase_data) = input.phase_data {
            after.phase_data = phase_data;
        }
        if let Some(notes) = input.notes {
            after.creation_notes = notes;
        }
        let after = self.save(after).await?;
        let mut details = Details::default();
        details.description(&after)?;
        self.record_version("version.updated", None, Some(&before), &after, details)?;
        Ok(after)
    }

    /// Those of the items that the open version holds.
    pub(super) async fn held(
        &mut self,
        version: &Version,
        items: &[i32],
    ) -> Result<Vec<ItemAt>, Error> {
        let actor = self.work.actor().user_id;
        let made_any = makers::made_any(self.conn(), version.line_no, actor).await?;
        held::of(self.conn(), version, items, actor, made_any).await
    }
}

/// Whether a change of the item must say why.
pub(super) fn needs_reason(item: &ItemAt, version: &Version) -> bool {
    item.is_carried(version.number) || item.standing != Standing::Pending
}
