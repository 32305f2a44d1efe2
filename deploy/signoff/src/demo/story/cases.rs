//! The test cases: every approved sample with every attribute that is in scope and no key.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use prost_types::Struct;
use signoff_contract::audit::v1 as audit;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::Phase;
use wire::payload::Kind;

use super::{Story, all, holds, number, text};
use crate::demo::data::accounts::LineOfBusiness;
use crate::demo::data::extracts::Cell;

/// How many cases go in one call of a plan. A call takes as many as fit into 4 MiB.
const PART: usize = 200;

/// One thing to test.
pub(super) struct Case {
    /// Its id, as the service answered it.
    pub(super) test_case_id: String,
    /// In whose lane.
    pub(super) lob: LineOfBusiness,
    /// Which sample and attribute.
    pub(super) cell: Cell,
    /// What the report says.
    pub(super) reported: f64,
}

/// Which cases one document is evidence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bundle {
    /// In which lane.
    pub(super) lob: LineOfBusiness,
    /// Which of the lane.
    pub(super) part: Part,
}

/// A part of a lane's cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// All.
    Whole,
    /// Those on what is past due.
    PastDue,
    /// The others.
    Others,
}

impl Bundle {
    /// All cases of a lane.
    pub(super) const fn whole(lob: LineOfBusiness) -> Self {
        Self { lob, part: Part::Whole }
    }

    /// The two documents of a lane that has two.
    pub(super) const fn halves(lob: LineOfBusiness) -> [Self; 2] {
        [Self { lob, part: Part::PastDue }, Self { lob, part: Part::Others }]
    }

    fn has(self, case: &Case) -> bool {
        let past_due = case.cell.attribute == "TotalPastDue";
        let is_in = match self.part {
            Part::Whole => true,
            Part::PastDue => past_due,
            Part::Others => !past_due,
        };
        case.lob == self.lob && is_in
    }

    /// What it is called.
    pub(super) fn name(self) -> String {
        let of = match self.part {
            Part::Whole => "",
            Part::PastDue => ", past due",
            Part::Others => ", other attributes",
        };
        format!("{}{of}", self.lob.name())
    }

    /// What its files are called.
    pub(super) fn slug(self) -> String {
        self.name().to_lowercase().replace(", ", "-").replace(' ', "-")
    }
}

/// Everything that is to be tested.
pub(super) struct Plan {
    /// All cases.
    pub(super) cases: Vec<Case>,
}

/// What a plan is made from.
struct Basis {
    /// Versions of Planning, Scoping and Sample Selection.
    versions: [String; 3],
    /// Technical names by attribute.
    attributes: BTreeMap<String, String>,
    samples: BTreeMap<String, wire::Sample>,
}

impl Plan {
    /// The cases of a bundle.
    pub(super) fn of(&self, bundle: Bundle) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| bundle.has(case))
    }

    /// Their ids.
    pub(super) fn ids_of(&self, bundle: Bundle) -> Vec<String> {
        self.of(bundle).map(|case| case.test_case_id.clone()).collect()
    }

    /// What the report says of them.
    pub(super) fn reported(&self, bundle: Bundle) -> BTreeMap<Cell, f64> {
        self.of(bundle).map(|case| (case.cell.clone(), case.reported)).collect()
    }

    /// A case by its id.
    pub(super) fn case(&self, test_case_id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.test_case_id == test_case_id)
    }
}

