//! Decisions on the wire.

use signoff_backend::Fault;
use signoff_contract::convert::{json_to_wire, time_to_wire};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Violations};
use wire::payload::Kind as PayloadKind;

use super::facts::remediation_to_wire;
use super::payload::payload_to_wire;
use super::version::origin_to_wire;
use crate::domain::decision::{Decision, Filter, HistoryEntry, PastRuling, StoredPayload};
use crate::domain::error::Error;
use crate::domain::states::{RulingState, Source, Standing};

/// A decision for the wire.
///
/// # Errors
/// What is stored cannot be read: a fault of our own.
pub(super) fn decision_to_wire(
    decision: Decision,
    history: Vec<HistoryEntry>,
    row: &PhaseRow,
) -> Result<wire::Decision, Error> {
    let kind = row.payload.unwrap_or_default();
    let payload_of = |stored: &StoredPayload| {
        payload_to_wire(kind, stored.schema, stored.body.clone())
            .map_err(|error| Fault::Internal(error.to_string()))
    };
    let carried = decision.is_carried();
    let mut payload = payload_of(&decision.payload)?;
    if let Some(PayloadKind::AttributeDecision(attribute)) = &mut payload.kind {
        attribute.modification_history = history.into_iter().map(history_to_wire).collect();
    }
    let modified_payload =
        decision.change.as_ref().map(|change| payload_of(&change.payload)).transpose()?;
    let effective_payload = modified_payload.clone().unwrap_or_else(|| payload.clone());
    let recommendation_metadata = decision
        .recommendation_metadata
        .as_ref()
        .map(json_to_wire)
        .transpose()
        .map_err(|error| Fault::Internal(error.to_string()))?;
    let ruling = decision.ruling.as_ref();
    let change = decision.change.as_ref();
    // Where the ruling in force is a tester's confirmation, the reviewer's change is what was
    // decided; where a reviewer approved the changed item again, that is.
    let confirmed = decision.confirmed;
    let (decided, notes) = match (ruling, change) {
        (Some(ruling), Some(change)) if confirmed == Some(ruling.act) => {
            (Some((change.made_by, change.made_at)), change.notes.clone())
        }
        (ruling, _) => (
            ruling.map(|ruling| (ruling.act.by, ruling.act.at)),
            ruling.and_then(|ruling| ruling.notes.clone()),
        ),
    };
    let parent = decision.parent.filter(|_| carried);
    let recorded = ruling
        .map_or((decision.occurred_at, decision.recorded_at, decision.origin), |ruling| {
            (ruling.occurred_at, ruling.recorded_at, ruling.origin)
        });
    let original_source = source_to_wire(decision.source);
    Ok(wire::Decision {
        decision_id: decision.id.to_string(),
        payload: Some(payload),
        source: if carried {
            wire::RecommendationSource::CarriedForward.into()
        } else {
            original_source.into()
        },
        original_source: original_source.into(),
        recommended_by: decision.recommended.by,
        recommended_at: Some(time_to_wire(decision.recommended.at)),
        recommendation_metadata,
        state: standing_to_wire(decision.standing).into(),
        decided_by: decided.map_or(0, |(by, _)| by),
        decided_at: decided.map(|(_, at)| time_to_wire(at)),
        notes: notes.unwrap_or_default(),
        modified_payload,
        effective_payload: Some(effective_payload),
        modification_reason: change
            .map(|change| change.reason.clone())
            .or_else(|| decision.edit_reason.clone())
            .unwrap_or_default(),
        confirmed_by: confirmed.map_or(0, |confirmed| confirmed.by),
        confirmed_at: confirmed.map(|confirmed| time_to_wire(confirmed.at)),
        introduced_in_version_id: decision.introduced_in.version_id.to_string(),
        carried_from_version_id: parent
            .map(|parent| parent.version_id.to_string())
            .unwrap_or_default(),
        carried_from_decision_id: parent
            .map(|parent| decision.id_in(parent.number).to_string())
            .unwrap_or_default(),
        previous_decision_id: decision
            .rejected_in
            .map(|version| decision.id_in(version).to_string())
            .unwrap_or_default(),
        version_id: decision.version.version_id.to_string(),
        version_number: decision.version.number,
        edited_by: decision.edited.map_or(0, |edit| edit.by),
        edited_at: decision.edited.map(|edit| time_to_wire(edit.at)),
        disposition: disposition_to_wire(
            ruling.is_some_and(|ruling| ruling.accepted_without_finding),
        )
        .into(),
        origin: origin_to_wire(recorded.2).into(),
        occurred_at: Some(time_to_wire(recorded.0)),
        recorded_at: Some(time_to_wire(recorded.1)),
        remediation: decision.remediation.map(remediation_to_wire),
        recommendation_reason: decision.recommendation_reason.unwrap_or_default(),
        item_key: decision.item_key,
    })
}

