//! What is there at the end, read by the auditor: as one document.

use anyhow::{Context, Result};
use serde::Serialize;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{Phase, PhaseTable, Workflow};

use super::lanes::{Lane, lanes};
use super::memberships::{Membership, memberships};
use super::numbers::Numbers;
use super::outcome::{Action, Document, SignOff, actions, documents, sign_offs};
use super::people::{Cast, Person};
use super::phases::{is_audited, row_of};
use super::refusals::Refusal;
use super::story::{counts, holds};
use crate::board::Board;
use crate::words::word;

/// What is there at the end.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// The test cycle.
    pub(super) cycle_id: String,
    /// The report.
    pub(super) report_id: String,
    /// Where each phase stands, with its versions.
    pub(super) phases: Vec<PhaseSummary>,
    /// One sample through both versions of Sample Selection, newest first.
    pub(super) lineage: Lineage,
    /// How versions 1 and 2 differ, for each phase that has both.
    pub(super) comparisons: Vec<Comparison>,
    /// What was approved.
    pub(super) artifacts: Vec<Artifact>,
    /// Each line of business.
    pub(super) lanes: Vec<Lane>,
    /// Every submission of a document.
    pub(super) documents: Vec<Document>,
    /// What was asked of data owners.
    pub(super) actions: Vec<Action>,
    /// Who signed the report.
    pub(super) sign_offs: Vec<SignOff>,
    /// What was tried and refused.
    pub(super) refusals: Vec<Refusal>,
    /// Who held which role when, and who gave it.
    pub(super) members: Vec<Membership>,
    /// Where everything stands.
    pub(super) board: Board,
    /// The trail of each service, verified by it.
    pub(super) trails: Vec<Trail>,
    /// What the report adds up to.
    pub(super) numbers: Numbers,
    /// The other report.
    pub(super) second_report: SecondReport,
}

/// The report in which nothing had to be observed.
#[derive(Debug, Serialize)]
pub(super) struct SecondReport {
    pub(super) cycle_id: String,
    pub(super) report_id: String,
    pub(super) board: Board,
    pub(super) trails: Vec<Trail>,
}

/// Where a phase stands.
#[derive(Debug, Serialize)]
pub(super) struct PhaseSummary {
    pub(super) number: i32,
    pub(super) phase: &'static str,
    pub(super) state: String,
    pub(super) held_by: Vec<&'static str>,
    pub(super) versions: Vec<VersionSummary>,
}

/// One version's header.
#[derive(Debug, Serialize)]
pub(super) struct VersionSummary {
    pub(super) version_id: String,
    pub(super) number: i32,
    pub(super) state: String,
    pub(super) total: i32,
    pub(super) approved: i32,
    pub(super) rejected: i32,
    pub(super) modified: i32,
    pub(super) pending: i32,
    pub(super) carried: i32,
    pub(super) created_by: i64,
    pub(super) reviewed_by: i64,
    pub(super) self_approved: bool,
    pub(super) review_notes: String,
}

/// One item through the versions that held it.
#[derive(Debug, Serialize)]
pub(super) struct Lineage {
    pub(super) item_key: String,
    pub(super) entries: Vec<LineageEntry>,
}

/// One item in one version.
#[derive(Debug, Serialize)]
pub(super) struct LineageEntry {
    pub(super) version_number: i32,
    pub(super) version_state: String,
    pub(super) decision_id: String,
    pub(super) source: String,
    pub(super) original_source: String,
    pub(super) recommended_by: i64,
    pub(super) state: String,
    pub(super) decided_by: i64,
    pub(super) carried_from_decision_id: String,
}

/// How two versions differ.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) phase: &'static str,
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) added: Difference,
    pub(super) removed: Difference,
    pub(super) changed: Difference,
    pub(super) ruled_differently: Difference,
    pub(super) unchanged: i32,
}

/// The items that differ in one way.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) count: i32,
    pub(super) item_keys: Vec<String>,
}

/// Something that was approved.
#[derive(Debug, Serialize)]
pub(super) struct Artifact {
    pub(super) artifact_type: String,
    pub(super) phase: &'static str,
    pub(super) version_number: i32,
    pub(super) approved_by: i64,
    pub(super) notes: String,
    pub(super) superseded: bool,
}

/// The trail that one service keeps.
#[derive(Debug, Serialize)]
pub(super) struct Trail {
    pub(super) source: String,
    pub(super) intact: bool,
    pub(super) records: i64,
    /// SHA-256 of the last record, in hexadecimal.
    pub(super) head_hash: String,
}

