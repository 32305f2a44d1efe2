//! The next version of a line.

use serde_json::Value;
use signoff_backend::Fault;
use uuid::Uuid;

use super::details::Details;
use super::{Change, not_found};
use crate::domain::counts::Counts;
use crate::domain::error::{Error, Kind};
use crate::domain::ids::{DecisionId, MAX_VERSION};
use crate::domain::item::{NewContent, Recommendation, plan_additions};
use crate::domain::metadata::{self, Metadata};
use crate::domain::states::{Origin, VersionState};
use crate::domain::version::Version;
use crate::store::contents::Maker;
use crate::store::lines::Line;
use crate::store::{contents, known, lines, makers, restate, rulings, versions};

/// Starts a line.
#[derive(Debug)]
pub struct CreateVersion {
    /// Why.
    pub notes: Option<String>,
    /// What the version says about itself.
    pub metadata: Option<Metadata>,
    /// Free-form.
    pub phase_data: Option<Value>,
    /// What is put forward.
    pub items: Vec<Recommendation>,
}

/// Makes the next version from a baseline.
#[derive(Debug)]
pub struct ReviseVersion {
    /// The baseline; `None` for the newest closed version that is not deleted.
    pub baseline: Option<Uuid>,
    /// The baseline's etag.
    pub etag: Option<String>,
    /// Why.
    pub notes: Option<String>,
    /// What the version says about itself; `None`: what the baseline said.
    pub metadata: Option<Metadata>,
    /// What is put forward beside what is carried.
    pub items: Vec<Recommendation>,
}

impl Change {
    /// Starts the scope's line.
    ///
    /// # Errors
    /// The phase takes no change, the line has a version, or item keys are doubled.
    pub async fn create_version(&mut self, input: CreateVersion) -> Result<Version, Error> {
        self.work.admit()?;
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let now = self.work.now();
        let line = lines::find_or_make(self.conn(), scope, &row, now).await?;
        if line.last_number > 0
            && let Some(newest) = versions::newest(self.conn(), scope, line.line_no).await?
        {
            return Err(Error::LineStarted {
                version_id: newest.version_id,
                number: newest.number,
            });
        }
        let draft = Draft {
            notes: input.notes,
            metadata: input.metadata,
            phase_data: input.phase_data,
            items: input.items,
        };
        self.next_version("version.created", line, None, draft).await
    }

    /// Makes the next version from a baseline. That is how a stale phase is mended.
    ///
    /// # Errors
    /// The phase takes no change, a version is open, there is no such baseline, or item keys are
    /// doubled.
    pub async fn revise_version(&mut self, input: ReviseVersion) -> Result<Version, Error> {
        self.work.admit_mending()?;
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let named = match input.baseline {
            Some(id) => Some(
                versions::by_id(self.conn(), scope, &row, id)
                    .await?
                    .ok_or_else(|| not_found(Kind::Version, id))?,
            ),
            None => None,
        };
        let line = lines::find(self.conn(), scope, &row).await?.ok_or(Error::NoBaseline)?;
        // An open version is the newest that is not deleted.
        let newest =
            versions::newest(self.conn(), scope, line.line_no).await?.ok_or(Error::NoBaseline)?;
        if newest.state.is_open() {
            return Err(Error::VersionOpen {
                version_id: newest.version_id,
                number: newest.number,
                state: newest.state,
            });
        }
        let baseline = named.unwrap_or(newest);
        baseline.expect_etag(input.etag.as_deref())?;
        baseline.expect_state(
            &[VersionState::Approved, VersionState::Superseded, VersionState::Rejected],
            "be revised",
        )?;
        let draft = Draft {
            notes: input.notes,
            metadata: input.metadata.or_else(|| baseline.stored_metadata()),
            phase_data: baseline.phase_data.clone(),
            items: input.items,
        };
        self.next_version("version.revised", line, Some(baseline), draft).await
    }

