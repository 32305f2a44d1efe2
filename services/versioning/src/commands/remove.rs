//! Items that are taken out of a draft.

use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::details::Details;
use super::edit::needs_reason;
use super::{Change, NOT_HELD, items_of};
use crate::domain::error::{Error, Kind};
use crate::domain::ids::DecisionId;
use crate::domain::item::{ItemAt, NewRuling};
use crate::domain::states::VersionState;
use crate::domain::version::Version;
use crate::store::rulings;

/// Takes items out.
#[derive(Debug)]
pub struct RemoveDecisions {
    /// Of which version.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// Which.
    pub decision_ids: Vec<Uuid>,
    /// Why; mandatory for carried or already decided items.
    pub reason: Option<String>,
}

impl Change {
    /// Takes items out of a draft.
    ///
    /// # Errors
    /// The phase or the version takes no edit, decisions are not there, or a reason is missing.
    pub async fn remove_decisions(&mut self, input: RemoveDecisions) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        let numbers = items_of(&before, &input.decision_ids)?;
        before.expect_state(&[VersionState::Draft], "lose items")?;
        let items = self.held(&before, &numbers).await?;
        expect_all(&before, &numbers, &items)?;
        if input.reason.is_none() && items.iter().any(|item| needs_reason(item, &before)) {
            return Err(Fault::Invalid(Violations::one(
                "reason",
                "is mandatory for carried or already decided items",
            ))
            .into());
        }
        let removals: Vec<NewRuling<'_>> = items.iter().map(NewRuling::removal).collect();
        let (now, actor, reason) =
            (self.work.now(), self.work.actor().user_id, input.reason.as_deref());
        rulings::write(self.conn(), &before, &removals, actor, reason, now).await?;
        let mut after = before.clone();
        for item in &items {
            after.counts.leave(item.held(before.number));
        }
        let after = self.save(after).await?;
        let mut details = Details::default();
        details.rulings(&before, &removals, reason)?;
        self.record_version("decisions.removed", reason, Some(&before), &after, details)?;
        Ok(after)
    }
}

/// # Errors
/// [`Error::NotFound`] names every item that the version does not hold.
pub(super) fn expect_all(version: &Version, wanted: &[i32], found: &[ItemAt]) -> Result<(), Error> {
    if found.len() == wanted.len() {
        return Ok(());
    }
    let there: std::collections::HashSet<i32> = found.iter().map(|item| item.item_no).collect();
    let mut missing = Violations::default();
    for item_no in wanted.iter().copied().filter(|item_no| !there.contains(item_no)) {
        let id = DecisionId { line_no: version.line_no, item_no, version: version.number };
        missing.add(id.to_string(), NOT_HELD);
    }
    Err(Error::NotFound { kind: Kind::Decision, ids: missing })
}