/// A past ruling for the wire.
///
/// # Errors
/// What is stored cannot be read: a fault of our own.
pub(super) fn past_ruling_to_wire(
    ruling: PastRuling,
    row: &PhaseRow,
) -> Result<wire::PastRuling, Error> {
    let (changed, reason) = ruling.change.unzip();
    let modified_payload = changed
        .map(|stored| payload_to_wire(row.payload.unwrap_or_default(), stored.schema, stored.body))
        .transpose()
        .map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(wire::PastRuling {
        version_number: ruling.version,
        state: Standing::ruled(ruling.state)
            .map_or(wire::DecisionState::Unspecified, standing_to_wire)
            .into(),
        removed: ruling.state == RulingState::Removed,
        decided_by: ruling.act.by,
        decided_at: Some(time_to_wire(ruling.act.at)),
        notes: ruling.notes.unwrap_or_default(),
        modified_payload,
        modification_reason: reason.unwrap_or_default(),
        confirmed: ruling.state == RulingState::Modified,
        disposition: disposition_to_wire(ruling.accepted_without_finding).into(),
        replaced_in_version_number: ruling.replaced_in.unwrap_or_default(),
        restated: ruling.restated,
    })
}

const fn disposition_to_wire(accepted_without_finding: bool) -> wire::Disposition {
    if accepted_without_finding {
        wire::Disposition::AcceptedWithoutFinding
    } else {
        wire::Disposition::Unspecified
    }
}

fn history_to_wire(entry: HistoryEntry) -> wire::Modification {
    wire::Modification {
        version_number: entry.version,
        modified_by: entry.act.by,
        modified_at: Some(time_to_wire(entry.act.at)),
        reason: entry.reason.unwrap_or_default(),
        changed_fields: entry.changed_fields,
    }
}

const fn standing_to_wire(standing: Standing) -> wire::DecisionState {
    match standing {
        Standing::Pending => wire::DecisionState::Pending,
        Standing::Approved => wire::DecisionState::Approved,
        Standing::Rejected => wire::DecisionState::Rejected,
        Standing::Modified | Standing::Proposed => wire::DecisionState::Modified,
    }
}

const fn source_to_wire(source: Source) -> wire::RecommendationSource {
    match source {
        Source::Tester => wire::RecommendationSource::Tester,
        Source::Llm => wire::RecommendationSource::Llm,
        Source::Manual => wire::RecommendationSource::Manual,
        Source::Automated => wire::RecommendationSource::Automated,
    }
}

/// A recommendation's source; a note where it is unset, unknown, or only ever answered.
pub(super) fn source_from_wire(
    number: i32,
    path: impl std::fmt::Display,
    violations: &mut Violations,
) -> Option<Source> {
    match wire::RecommendationSource::try_from(number) {
        Ok(wire::RecommendationSource::Tester) => Some(Source::Tester),
        Ok(wire::RecommendationSource::Llm) => Some(Source::Llm),
        Ok(wire::RecommendationSource::Manual) => Some(Source::Manual),
        Ok(wire::RecommendationSource::Automated) => Some(Source::Automated),
        Ok(wire::RecommendationSource::CarriedForward) => {
            violations.add(path.to_string(), "is answered for carried decisions, never given");
            None
        }
        Ok(wire::RecommendationSource::Unspecified) => {
            violations.add(path.to_string(), "is required");
            None
        }
        Err(_) => {
            violations.add(path.to_string(), "is not a known source");
            None
        }
    }
}

/// Which decisions to list.
pub(super) fn filter_from_wire(
    filter: Option<wire::DecisionFilter>,
    violations: &mut Violations,
) -> Filter {
    let filter = filter.unwrap_or_default();
    let mut read = Filter {
        carried: filter.carried,
        item_key_prefix: filter.item_key_prefix,
        ..Filter::default()
    };
    signoff_contract::convert::text(
        &read.item_key_prefix,
        "filter.item_key_prefix",
        255,
        false,
        violations,
    );
    for (i, number) in filter.states.into_iter().enumerate() {
        match wire::DecisionState::try_from(number) {
            Ok(wire::DecisionState::Pending) => read.standings.push(Standing::Pending),
            Ok(wire::DecisionState::Approved) => read.standings.push(Standing::Approved),
            Ok(wire::DecisionState::Rejected) => read.standings.push(Standing::Rejected),
            Ok(wire::DecisionState::Modified) => {
                read.standings.extend([Standing::Modified, Standing::Proposed]);
            }
            Ok(wire::DecisionState::Unspecified) | Err(_) => {
                violations.add(format!("filter.states[{i}]"), "is not a known state");
            }
        }
    }
    for (i, number) in filter.sources.into_iter().enumerate() {
        if number == i32::from(wire::RecommendationSource::CarriedForward) {
            read.carried_source = true;
        } else {
            let path = format_args!("filter.sources[{i}]");
            read.sources.extend(source_from_wire(number, path, violations));
        }
    }
    read
}