    async fn next_version(
        &mut self,
        action: &'static str,
        line: Line,
        baseline: Option<Version>,
        draft: Draft,
    ) -> Result<Version, Error> {
        if line.last_number >= MAX_VERSION {
            return Err(Fault::Limit("a line holds at most 67,108,863 versions").into());
        }
        let (now, created_by) = (self.work.now(), self.work.actor().user_id);
        let number = lines::next_number(self.conn(), line.line_no).await?;
        let metadata_schema = draft.metadata.as_ref().map_or(metadata::SCHEMA, |of| of.schema);
        let mut version = Version {
            scope: self.work.scope(),
            line_no: line.line_no,
            number,
            version_id: Uuid::now_v7(),
            state: VersionState::Draft,
            revision: 1,
            parent: baseline.as_ref().map(Version::reference),
            approved_version_id: baseline.as_ref().and_then(|of| of.approved_version_id),
            superseded_by: None,
            content_digest: None,
            required_sign_offs: Vec::new(),
            final_document: None,
            metadata: draft.metadata.map(|of| of.body),
            metadata_schema,
            phase_data: draft.phase_data,
            counts: baseline.as_ref().map_or_else(Counts::default, |of| of.counts.inherited()),
            sources: baseline.as_ref().map_or(0, |of| of.sources),
            created_at: now,
            created_by,
            creation_notes: draft.notes,
            updated_at: now,
            submitted_at: None,
            submitted_by: None,
            submitters: Vec::new(),
            submission_notes: None,
            reviewed_at: None,
            reviewed_by: None,
            review_notes: None,
            self_approved: false,
            superseded_at: None,
            deleted_at: None,
            deleted_by: None,
            delete_reason: None,
            occurred_at: now,
            recorded_at: now,
            origin: Origin::Native,
        };
        let mut details = Details::default();
        details.description(&version)?;
        let from = baseline.as_ref().map_or(0, |of| of.number);
        // What a baseline had that is not the newest version comes first: it decides which keys the
        // draft holds.
        let is_next = from == line.last_number;
        if !is_next {
            versions::insert(self.conn(), &version).await?;
            let restated =
                restate::from_baseline(self.conn(), &version, from, created_by, now).await?;
            details.restated(&restated)?;
        }
        let new = self.plan(&mut version, line.last_item, draft.items).await?;
        if is_next {
            versions::insert(self.conn(), &version).await?;
        } else if !new.is_empty() {
            version = self.save(version).await?;
        }
        self.write(&version, line.last_item, &new, &mut details).await?;
        let reason = version.creation_notes.clone();
        self.record_version(action, reason.as_deref(), None, &version, details)?;
        Ok(version)
    }

    /// Puts items forward in an open version and saves its header.
    pub(super) async fn put_forward(
        &mut self,
        mut version: Version,
        last_item: i32,
        items: Vec<Recommendation>,
        details: &mut Details,
    ) -> Result<(Version, Vec<DecisionId>), Error> {
        let new = self.plan(&mut version, last_item, items).await?;
        self.write(&version, last_item, &new, details).await?;
        let ids = new
            .iter()
            .map(|new| DecisionId {
                line_no: version.line_no,
                item_no: new.item_no,
                version: version.number,
            })
            .collect();
        Ok((self.save(version).await?, ids))
    }

    /// Gives items their numbers, and counts them in the header.
    async fn plan(
        &mut self,
        version: &mut Version,
        last_item: i32,
        items: Vec<Recommendation>,
    ) -> Result<Vec<NewContent>, Error> {
        let keys: Vec<&str> = items.iter().map(|item| item.content.item_key.as_str()).collect();
        let known = if last_item == 0 || keys.is_empty() {
            std::collections::HashMap::new()
        } else {
            known::keys(self.conn(), version.line_no, version.number, &keys).await?
        };
        let new = plan_additions(items, &known, last_item)?;
        for item in &new {
            version.counts.enter(item.held());
            version.sources |= item.recommendation.source.bit();
        }
        Ok(new)
    }

    /// Writes what was planned for an open version that is there.
    async fn write(
        &mut self,
        version: &Version,
        last_item: i32,
        new: &[NewContent],
        details: &mut Details,
    ) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        let ended: Vec<i32> =
            new.iter().filter(|new| new.ends.is_some()).map(|new| new.item_no).collect();
        let maker = self.maker();
        rulings::end(self.conn(), version, &ended).await?;
        contents::put(self.conn(), version, new, maker).await?;
        let newest = new.iter().map(|new| new.item_no).max().unwrap_or(last_item).max(last_item);
        makers::add(self.conn(), version.line_no, maker.user_id, new.len(), newest).await?;
        details.contents(new, maker.contributed)
    }

    pub(super) fn maker(&self) -> Maker {
        Maker {
            user_id: self.work.actor().user_id,
            contributed: !self.work.actor().is_tester(),
            at: self.work.now(),
        }
    }
}

/// What a new version is made with.
struct Draft {
    notes: Option<String>,
    metadata: Option<Metadata>,
    phase_data: Option<Value>,
    items: Vec<Recommendation>,
}
