//! The plan of test cases: every approved sample with every in-scope, approved, non-key attribute
//! (design: a test case).

use std::collections::{BTreeSet, HashMap};

use signoff_contract::audit::v1 as audit;
use signoff_contract::convert::{RequestScope, scope_to_wire};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versioning;
use signoff_contract::versioning::v1::payload::Kind;
use signoff_contract::workflow::v1::Unmet;
use signoff_workflow::{Phase, Scope};
use tonic::Status;

use crate::Gateway;
use crate::board::Board;
use crate::forward::{Target, Who};
use crate::phases::{Phases, dependency_unmet};

const LIST: (Target, &str) =
    (Target::Versioning, "/signoff.versioning.v1.VersioningService/ListDecisions");
const PLAN: (Target, &str) = (Target::Audit, "/signoff.audit.v1.TestCaseService/PlanTestCases");

/// How many decisions are read at once: as many as a page holds.
const PAGE: i32 = 1000;
/// How many test cases are sent at once: with the longest keys, less than a message holds.
const BATCH: usize = 8_000;

/// How many attributes that are left out are named.
const NAMED: usize = 1_000;

/// What a plan is made from.
struct Sources {
    planning: String,
    scoping: String,
    sample_selection: String,
}

/// A sample that was approved.
struct Sample {
    item_key: String,
    lob_id: String,
}

/// Makes the plan, and hands it to the audit service in batches. What an interrupted plan of the same
/// versions has sent already belongs to this one.
///
/// # Errors
/// Data Owner ID may not be started, or there is nothing to plan from.
pub async fn plan(
    gateway: &Gateway,
    phases: &Phases,
) -> Result<wire::PlanTestCasesResponse, Status> {
    let workflow = phases.workflow();
    let board = Board::read(gateway, workflow).await?;
    if board.facts(Phase::DATA_OWNER_ID).is_none_or(|facts| !facts.opened) {
        phases.start(Phase::DATA_OWNER_ID).await?;
    }
    let sources = sources(gateway, &board)?;
    let in_phase = |phase| Scope { workflow, phase };
    let (planning, scoping, selection) = tokio::try_join!(
        accepted(gateway, in_phase(Phase::PLANNING), &sources.planning),
        accepted(gateway, in_phase(Phase::SCOPING), &sources.scoping),
        accepted(gateway, in_phase(Phase::SAMPLE_SELECTION), &sources.sample_selection),
    )?;
    let Attributes { tested: attributes, mut left_out } = attributes(&planning, &scoping);
    let samples = samples(selection);
    expect_some(&attributes, &left_out, &samples)?;

    let total = samples.len() * attributes.len();
    // In turns over the attributes, sample by sample.
    let case = |at: usize| {
        let sample = samples.get(at / attributes.len())?;
        Some(audit::PlannedCase {
            sample_item_key: sample.item_key.clone(),
            attribute_id: attributes.get(at % attributes.len())?.clone(),
            lob_id: sample.lob_id.clone(),
        })
    };
    let batches = total.div_ceil(BATCH).max(1);
    let mut answer = audit::PlanTestCasesResponse::default();
    for batch in 0..batches {
        let request = audit::PlanTestCasesRequest {
            scope: Some(scope_to_wire(in_phase(Phase::DATA_OWNER_ID))),
            cases: (batch * BATCH..total.min((batch + 1) * BATCH)).filter_map(case).collect(),
            planning_version_id: sources.planning.clone(),
            scoping_version_id: sources.scoping.clone(),
            sample_selection_version_id: sources.sample_selection.clone(),
            last: batch + 1 == batches,
            request_id: phases.step(&format!(
                "plan/{}/{}/{}/{batch}",
                sources.planning, sources.scoping, sources.sample_selection
            )),
            total_cases: i64::try_from(total).unwrap_or(i64::MAX),
        };
        let scope = RequestScope { workflow, phase: Some(Phase::DATA_OWNER_ID) };
        let who = phases.who();
        let sent = gateway.backends().ask(PLAN, who, Some(scope), request.clone()).await;
        answer = match sent {
            Ok(answer) => answer,
            Err(refused) => {
                if !phases.mend(Phase::DATA_OWNER_ID, &refused, true).await? {
                    return Err(refused);
                }
                gateway.backends().ask(PLAN, who, Some(scope), request).await?
            }
        };
        tracing::info!(%workflow, planned = answer.planned, total, "planning test cases");
    }
    Ok(wire::PlanTestCasesResponse {
        planned: answer.planned,
        added: answer.added,
        withdrawn: answer.withdrawn,
        unassigned: answer.unassigned,
        moved: answer.moved,
        plan: answer.plan,
        left_out_total: i64::try_from(left_out.len()).unwrap_or(i64::MAX),
        left_out: {
            left_out.truncate(NAMED);
            left_out
        },
    })
}