impl Story<'_> {
    /// The gateway makes the plan from what was approved.
    pub(super) async fn plan_cases(
        &self,
        opened: &shared::PhaseStatus,
    ) -> Result<(audit::PlanTestCasesResponse, Plan)> {
        let (stage, gateway) = (self.stage, &self.cast.gateway);
        let basis = self.basis(opened).await?;
        let planned = basis.cases();
        let mut desk = gateway.audit_at(Phase::DATA_OWNER_ID);
        let bar = stage.bar("planning test cases", planned.len());
        let mut parts = planned.chunks(PART).peekable();
        let mut answer = audit::PlanTestCasesResponse::default();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            answer = desk.plan(&basis.versions, part.to_vec(), last).await.context("planning")?;
            bar.at(i32::try_from(answer.planned)?);
        }
        drop(bar);
        holds("test cases planned", usize::try_from(answer.planned)?, planned.len())?;
        let text = format!("plans {} test cases", answer.planned);
        let (samples, attributes) = (basis.samples.len(), basis.attributes.len());
        let text = format!("{text}: {samples} approved samples, {attributes} attributes in scope");
        stage.says(gateway.name, &text);
        let cases = desk.test_cases("").await?;
        holds("test cases listed", cases.len(), planned.len())?;
        let cases = cases.iter().map(|case| basis.read(case)).collect::<Result<_>>()?;
        Ok((answer, Plan { cases }))
    }

    /// What was approved in the phases that the plan is made from.
    async fn basis(&self, opened: &shared::PhaseStatus) -> Result<Basis> {
        let gateway = &self.cast.gateway;
        let planning = gateway.at(Phase::PLANNING).status().await?.current_version_id;
        let scoping = gateway.at(Phase::SCOPING).status().await?.current_version_id;
        // That which the phase rests on, whatever has been approved since.
        let sampling = Phase::SAMPLE_SELECTION.number();
        let sampling = opened.rests_on.iter().find(|one| one.phase == sampling);
        let sampling = sampling.context("the phase rests on no samples")?.version_id.clone();

        let mut attributes = BTreeMap::new();
        for content in self.approved(Phase::PLANNING, &planning).await? {
            if let Kind::AttributeDecision(one) = content
                && !one.is_key
                && one.decision_type() == wire::DecisionType::Include
            {
                let name = text(one.attribute_data.as_ref(), "technical_name");
                attributes.insert(one.attribute_id, name.context("an attribute has no name")?);
            }
        }
        let mut in_scope = Vec::new();
        for content in self.approved(Phase::SCOPING, &scoping).await? {
            if let Kind::ScopingDecision(one) = content
                && one.is_in_scope
            {
                in_scope.push(one.attribute_id);
            }
        }
        attributes.retain(|attribute_id, _| in_scope.contains(attribute_id));
        let mut samples = BTreeMap::new();
        for content in self.approved(Phase::SAMPLE_SELECTION, &sampling).await? {
            if let Kind::Sample(sample) = content {
                samples.insert(sample.sample_identifier.clone(), sample);
            }
        }
        Ok(Basis { versions: [planning, scoping, sampling], attributes, samples })
    }

    /// What stands approved in a version, changes by the reviewer included.
    async fn approved(&self, phase: Phase, version_id: &str) -> Result<Vec<Kind>> {
        let decisions = self.cast.gateway.at(phase).decisions(version_id, all()).await?;
        let stands = |decision: &wire::Decision| {
            let state = decision.state();
            matches!(state, wire::DecisionState::Approved | wire::DecisionState::Modified)
        };
        let content = |decision: wire::Decision| decision.effective_payload?.kind;
        Ok(decisions.into_iter().filter(stands).filter_map(content).collect())
    }
}

impl Basis {
    /// Every sample with every attribute.
    fn cases(&self) -> Vec<audit::PlannedCase> {
        let case = |sample: &wire::Sample, attribute_id: &String| audit::PlannedCase {
            sample_item_key: sample.sample_identifier.clone(),
            attribute_id: attribute_id.clone(),
            lob_id: sample.lob_id.clone(),
        };
        self.samples
            .values()
            .flat_map(|sample| self.attributes.keys().map(move |id| case(sample, id)))
            .collect()
    }

    /// A case, with what the report says.
    fn read(&self, case: &audit::TestCase) -> Result<Case> {
        let sample = self.samples.get(&case.sample_item_key).context("a case of no sample")?;
        let attribute =
            self.attributes.get(&case.attribute_id).context("a case of no attribute")?;
        let data: Option<&Struct> = sample.sample_data.as_ref();
        Ok(Case {
            test_case_id: case.test_case_id.clone(),
            lob: LineOfBusiness::of_id(&case.lob_id).context("a case in no line of business")?,
            cell: Cell { sample: case.sample_item_key.clone(), attribute: attribute.clone() },
            reported: number(data, attribute)
                .with_context(|| format!("sample {} has no {attribute}", case.sample_item_key))?,
        })
    }
}
