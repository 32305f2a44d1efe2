//! What the backends say, as the rule of the graph has it.

use std::collections::BTreeMap;

use signoff_contract::audit::v1::{Lane as WireLane, TestPlan};
use signoff_contract::workflow::v1::{PhaseState, PhaseStatus, Unmet};
use signoff_workflow::{Board, Lane, Phase, PhaseFacts, PhaseTable};

/// Notes what of a plan of test cases is not of the versions that are approved now: the audit service
/// knows it of Sample Selection only.
pub(super) fn expect_current(
    table: &PhaseTable,
    statuses: &mut BTreeMap<Phase, PhaseStatus>,
    plan: &TestPlan,
) {
    let made_from = [
        (Phase::PLANNING, &plan.planning_version_id),
        (Phase::SCOPING, &plan.scoping_version_id),
        (Phase::SAMPLE_SELECTION, &plan.sample_selection_version_id),
    ];
    let is_other = |(phase, version): &(Phase, &String)| {
        statuses.get(phase).is_some_and(|status| status.current_version_id != **version)
    };
    let others: Vec<&str> = made_from
        .iter()
        .filter(|made| is_other(made))
        .filter_map(|(phase, _)| table.get(*phase))
        .map(|row| row.display_name)
        .collect();
    let Some(status) = statuses.get_mut(&Phase::DATA_OWNER_ID) else { return };
    let known = status.unmet.iter().any(|unmet| unmet.subject == PLAN_SUBJECT);
    if others.is_empty() || known {
        return;
    }
    let names = others.join(", ");
    status.unmet.push(Unmet {
        phase: Phase::DATA_OWNER_ID.number(),
        subject: PLAN_SUBJECT.to_owned(),
        what: format!(
            "the plan of test cases was made from another version of {names} than is approved now: \
             plan the test cases again"
        ),
        ..Unmet::default()
    });
    if matches!(status.state(), PhaseState::Complete | PhaseState::Sealed) {
        status.set_state(PhaseState::InProgress);
        status.completed_at = None;
    }
}

/// What a plan is called where it is missing.
const PLAN_SUBJECT: &str = "test_plan";

/// The facts of all phases and lanes.
pub(super) fn of(statuses: &BTreeMap<Phase, PhaseStatus>, lanes: &[WireLane]) -> Board {
    Board {
        phases: statuses.iter().map(|(phase, status)| (*phase, facts(status))).collect(),
        lanes: lanes.iter().filter_map(lane).collect(),
    }
}

fn facts(status: &PhaseStatus) -> PhaseFacts {
    PhaseFacts {
        opened: status.started_at.is_some(),
        complete: matches!(status.state(), PhaseState::Complete | PhaseState::Sealed),
        stale: status.stale,
        reopening: status.reopening > 0,
        holders: status.holders.iter().map(|holder| Phase::new(holder.phase)).collect(),
        // What the gate says, the rule says in its own words.
        missing: status.unmet.iter().filter(|of| !of.of_gate).map(|of| of.what.clone()).collect(),
    }
}

/// A line of business; test cases of none are in no lane.
fn lane(lane: &WireLane) -> Option<Lane> {
    let count = |of: i64| u32::try_from(of).unwrap_or(u32::MAX);
    Some(Lane {
        lob_id: lane.lob_id.parse().ok()?,
        owner_identified: lane.owner.is_some(),
        cases: count(lane.cases),
        cases_with_document: count(lane.with_document),
        cases_executed: count(lane.executed),
    })
}