/// The versions that are approved now.
fn sources(gateway: &Gateway, board: &Board) -> Result<Sources, Status> {
    let mut unmet = Vec::new();
    let mut approved = |phase: Phase| {
        let found = board.current_version(phase).map(str::to_owned);
        if found.is_none()
            && let Some(row) = gateway.table().get(phase)
        {
            unmet.push(Unmet {
                phase: phase.number(),
                subject: row.slug.to_owned(),
                what: format!("{} has no approved version: have one approved", row.display_name),
                ..Unmet::default()
            });
        }
        found
    };
    let found =
        (approved(Phase::PLANNING), approved(Phase::SCOPING), approved(Phase::SAMPLE_SELECTION));
    let (Some(planning), Some(scoping), Some(sample_selection)) = found else {
        return Err(dependency_unmet(&unmet).into());
    };
    Ok(Sources { planning, scoping, sample_selection })
}

/// What was approved in a version, in the order of its keys. A modification counts once it is confirmed.
async fn accepted(
    gateway: &Gateway,
    scope: Scope,
    version_id: &str,
) -> Result<Vec<versioning::Decision>, Status> {
    let asked = RequestScope { workflow: scope.workflow, phase: Some(scope.phase) };
    let states = [versioning::DecisionState::Approved, versioning::DecisionState::Modified];
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = versioning::ListDecisionsRequest {
            scope: Some(scope_to_wire(scope)),
            version_id: version_id.to_owned(),
            filter: Some(versioning::DecisionFilter {
                states: states.map(i32::from).to_vec(),
                ..Default::default()
            }),
            order: versioning::DecisionOrder::ItemKey.into(),
            page_size: PAGE,
            page_token,
        };
        let page: versioning::ListDecisionsResponse =
            gateway.backends().ask(LIST, &Who::gateway(), Some(asked), request).await?;
        found.extend(page.decisions);
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        page_token = page.next_page_token;
    }
}

/// The attributes that are in scope.
#[derive(Debug, Default, PartialEq)]
struct Attributes {
    /// Those to be tested: planned, and no key.
    tested: Vec<String>,
    /// Those that Planning does not have, or not for a test: whoever plans is told.
    left_out: Vec<wire::LeftOutAttribute>,
}

fn attributes(planning: &[versioning::Decision], scoping: &[versioning::Decision]) -> Attributes {
    let planned: HashMap<&str, &versioning::AttributeDecision> = planning
        .iter()
        .filter_map(|decision| match kind(decision)? {
            Kind::AttributeDecision(of) => Some((of.attribute_id.as_str(), of)),
            _ => None,
        })
        .collect();
    let in_scope = scoping.iter().filter_map(|decision| match kind(decision)? {
        Kind::ScopingDecision(of) => of.is_in_scope.then_some(of.attribute_id.as_str()),
        _ => None,
    });
    let mut found = Attributes::default();
    for attribute_id in in_scope.collect::<BTreeSet<_>>() {
        let reason = match planned.get(attribute_id) {
            Some(of) if of.is_key => continue,
            Some(of) if of.decision_type() == versioning::DecisionType::Exclude => {
                "Planning excludes it"
            }
            Some(_) => {
                found.tested.push(attribute_id.to_owned());
                continue;
            }
            None => "the approved version of Planning does not have it approved",
        };
        let (attribute_id, reason) = (attribute_id.to_owned(), reason.to_owned());
        found.left_out.push(wire::LeftOutAttribute { attribute_id, reason });
    }
    found
}