impl Summary {
    /// Reads everything and compares it with the story.
    ///
    /// # Errors
    /// The service refuses, or what it answers is not the story.
    pub(super) async fn gather(cast: &Cast, second: &Cast, refusals: Vec<Refusal>) -> Result<Self> {
        let ada = &cast.ada;
        let mut phases = Vec::new();
        for row in PhaseTable::standard().rows() {
            phases.push(phase_summary(ada, row.phase).await?);
        }
        let mut artifacts = Vec::new();
        for artifact in ada.artifacts().await? {
            artifacts.push(artifact_summary(artifact)?);
        }
        let Workflow { cycle_id, report_id } = ada.workflow;
        let summary = Self {
            cycle_id: cycle_id.to_string(),
            report_id: report_id.to_string(),
            phases,
            lineage: lineage(ada).await?,
            comparisons: vec![
                comparison(ada, Phase::DATA_PROFILING).await?,
                comparison(ada, Phase::SAMPLE_SELECTION).await?,
            ],
            artifacts,
            lanes: lanes(ada).await?,
            documents: documents(ada).await?,
            actions: actions(ada).await?,
            sign_offs: sign_offs(ada).await?,
            refusals,
            members: memberships(ada).await?,
            board: ada.board().await?,
            trails: trails(ada).await?,
            numbers: Numbers::gather(ada).await?,
            second_report: SecondReport::gather(&second.ada).await?,
        };
        summary.check()?;
        Ok(summary)
    }

    /// # Errors
    /// What was answered is not the story.
    fn check(&self) -> Result<()> {
        let states: Vec<&str> = self.phases.iter().map(|phase| phase.state.as_str()).collect();
        let mut told = vec!["sealed"; 8];
        told.push("complete");
        holds("the phases' states", states, told)?;
        let versions: Vec<Vec<&str>> = self
            .phases
            .iter()
            .map(|phase| phase.versions.iter().map(|one| one.state.as_str()).collect())
            .collect();
        let told = vec![
            vec!["approved"],
            vec!["superseded", "approved"],
            vec!["approved"],
            vec!["rejected", "approved"],
            vec![],
            vec![],
            vec![],
            vec!["approved"],
            vec!["approved"],
        ];
        holds("the versions' states", versions, told)?;
        let sources: Vec<&str> =
            self.lineage.entries.iter().map(|entry| entry.source.as_str()).collect();
        holds("the sources in the lineage", sources, vec!["carried_forward", "tester"])?;
        let [rules, samples] = self.comparisons.as_slice() else {
            anyhow::bail!("two comparisons are read");
        };
        holds("how the rules differ", rules.numbers(), [1, 47, 2, 1, 411])?;
        holds("how the samples differ", samples.numbers(), [10, 20, 0, 0, 80])?;
        let current = self.artifacts.iter().filter(|artifact| !artifact.superseded).count();
        holds("artifacts, and those in force", (self.artifacts.len(), current), (7, 6))?;
        holds("refusals", self.refusals.len(), 13)?;
        holds("lanes", self.lanes.len(), 3)?;
        holds("lanes are complete", self.lanes.iter().all(|lane| lane.complete), true)?;
        let signed = self.sign_offs.iter().filter(|one| one.status == "signed").count();
        holds("sign-offs", (self.sign_offs.len(), signed), (3, 3))?;
        let (ever, held) =
            (self.members.len(), self.members.iter().filter(|one| one.ended_by == 0).count());
        holds("roles ever held, and held now", (ever, held), (6, 5))?;
        let intact = self.trails.iter().chain(&self.second_report.trails);
        holds("the trails are intact", intact.filter(|one| one.intact).count(), 6)?;
        self.second_report.check()
    }
}

impl SecondReport {
    async fn gather(reader: &Person) -> Result<Self> {
        let Workflow { cycle_id, report_id } = reader.workflow;
        Ok(Self {
            cycle_id: cycle_id.to_string(),
            report_id: report_id.to_string(),
            board: reader.board().await?,
            trails: trails(reader).await?,
        })
    }

    /// # Errors
    /// Observation Management was started, or the report is not finished.
    fn check(&self) -> Result<()> {
        let observed = self.board.was_started(Phase::OBSERVATION_MANAGEMENT);
        holds("Observation Management was started in the second report", observed, false)?;
        let state = self.board.state(Phase::FINALIZE_TEST_REPORT);
        holds("the second report", state, "complete")
    }
}

impl Comparison {
    /// Added, removed, changed, ruled differently, unchanged.
    fn numbers(&self) -> [i32; 5] {
        let (added, removed) = (self.added.count, self.removed.count);
        [added, removed, self.changed.count, self.ruled_differently.count, self.unchanged]
    }
}

