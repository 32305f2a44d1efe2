//! The lanes: each line of business on its way from its owner to its observations, as the services
//! answer; and the course of the whole report, drawn as a tree.

use anyhow::{Context, Result};
use serde::Serialize;
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as versioning;
use signoff_workflow::Phase;
use versioning::payload::Kind;

use super::data::accounts::LineOfBusiness;
use super::people::{Cast, Person};
use super::summary::PhaseSummary;

/// How far to the right the tree hangs.
const TRUNK: usize = 40;

/// One line of business.
#[derive(Debug, Serialize)]
pub(super) struct Lane {
    pub(super) lob_id: String,
    pub(super) line_of_business: String,
    /// A user id; 0 for nobody.
    pub(super) owner: i64,
    pub(super) cases: i64,
    /// Whose document is accepted.
    pub(super) accepted: i64,
    /// Concluded on the documents that are current.
    pub(super) concluded: i64,
    pub(super) passed: i64,
    pub(super) failed: i64,
    pub(super) inconclusive: i64,
    /// Approved ones.
    pub(super) observations: i64,
    pub(super) complete: bool,
}

/// Every lane, as the services answer now.
///
/// # Errors
/// A service refuses, or answers numbers that cannot be.
pub(super) async fn lanes(reader: &Person) -> Result<Vec<Lane>> {
    let mut desk = reader.audit_at(Phase::TEST_EXECUTION);
    let observed = observed(reader).await?;
    let mut lanes = Vec::new();
    for lane in desk.lanes().await? {
        let executions = desk.executions(&lane.lob_id).await?;
        let is_here = |id: &String| executions.iter().any(|one| one.execution_id == *id);
        let observations = observed.iter().filter(|ids| ids.iter().any(is_here)).count();
        let cases = desk.test_cases(&lane.lob_id).await?;
        let of = |result: wire::ExecutionResult| {
            i64::try_from(cases.iter().filter(|case| case.result() == result).count())
        };
        let lob = LineOfBusiness::of_id(&lane.lob_id);
        lanes.push(Lane {
            line_of_business: lob.map_or(lane.lob_id.clone(), |lob| lob.name().to_owned()),
            owner: lane.owner.map_or(0, |owner| owner.data_owner_id),
            cases: lane.cases,
            accepted: lane.accepted,
            concluded: lane.concluded,
            passed: of(wire::ExecutionResult::Pass)?,
            failed: of(wire::ExecutionResult::Fail)?,
            inconclusive: of(wire::ExecutionResult::Inconclusive)?,
            observations: i64::try_from(observations).context("too many observations")?,
            complete: lane.complete,
            lob_id: lane.lob_id,
        });
    }
    Ok(lanes)
}

/// The executions of each observation that stands approved.
async fn observed(reader: &Person) -> Result<Vec<Vec<String>>> {
    let mut desk = reader.at(Phase::OBSERVATION_MANAGEMENT);
    let current = desk.status().await?.current_version_id;
    if current.is_empty() {
        return Ok(Vec::new());
    }
    let states = vec![
        versioning::DecisionState::Approved.into(),
        versioning::DecisionState::Modified.into(),
    ];
    let filter = versioning::DecisionFilter { states, ..Default::default() };
    let executions = |decision: versioning::Decision| match decision.effective_payload?.kind? {
        Kind::Observation(observation) => Some(observation.execution_ids),
        _ => None,
    };
    Ok(desk.decisions(&current, filter).await?.into_iter().filter_map(executions).collect())
}