fn samples(selection: Vec<versioning::Decision>) -> Vec<Sample> {
    selection
        .into_iter()
        .filter_map(|decision| {
            let lob_id = match kind(&decision)? {
                Kind::Sample(sample) => sample.lob_id.clone(),
                _ => return None,
            };
            Some(Sample { item_key: decision.item_key, lob_id })
        })
        .collect()
}

/// What all downstream work reads: the payload as the reviewer changed it, if they did.
fn kind(decision: &versioning::Decision) -> Option<&Kind> {
    let payload = decision.effective_payload.as_ref().or(decision.payload.as_ref())?;
    payload.kind.as_ref()
}

fn expect_some(
    attributes: &[String],
    left_out: &[wire::LeftOutAttribute],
    samples: &[Sample],
) -> Result<(), Status> {
    let mut unmet = Vec::new();
    let mut missing = |is_missing: bool, phase: Phase, subject: &str, what: String| {
        if is_missing {
            let subject = subject.to_owned();
            unmet.push(Unmet { phase: phase.number(), subject, what, ..Unmet::default() });
        }
    };
    missing(attributes.is_empty(), Phase::SCOPING, "scoping", nothing_to_test(left_out));
    missing(
        samples.is_empty(),
        Phase::SAMPLE_SELECTION,
        "sample_selection",
        "Sample Selection has no approved sample: revise it".to_owned(),
    );
    if unmet.is_empty() { Ok(()) } else { Err(dependency_unmet(&unmet).into()) }
}

/// Why no attribute in scope is tested, with the first that is left out.
fn nothing_to_test(left_out: &[wire::LeftOutAttribute]) -> String {
    let Some(first) = left_out.first() else {
        return "Scoping has no attribute in scope but keys: revise it".to_owned();
    };
    let (id, reason, count) = (&first.attribute_id, &first.reason, left_out.len());
    format!(
        "nothing in scope is tested; {count} left out, as {id}: {reason}. Revise Scoping or Planning"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(kind: Kind) -> versioning::Decision {
        let payload = Some(versioning::Payload { kind: Some(kind) });
        versioning::Decision { effective_payload: payload, ..Default::default() }
    }

    fn planned(
        attribute_id: &str,
        is_key: bool,
        of: versioning::DecisionType,
    ) -> versioning::Decision {
        decision(Kind::AttributeDecision(versioning::AttributeDecision {
            attribute_id: attribute_id.to_owned(),
            is_key,
            decision_type: of.into(),
            ..Default::default()
        }))
    }

    fn scoped(attribute_id: &str, is_in_scope: bool) -> versioning::Decision {
        decision(Kind::ScopingDecision(versioning::ScopingDecision {
            attribute_id: attribute_id.to_owned(),
            is_in_scope,
            ..Default::default()
        }))
    }

    #[test]
    fn where_all_are_left_out_one_is_named() {
        assert!(nothing_to_test(&[]).contains("but keys"));
        let left_out = attributes(&[], &[scoped("b", true), scoped("a", true)]).left_out;
        let told = nothing_to_test(&left_out);
        assert!(told.contains("2 left out, as a: the approved"), "{told}");
    }

    #[test]
    fn what_is_in_scope_is_tested_or_said_to_be_left_out() {
        use versioning::DecisionType::{Exclude, Include};

        let planning = [
            planned("b", false, Include),
            planned("a", false, Include),
            planned("key", true, Include),
            planned("excluded", false, Exclude),
            planned("not in scope", false, Include),
        ];
        let scoping = ["b", "a", "key", "excluded", "unknown", "a"].map(|id| scoped(id, true));
        let scoping = [scoping.as_slice(), &[scoped("not in scope", false)]].concat();
        let found = attributes(&planning, &scoping);
        assert_eq!(found.tested, ["a", "b"]);
        let left_out: Vec<_> = found
            .left_out
            .iter()
            .map(|of| (of.attribute_id.as_str(), of.reason.as_str()))
            .collect();
        assert_eq!(
            left_out,
            [
                ("excluded", "Planning excludes it"),
                ("unknown", "the approved version of Planning does not have it approved"),
            ]
        );
    }
}
