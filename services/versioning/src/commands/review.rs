//! Rulings on a submitted version.

use std::collections::{HashMap, HashSet};

use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::details::Details;
use super::remove::expect_all;
use super::{Change, items_of};
use crate::domain::error::Error;
use crate::domain::ids::DecisionId;
use crate::domain::item::{Change as ItemChange, ItemAt, NewRuling, Opinion, check_reviewer};
use crate::domain::states::{RulingState, Standing, VersionState};
use crate::domain::version::Version;
use crate::store::{held, makers, rulings};

/// One opinion for every decision that is still pending.
#[derive(Debug)]
pub struct Remaining {
    /// Approved or rejected.
    pub opinion: Opinion,
}

/// Rules on decisions.
#[derive(Debug)]
pub struct ReviewDecisions {
    /// Of which version.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// What is said of each.
    pub reviews: Vec<(Uuid, Opinion)>,
    /// What is said of those still pending afterwards.
    pub remaining: Option<Remaining>,
}

/// Confirms the reviewer's changes.
#[derive(Debug)]
pub struct ConfirmModifications {
    /// Of which version.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// Which.
    pub decision_ids: Vec<Uuid>,
}

impl Change {
    /// Rules on decisions of a submitted version.
    ///
    /// # Errors
    /// The phase takes no change, the version is not submitted, decisions are not there, or the
    /// actor may not rule on them.
    pub async fn review_decisions(&mut self, input: ReviewDecisions) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        let terms = self.terms(&before)?;
        if !self.work.row().approver_contributes {
            self.expect_approver(&before, &terms, "rule on decisions")?;
        }
        let ids: Vec<Uuid> = input.reviews.iter().map(|(id, _)| *id).collect();
        let numbers = items_of(&before, &ids)?;
        before.expect_state(&[VersionState::Submitted], "be ruled on")?;
        let named = self.held(&before, &numbers).await?;
        expect_all(&before, &numbers, &named)?;
        let pending = match input.remaining {
            Some(_) => self.pending_but(&before, &numbers).await?,
            None => Vec::new(),
        };
        check_reviewer(
            self.work.actor(),
            self.work.row(),
            terms.waives_approver,
            (before.line_no, before.number),
            named.iter().chain(&pending),
        )?;
        expect_keys(&named, &numbers, &input.reviews)?;

        let opinions: HashMap<i32, &Opinion> =
            numbers.iter().copied().zip(input.reviews.iter().map(|(_, opinion)| opinion)).collect();
        let of_named = named.iter().filter_map(|item| {
            opinions.get(&item.item_no).map(|opinion| NewRuling::of(item, opinion))
        });
        let of_pending = input.remaining.iter().flat_map(|remaining| {
            pending.iter().map(|item| NewRuling::of(item, &remaining.opinion))
        });
        let new: Vec<NewRuling<'_>> = of_named.chain(of_pending).collect();
        if new.is_empty() {
            // Everything was ruled on already: nothing changes, and nothing is recorded.
            return Ok(before);
        }
        self.rule(before, &new, "decisions.reviewed").await
    }

    /// Confirms the reviewer's changes.
    ///
    /// # Errors
    /// The phase takes no change, the version is not submitted, decisions are not there or have
    /// nothing to confirm, or the actor made the change.
    pub async fn confirm_modifications(
        &mut self,
        input: ConfirmModifications,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(input.version_id, input.etag.as_deref()).await?;
        let numbers = items_of(&before, &input.decision_ids)?;
        before.expect_state(&[VersionState::Submitted], "be confirmed")?;
        let items = self.held(&before, &numbers).await?;
        expect_all(&before, &numbers, &items)?;
        let id = |item: &ItemAt| {
            DecisionId { line_no: before.line_no, item_no: item.item_no, version: before.number }
                .to_string()
        };
        let mut unproposed = Violations::default();
        for item in items.iter().filter(|item| item.standing != Standing::Proposed) {
            unproposed.add(id(item), format!("{} has no change to confirm", item.item_key));
        }
        if !unproposed.is_empty() {
            return Err(Error::NothingToConfirm(unproposed));
        }
        if !self.work.row().self_approval {
            let actor = self.work.actor().user_id;
            let own_numbers = rulings::proposed_by(self.conn(), &before, &numbers, actor).await?;
            let mut own = Violations::default();
            for item in items.iter().filter(|item| own_numbers.contains(&item.item_no)) {
                own.add(id(item), format!("you changed {}", item.item_key));
            }
            if !own.is_empty() {
                return Err(Error::MakerIsChecker { what: "decision", ids: own });
            }
        }
        let new: Vec<NewRuling<'_>> = items.iter().map(NewRuling::confirmation).collect();
        self.rule(before, &new, "modifications.confirmed").await
    }

    async fn pending_but(
        &mut self,
        version: &Version,
        named: &[i32],
    ) -> Result<Vec<ItemAt>, Error> {
        let actor = self.work.actor().user_id;
        let made_any = makers::made_any(self.conn(), version.line_no, actor).await?;
        let named: HashSet<i32> = named.iter().copied().collect();
        let mut pending = held::pending(self.conn(), version, actor, made_any).await?;
        pending.retain(|item| !named.contains(&item.item_no));
        Ok(pending)
    }

    async fn rule(
        &mut self,
        before: Version,
        new: &[NewRuling<'_>],
        action: &'static str,
    ) -> Result<Version, Error> {
        let (now, actor) = (self.work.now(), self.work.actor().user_id);
        rulings::write(self.conn(), &before, new, actor, None, now).await?;
        let mut after = before.clone();
        for ruling in new {
            after.counts.leave(ruling.item.held(before.number));
            if let Some(held) = ruling.held_after(before.number) {
                after.counts.enter(held);
            }
        }
        let modified = new.iter().any(|ruling| ruling.state == RulingState::Proposed);
        let voided = self.rebind(&before, &mut after, modified).await?;
        let after = self.save(after).await?;
        let mut details = Details::default();
        details.rulings(&before, new, None)?;
        self.record_version(action, None, Some(&before), &after, details)?;
        self.record_voided(&voided)?;
        Ok(after)
    }
}

/// # Errors
/// [`Fault::Invalid`] names changes whose payload names another item.
fn expect_keys(
    items: &[ItemAt],
    numbers: &[i32],
    reviews: &[(Uuid, Opinion)],
) -> Result<(), Error> {
    let changes: HashMap<i32, (usize, &ItemChange)> = numbers
        .iter()
        .zip(reviews)
        .enumerate()
        .filter_map(|(i, (number, (_, opinion)))| Some((*number, (i, opinion.change.as_ref()?))))
        .collect();
    let mut violations = Violations::default();
    for item in items {
        if let Some((i, change)) = changes.get(&item.item_no)
            && !change.replacement.is_of(&item.item_key)
        {
            violations.add(
                format!("reviews[{i}].modified_payload"),
                format!(
                    "{:?} must name the item {:?}, which never changes its key",
                    change.replacement.content.item_key, item.item_key
                ),
            );
        }
    }
    Ok(violations.or(()).map_err(Fault::Invalid)?)
}
