//! What commands are given, checked.

use std::collections::HashSet;
use std::fmt::Display;

use serde_json::Value;
use signoff_backend::rpc::inputs::{etag, fits, optional_text, plain_text, required_text};
use signoff_contract::convert::{JsonLimits, json_from_wire, optional_uuid, uuid};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Violations};
use uuid::Uuid;
use wire::payload::Kind;

use super::decision::source_from_wire;
use super::mask::Mask;
use super::metadata::metadata_from_wire;
use super::payload::content_from_wire;
use crate::commands::{
    AddDecisions, ConfirmModifications, CreateVersion, Remaining, RemoveDecisions, ReviewDecisions,
    ReviseVersion, UpdateDecision, UpdateVersion,
};
use crate::domain::item::{Change, Opinion, Recommendation, Replacement};
use crate::domain::metadata::{Metadata, MetadataChange};
use crate::domain::payload::Place;
use crate::domain::states::Verdict;

/// Most decisions of one call that adds, removes or confirms.
pub(super) const MAX_BATCH: usize = 10_000;
/// Most decisions that a version is made with; the message's size bounds them too.
pub(super) const MAX_FIRST_BATCH: usize = 100_000;
/// Most reviews of one call.
pub(super) const MAX_REVIEWS: usize = 200_000;