/// The course of the report, from its phases and lanes.
pub(super) fn tree(phases: &[PhaseSummary], lanes: &[Lane]) -> Vec<String> {
    let named = |phase: Phase| {
        let row = phases.iter().find(|one| one.number == phase.number());
        row.map_or("", |row| row.phase)
    };
    let done = |phase: Phase| {
        let row = phases.iter().find(|one| one.number == phase.number());
        row.is_some_and(|row| ["complete", "sealed"].contains(&row.state.as_str()))
    };
    let down = |mark: &str| format!("{:TRUNK$}{mark}", "");
    let first: Vec<&str> = phases
        .iter()
        .take_while(|one| one.number < Phase::DATA_OWNER_ID.number())
        .map(|one| one.phase)
        .collect();
    let mut lines = vec![format!(" {}", first.join(" → ")), down("│"), down("▼")];
    lines.push(format!("{:width$}{}", "", named(Phase::DATA_OWNER_ID), width = TRUNK - 8));
    for (i, lane) in lanes.iter().enumerate() {
        let branch = if i + 1 == lanes.len() { "└─" } else { "├─" };
        lines.push(format!("   {branch} {}", lane_line(lane, &named)));
    }
    let all = if done(Phase::OBSERVATION_MANAGEMENT) { "All" } else { "Not All" };
    lines.push(format!("{:width$}({all} Observations Complete)", "", width = TRUNK - 14));
    lines.push(down("▼"));
    let state = if done(Phase::FINALIZE_TEST_REPORT) { ": approved" } else { "" };
    let report = format!("{}{state}", named(Phase::FINALIZE_TEST_REPORT));
    lines.push(format!("{:width$}{report}", "", width = TRUNK - 11));
    lines
}

fn lane_line<'a>(lane: &Lane, named: &impl Fn(Phase) -> &'a str) -> String {
    let Lane { cases, accepted, concluded, passed, failed, inconclusive, observations, .. } = lane;
    let owner = if lane.owner == 0 { "nobody".to_owned() } else { Cast::name_of(lane.owner) };
    let unclear =
        if *inconclusive == 0 { String::new() } else { format!(", {inconclusive} inconclusive") };
    format!(
        "{owner} ({}) → {} {accepted}/{cases} → {} {concluded}/{cases} \
         ({passed} passed, {failed} failed{unclear}) → Observations {observations}",
        lane.line_of_business,
        named(Phase::REQUEST_INFO),
        named(Phase::TEST_EXECUTION),
    )
}

#[cfg(test)]
mod tests {
    use signoff_workflow::PhaseTable;

    use super::*;

    fn phases(state: &str) -> Vec<PhaseSummary> {
        PhaseTable::standard()
            .rows()
            .iter()
            .map(|row| PhaseSummary {
                number: row.phase.number(),
                phase: row.display_name,
                state: state.to_owned(),
                held_by: Vec::new(),
                versions: Vec::new(),
            })
            .collect()
    }

    #[test]
    fn the_tree_has_a_branch_for_each_lane() {
        let lane = |owner: i64| Lane {
            lob_id: String::new(),
            line_of_business: "Consumer Cards".to_owned(),
            owner,
            cases: 8,
            accepted: 8,
            concluded: 7,
            passed: 5,
            failed: 1,
            inconclusive: 1,
            observations: 2,
            complete: false,
        };
        let drawn = tree(&phases("sealed"), &[lane(Cast::TESS), lane(0)]);
        assert_eq!(drawn[0], " Planning → Data Profiling → Scoping → Sample Selection");
        assert!(drawn[3].ends_with("Data Owner ID"));
        assert_eq!(
            drawn[4],
            "   ├─ Tess (Consumer Cards) → Request Info 8/8 → Test Execution 7/8 \
             (5 passed, 1 failed, 1 inconclusive) → Observations 2"
        );
        assert!(drawn[5].starts_with("   └─ nobody ("));
        assert!(drawn[6].ends_with("(All Observations Complete)"));
        assert!(drawn[8].ends_with("Finalize Test Report: approved"));
        let drawn = tree(&phases("in_progress"), &[]);
        assert!(drawn[4].ends_with("(Not All Observations Complete)"), "{drawn:?}");
        assert!(drawn[6].ends_with("Finalize Test Report"));
    }
}