async fn phase_summary(reader: &Person, phase: Phase) -> Result<PhaseSummary> {
    let (status, versions) = if is_audited(phase)? {
        (reader.audit_at(phase).status().await?, Vec::new())
    } else {
        let mut desk = reader.at(phase);
        (desk.status().await?, desk.versions().await?)
    };
    let mut held_by = Vec::new();
    for holder in &status.holders {
        held_by.push(row_of(Phase::new(holder.phase))?.display_name);
    }
    Ok(PhaseSummary {
        number: phase.number(),
        phase: row_of(phase)?.display_name,
        state: word(status.state().as_str_name(), "PHASE_STATE_"),
        held_by,
        versions: versions.into_iter().map(version_summary).collect(),
    })
}

/// The trails of all services, each verified by its own.
async fn trails(reader: &Person) -> Result<Vec<Trail>> {
    let mut trails = Vec::new();
    for source in [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway] {
        let verified = reader.verify_trail(source).await?;
        trails.push(Trail {
            source: word(source.as_str_name(), "SOURCE_"),
            intact: verified.intact,
            records: verified.records,
            head_hash: hex::encode(verified.head.unwrap_or_default().hash),
        });
    }
    Ok(trails)
}

fn version_summary(version: wire::Version) -> VersionSummary {
    let counts = counts(&version);
    VersionSummary {
        state: word(version.state().as_str_name(), "VERSION_STATE_"),
        version_id: version.version_id,
        number: version.number,
        total: counts.total,
        approved: counts.approved,
        rejected: counts.rejected,
        modified: counts.modified,
        pending: counts.pending,
        carried: counts.carried,
        created_by: version.created_by,
        reviewed_by: version.reviewed_by,
        self_approved: version.self_approved,
        review_notes: version.review_notes,
    }
}

/// The first sample that was carried into the approved version.
async fn lineage(reader: &Person) -> Result<Lineage> {
    let mut desk = reader.at(Phase::SAMPLE_SELECTION);
    let current = desk.status().await?.current_version_id;
    let filter = wire::DecisionFilter { carried: Some(true), ..Default::default() };
    let carried = desk.decisions(&current, filter).await?;
    let sample = carried.first().context("no sample was carried")?;
    let entries = desk.lineage(&sample.decision_id).await?;
    Ok(Lineage {
        item_key: sample.item_key.clone(),
        entries: entries.into_iter().map(lineage_entry).collect(),
    })
}

fn lineage_entry(entry: wire::LineageEntry) -> LineageEntry {
    let version_state = word(entry.version_state().as_str_name(), "VERSION_STATE_");
    let decision = entry.decision.unwrap_or_default();
    LineageEntry {
        version_number: decision.version_number,
        version_state,
        source: word(decision.source().as_str_name(), "RECOMMENDATION_SOURCE_"),
        original_source: word(decision.original_source().as_str_name(), "RECOMMENDATION_SOURCE_"),
        state: word(decision.state().as_str_name(), "DECISION_STATE_"),
        decision_id: decision.decision_id,
        recommended_by: decision.recommended_by,
        decided_by: decision.decided_by,
        carried_from_decision_id: decision.carried_from_decision_id,
    }
}

/// Versions 1 and 2 of a phase.
async fn comparison(reader: &Person, phase: Phase) -> Result<Comparison> {
    let mut desk = reader.at(phase);
    let versions = desk.versions().await?;
    let [from, to] = versions.as_slice() else {
        anyhow::bail!("{} has {} versions, not 2", row_of(phase)?.display_name, versions.len());
    };
    let (counts, differences) = desk.compare(from, to).await?;
    let of = |kind: wire::DifferenceKind, count: i32| Difference {
        count,
        item_keys: differences
            .iter()
            .filter(|difference| difference.kind() == kind)
            .map(|difference| difference.item_key.clone())
            .collect(),
    };
    Ok(Comparison {
        phase: row_of(phase)?.display_name,
        from: from.number,
        to: to.number,
        added: of(wire::DifferenceKind::Added, counts.added),
        removed: of(wire::DifferenceKind::Removed, counts.removed),
        changed: of(wire::DifferenceKind::Changed, counts.changed),
        ruled_differently: of(wire::DifferenceKind::RuledDifferently, counts.ruled_differently),
        unchanged: counts.unchanged,
    })
}

fn artifact_summary(artifact: wire::Artifact) -> Result<Artifact> {
    Ok(Artifact {
        phase: row_of(Phase::new(artifact.phase))?.display_name,
        artifact_type: artifact.artifact_type,
        version_number: artifact.version_number,
        approved_by: artifact.approved_by,
        notes: artifact.notes,
        superseded: artifact.superseded_at.is_some(),
    })
}