/// The request for a new line.
pub(super) fn create_version(
    request: wire::CreateVersionRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<CreateVersion> {
    let notes = optional_text(request.notes, "notes", violations);
    let metadata = metadata(request.metadata, row, violations);
    let phase_data = phase_data(request.phase_data, violations);
    let items = recommendations(request.decisions, MAX_FIRST_BATCH, row, violations);
    Some(CreateVersion { notes, metadata, phase_data, items })
}

/// The request for a next version.
pub(super) fn revise_version(
    request: wire::ReviseVersionRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<ReviseVersion> {
    let baseline = optional_uuid(&request.baseline_version_id, "baseline_version_id", violations);
    let notes = optional_text(request.notes, "notes", violations);
    let metadata = metadata(request.metadata, row, violations);
    let items = recommendations(request.decisions, MAX_FIRST_BATCH, row, violations);
    Some(ReviseVersion { baseline, etag: etag(request.etag), notes, metadata, items })
}

/// The request for more items.
pub(super) fn add_decisions(
    request: wire::AddDecisionsRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<AddDecisions> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    if request.decisions.is_empty() {
        violations.add("decisions", "is empty");
    }
    let items = recommendations(request.decisions, MAX_BATCH, row, violations);
    Some(AddDecisions { version_id: version_id?, etag: etag(request.etag), items })
}

/// The request for an edit.
pub(super) fn update_decision(
    request: wire::UpdateDecisionRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<UpdateDecision> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    let decision_id = uuid(&request.decision_id, "decision_id", violations);
    let reason = optional_text(request.modification_reason, "modification_reason", violations);
    let content = replacement(request.payload, format_args!("payload"), row, violations);
    Some(UpdateDecision {
        version_id: version_id?,
        etag: etag(request.etag),
        decision_id: decision_id?,
        replacement: content?,
        reason,
    })
}

/// The request to take items out.
pub(super) fn remove_decisions(
    request: wire::RemoveDecisionsRequest,
    violations: &mut Violations,
) -> Option<RemoveDecisions> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    let decision_ids = decision_ids(&request.decision_ids, violations);
    let reason = optional_text(request.reason, "reason", violations);
    Some(RemoveDecisions {
        version_id: version_id?,
        etag: etag(request.etag),
        decision_ids,
        reason,
    })
}

/// The request to change what a draft says about itself.
pub(super) fn update_version(
    request: wire::UpdateVersionRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<UpdateVersion> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    let mask = Mask::read(request.update_mask.unwrap_or_default(), row, violations);
    let sets =
        request.metadata.is_some() || request.phase_data.is_some() || request.notes.is_some();
    if mask.is_none() && !sets {
        violations.add("metadata", "nothing to change: set metadata, phase_data or notes");
    }
    let metadata = metadata(request.metadata, row, violations);
    let phase_data = phase_data(request.phase_data, violations);
    let notes = request.notes.inspect(|notes| {
        plain_text(notes, "notes", false, violations);
    });
    let (metadata, phase_data, notes) = match mask {
        None => {
            let metadata = MetadataChange { set: metadata, ..MetadataChange::default() };
            (metadata, phase_data.map(Some), notes.map(Some))
        }
        Some(mask) => (
            MetadataChange::masked(metadata, &mask.metadata),
            mask.phase_data.then_some(phase_data),
            mask.notes.then_some(notes),
        ),
    };
    Some(UpdateVersion {
        version_id: version_id?,
        etag: etag(request.etag),
        metadata,
        phase_data,
        notes,
    })
}

/// The request to rule.
pub(super) fn review_decisions(
    request: wire::ReviewDecisionsRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<ReviewDecisions> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    if request.reviews.is_empty() && request.remaining.is_none() {
        violations.add("reviews", "is empty, and so is remaining");
    }
    let remaining =
        request.remaining.and_then(|remaining| remaining_from_wire(remaining, violations));
    if !fits(request.reviews.len(), MAX_REVIEWS, "reviews", violations) {
        return None;
    }
    let mut seen = HashSet::with_capacity(request.reviews.len());
    let mut reviews = Vec::with_capacity(request.reviews.len());
    for (i, review) in request.reviews.into_iter().enumerate() {
        let id = uuid(&review.decision_id, format_args!("reviews[{i}].decision_id"), violations);
        if id.is_some_and(|id| !seen.insert(id)) {
            violations.add(format!("reviews[{i}].decision_id"), "is there twice");
        }
        let opinion = opinion(review, i, row, violations);
        reviews.extend(id.zip(opinion));
    }
    Some(ReviewDecisions { version_id: version_id?, etag: etag(request.etag), reviews, remaining })
}

/// The request to confirm.
pub(super) fn confirm_modifications(
    request: wire::ConfirmModificationsRequest,
    violations: &mut Violations,
) -> Option<ConfirmModifications> {
    let version_id = uuid(&request.version_id, "version_id", violations);
    let decision_ids = decision_ids(&request.decision_ids, violations);
    Some(ConfirmModifications { version_id: version_id?, etag: etag(request.etag), decision_ids })
}

fn metadata(
    given: Option<wire::VersionMetadata>,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<Metadata> {
    metadata_from_wire(row.payload.unwrap_or_default(), given, format_args!("metadata"), violations)
}

fn phase_data(given: Option<prost_types::Struct>, violations: &mut Violations) -> Option<Value> {
    json_from_wire(given?, "phase_data", JsonLimits::default(), violations)
}

fn recommendations(
    given: Vec<wire::DecisionInput>,
    most: usize,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Vec<Recommendation> {
    if !fits(given.len(), most, "decisions", violations) {
        return Vec::new();
    }
    given
        .into_iter()
        .enumerate()
        .filter_map(|(i, input)| recommendation(input, i, row, violations))
        .collect()
}

/// Decision number `i` of a request, counted from 0.
pub(super) fn recommendation(
    input: wire::DecisionInput,
    i: usize,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<Recommendation> {
    let source = source_from_wire(input.source, format_args!("decisions[{i}].source"), violations);
    let reason = optional_text(
        input.recommendation_reason,
        format_args!("decisions[{i}].recommendation_reason"),
        violations,
    );
    let metadata = input.recommendation_metadata.and_then(|metadata| {
        let path = format_args!("decisions[{i}].recommendation_metadata");
        json_from_wire(metadata, path, JsonLimits::default(), violations)
    });
    let content = content_from_wire(
        row.payload.unwrap_or_default(),
        input.item_key,
        input.payload,
        Place {
            item_key: format_args!("decisions[{i}].item_key"),
            payload: format_args!("decisions[{i}].payload"),
        },
        violations,
    );
    Some(Recommendation { content: content?, source: source?, reason, metadata })
}

/// A payload that takes another one's place: it comes without its item's key, and may name it.
fn replacement(
    payload: Option<wire::Payload>,
    path: std::fmt::Arguments<'_>,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<Replacement> {
    let named = payload.as_ref().and_then(named_key);
    let names_item = named.is_some();
    let item_key = named.unwrap_or_else(|| "-".to_owned());
    let place = Place { item_key: path, payload: path };
    let content =
        content_from_wire(row.payload.unwrap_or_default(), item_key, payload, place, violations)?;
    Some(Replacement { content, names_item })
}

/// The item key that a payload names.
fn named_key(payload: &wire::Payload) -> Option<String> {
    let key = match payload.kind.as_ref()? {
        Kind::AttributeDecision(attribute) => &attribute.attribute_id,
        Kind::ScopingDecision(scoping) => &scoping.attribute_id,
        Kind::Sample(sample) => &sample.sample_identifier,
        Kind::ProfilingRule(_) | Kind::Observation(_) | Kind::ReportSection(_) => return None,
    };
    (!key.is_empty()).then(|| key.clone())
}

fn opinion(
    review: wire::Review,
    i: usize,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<Opinion> {
    let verdict = verdict(review.verdict, format_args!("reviews[{i}].verdict"), violations);
    let accepted_without_finding = disposition(review.disposition, i, row, verdict, violations);
    let notes_path = format_args!("reviews[{i}].notes");
    let notes = if accepted_without_finding {
        // Why there is no finding.
        required_text(review.notes, notes_path, violations)
    } else {
        optional_text(review.notes, notes_path, violations)
    };
    let reason_path = format_args!("reviews[{i}].modification_reason");
    let change = if verdict == Some(Verdict::Modified) {
        let path = format_args!("reviews[{i}].modified_payload");
        let replacement = replacement(review.modified_payload, path, row, violations);
        let reason = required_text(review.modification_reason, reason_path, violations);
        Some(Change { replacement: replacement?, reason: reason? })
    } else {
        if review.modified_payload.is_some() {
            violations.add(
                format!("reviews[{i}].modified_payload"),
                "goes with the verdict MODIFIED only",
            );
        }
        if !review.modification_reason.is_empty() {
            violations.add(reason_path.to_string(), "goes with the verdict MODIFIED only");
        }
        None
    };
    Some(Opinion { verdict: verdict?, notes, change, accepted_without_finding })
}

fn disposition(
    number: i32,
    i: usize,
    row: &PhaseRow,
    verdict: Option<Verdict>,
    violations: &mut Violations,
) -> bool {
    let fault = match wire::Disposition::try_from(number) {
        Ok(wire::Disposition::Unspecified) => return false,
        Ok(wire::Disposition::AcceptedWithoutFinding) => {
            if row.payload != Some("observation") {
                "is for observations only"
            } else if verdict != Some(Verdict::Rejected) {
                "goes with the verdict REJECTED only"
            } else {
                return true;
            }
        }
        Err(_) => "is not a known disposition",
    };
    violations.add(format!("reviews[{i}].disposition"), fault);
    false
}

fn remaining_from_wire(
    remaining: wire::RemainingReview,
    violations: &mut Violations,
) -> Option<Remaining> {
    let verdict = verdict(remaining.verdict, "remaining.verdict", violations)?;
    let notes = optional_text(remaining.notes, "remaining.notes", violations);
    if verdict == Verdict::Modified {
        violations.add("remaining.verdict", "is APPROVED or REJECTED: a change is of one decision");
    }
    let opinion = Opinion { verdict, notes, change: None, accepted_without_finding: false };
    Some(Remaining { opinion })
}

fn verdict(number: i32, path: impl Display, violations: &mut Violations) -> Option<Verdict> {
    match wire::Verdict::try_from(number) {
        Ok(wire::Verdict::Approved) => Some(Verdict::Approved),
        Ok(wire::Verdict::Rejected) => Some(Verdict::Rejected),
        Ok(wire::Verdict::Modified) => Some(Verdict::Modified),
        Ok(wire::Verdict::Unspecified) => {
            violations.add(path.to_string(), "is required");
            None
        }
        Err(_) => {
            violations.add(path.to_string(), "is not a known verdict");
            None
        }
    }
}

fn decision_ids(given: &[String], violations: &mut Violations) -> Vec<Uuid> {
    if given.is_empty() {
        violations.add("decision_ids", "is empty");
    }
    if !fits(given.len(), MAX_BATCH, "decision_ids", violations) {
        return Vec::new();
    }
    let mut seen = HashSet::with_capacity(given.len());
    for (i, id) in given.iter().enumerate() {
        let path = format_args!("decision_ids[{i}]");
        if let Some(id) = uuid(id, path, violations)
            && !seen.insert(id)
        {
            violations.add(path.to_string(), "is there twice");
        }
    }
    given.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect()
}
