//! What a client sees, as the model expects it and as the service answers it, in one form.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::build;
use signoff_versioning::domain::ids::DecisionId;
use signoff_workflow::Phase;
use wire::payload::Kind as PayloadKind;

use crate::line::{Line, Standing, Version};
use crate::step::{self, Key};

/// The names that the service gave to what the model numbers.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// By number, from 1.
    pub(crate) versions: Vec<String>,
    pub(crate) line_no: i64,
    /// Whose keys the items have.
    pub(crate) phase: Phase,
}

impl Default for Ids {
    fn default() -> Self {
        Self::of(Phase::SAMPLE_SELECTION)
    }
}

impl Ids {
    /// Of a line in this phase, as yet without names.
    pub(crate) fn of(phase: Phase) -> Self {
        Self { versions: Vec::new(), line_no: 0, phase }
    }

    /// What a key is called.
    pub(crate) fn key(&self, key: Key) -> String {
        match self.phase {
            Phase::SAMPLE_SELECTION => step::name(key),
            phase => build::key(phase, u32::try_from(key).unwrap()),
        }
    }

    pub(crate) fn version(&self, number: Option<usize>) -> String {
        number.map(|number| self.versions[number - 1].clone()).unwrap_or_default()
    }

    /// The decision on an item in a version; an id that nothing has, for an unknown item.
    pub(crate) fn decision(&self, line: &Line, version: usize, key: Key) -> String {
        let item_no = line.item_no(key).unwrap_or(1000 + key);
        let (item_no, version) = (i32::try_from(item_no), i32::try_from(version));
        DecisionId { line_no: self.line_no, item_no: item_no.unwrap(), version: version.unwrap() }
            .to_string()
    }
}

/// A decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    decision_id: String,
    item_key: String,
    version_id: String,
    text: String,
    modified: Option<String>,
    effective: String,
    source: i32,
    original_source: i32,
    recommended_by: i64,
    edited_by: i64,
    state: i32,
    decided_by: i64,
    confirmed_by: i64,
    notes: String,
    modification_reason: String,
    introduced_in: String,
    carried_from: String,
    carried_from_decision: String,
    previous_decision: String,
    /// Whether times are set exactly where somebody did something.
    dated: bool,
}

impl Decision {
    pub(crate) fn expected(line: &Line, ids: &Ids, version: &Version, key: Key) -> Self {
        let item = &version.items[&key];
        let (content, number) = (&item.content, version.number);
        let carried_from = version.parent.filter(|_| version.carries(key));
        let id_in = |number: Option<usize>| {
            number.map(|number| ids.decision(line, number, key)).unwrap_or_default()
        };
        let change = item.change.as_ref();
        Self {
            decision_id: ids.decision(line, number, key),
            item_key: ids.key(key),
            version_id: ids.version(Some(number)),
            text: content.text.clone(),
            modified: change.map(|change| change.text.clone()),
            effective: item.effective().to_owned(),
            source: match carried_from {
                Some(_) => wire::RecommendationSource::CarriedForward.into(),
                None => content.source.into(),
            },
            original_source: content.source.into(),
            recommended_by: content.recommended_by,
            edited_by: content.edited_by,
            state: match item.standing {
                Standing::Pending => wire::DecisionState::Pending,
                Standing::Approved => wire::DecisionState::Approved,
                Standing::Rejected => wire::DecisionState::Rejected,
                Standing::Proposed | Standing::Modified => wire::DecisionState::Modified,
            }
            .into(),
            decided_by: item.decided_by,
            confirmed_by: item.confirmed_by,
            notes: item.notes.clone(),
            modification_reason: change
                .map_or(&content.edit_reason, |change| &change.reason)
                .clone(),
            introduced_in: ids.version(Some(content.introduced_in)),
            carried_from: ids.version(carried_from),
            carried_from_decision: id_in(carried_from),
            previous_decision: id_in(content.rejected_in),
            dated: true,
        }
    }

    pub(crate) fn seen(decision: &wire::Decision) -> Self {
        let set = |by: i64, at: &Option<prost_types::Timestamp>| (by != 0) == at.is_some();
        Self {
            dated: set(decision.recommended_by, &decision.recommended_at)
                && set(decision.edited_by, &decision.edited_at)
                && set(decision.decided_by, &decision.decided_at)
                && set(decision.confirmed_by, &decision.confirmed_at),
            decision_id: decision.decision_id.clone(),
            item_key: decision.item_key.clone(),
            version_id: decision.version_id.clone(),
            text: text_of(decision.payload.as_ref()).unwrap_or_default(),
            modified: text_of(decision.modified_payload.as_ref()),
            effective: text_of(decision.effective_payload.as_ref()).unwrap_or_default(),
            source: decision.source,
            original_source: decision.original_source,
            recommended_by: decision.recommended_by,
            edited_by: decision.edited_by,
            state: decision.state,
            decided_by: decision.decided_by,
            confirmed_by: decision.confirmed_by,
            notes: decision.notes.clone(),
            modification_reason: decision.modification_reason.clone(),
            introduced_in: decision.introduced_in_version_id.clone(),
            carried_from: decision.carried_from_version_id.clone(),
            carried_from_decision: decision.carried_from_decision_id.clone(),
            previous_decision: decision.previous_decision_id.clone(),
        }
    }
}

fn text_of(payload: Option<&wire::Payload>) -> Option<String> {
    let text = match payload?.kind.as_ref()? {
        PayloadKind::Sample(sample) => sample.sample_data.as_ref()?.fields.get("content"),
        PayloadKind::ProfilingRule(rule) => rule.rule_definition.as_ref()?.fields.get("expression"),
        PayloadKind::AttributeDecision(decision) => return Some(decision.decision_reason.clone()),
        _ => None,
    };
    match text?.kind.as_ref()? {
        prost_types::value::Kind::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// All decisions of a version, in the order in which the line first saw their items.
pub(crate) fn decisions(line: &Line, ids: &Ids, version: &Version) -> Vec<Decision> {
    let held = line.keys.iter().filter(|key| version.items.contains_key(key));
    held.map(|key| Decision::expected(line, ids, version, *key)).collect()
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    number: i32,
    version_id: String,
    state: i32,
    parent: String,
    approved: String,
    superseded_by: String,
    counts: wire::VersionCounts,
    created_by: i64,
    submitted_by: i64,
    reviewed_by: i64,
    deleted_by: i64,
    self_approved: bool,
    /// Whether times are set exactly where somebody did something.
    dated: bool,
}

impl Header {
    pub(crate) fn expected(line: &Line, ids: &Ids, version: &Version) -> Self {
        let count = |standing| i32::try_from(version.count(standing)).unwrap();
        let carried = version.items.keys().filter(|key| version.carries(**key)).count();
        let unconfirmed = count(Standing::Proposed);
        Self {
            number: i32::try_from(version.number).unwrap(),
            version_id: ids.version(Some(version.number)),
            state: version.state.into(),
            parent: ids.version(version.parent),
            approved: ids.version(line.approved()),
            superseded_by: ids.version(version.superseded_by),
            counts: wire::VersionCounts {
                total: i32::try_from(version.items.len()).unwrap(),
                pending: count(Standing::Pending),
                approved: count(Standing::Approved),
                rejected: count(Standing::Rejected),
                modified: count(Standing::Modified) + unconfirmed,
                carried: i32::try_from(carried).unwrap(),
                unconfirmed,
            },
            created_by: version.created_by,
            submitted_by: version.submitted_by,
            reviewed_by: version.reviewed_by,
            deleted_by: version.deleted_by,
            self_approved: version.self_approved,
            dated: true,
        }
    }

    pub(crate) fn seen(version: &wire::Version) -> Self {
        let set = |by: i64, at: &Option<prost_types::Timestamp>| (by != 0) == at.is_some();
        Self {
            dated: set(version.created_by, &version.created_at)
                && set(version.submitted_by, &version.submitted_at)
                && set(version.reviewed_by, &version.reviewed_at)
                && set(version.deleted_by, &version.deleted_at)
                && version.superseded_by_version_id.is_empty() == version.superseded_at.is_none(),
            number: version.number,
            version_id: version.version_id.clone(),
            state: version.state,
            parent: version.parent_version_id.clone(),
            approved: version.approved_version_id.clone(),
            superseded_by: version.superseded_by_version_id.clone(),
            counts: version.counts.unwrap_or_default(),
            created_by: version.created_by,
            submitted_by: version.submitted_by,
            reviewed_by: version.reviewed_by,
            deleted_by: version.deleted_by,
            self_approved: version.self_approved,
        }
    }
}

/// What became of one version in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    counts: wire::ComparisonCounts,
    /// Kind, key, and the decision in each of the two.
    differences: Vec<(i32, String, Option<Decision>, Option<Decision>)>,
}

impl Comparison {
    pub(crate) fn expected(line: &Line, ids: &Ids, one: &Version, other: &Version) -> Self {
        use wire::DifferenceKind as Kind;
        let mut counts = wire::ComparisonCounts::default();
        let mut differences = Vec::new();
        for key in &line.keys {
            let (count, kind) = match (one.items.get(key), other.items.get(key)) {
                (None, None) => continue,
                (None, Some(_)) => (&mut counts.added, Kind::Added),
                (Some(_), None) => (&mut counts.removed, Kind::Removed),
                (Some(a), Some(b)) if a.effective() != b.effective() => {
                    (&mut counts.changed, Kind::Changed)
                }
                (Some(a), Some(b)) if a.standing != b.standing => {
                    (&mut counts.ruled_differently, Kind::RuledDifferently)
                }
                (Some(_), Some(_)) => (&mut counts.unchanged, Kind::Unspecified),
            };
            *count += 1;
            if kind != Kind::Unspecified {
                let of = |version: &Version| {
                    let held = version.items.contains_key(key);
                    held.then(|| Decision::expected(line, ids, version, *key))
                };
                differences.push((kind.into(), step::name(*key), of(one), of(other)));
            }
        }
        Self { counts, differences }
    }

    pub(crate) fn seen(answer: &wire::CompareVersionsResponse) -> Self {
        let differences = answer.differences.iter().map(|of| {
            let decision = of.decision.as_ref().map(Decision::seen);
            let other = of.other_decision.as_ref().map(Decision::seen);
            (of.kind, of.item_key.clone(), decision, other)
        });
        Self { counts: answer.counts.unwrap_or_default(), differences: differences.collect() }
    }
}
