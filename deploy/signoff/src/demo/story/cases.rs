//! The test cases: every approved sample with every attribute that is in scope and no key.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use prost_types::Struct;
use signoff_contract::audit::v1 as audit;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;

use super::{Story, all, holds, number, text};
use crate::demo::data::accounts::LineOfBusiness;
use crate::demo::data::extracts::Cell;

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

/// What a plan was made from.
struct Basis {
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
    pub(super) async fn plan_cases(&self) -> Result<(gateway::PlanTestCasesResponse, Plan)> {
        let (stage, tess) = (self.stage, &self.cast.tess);
        let answer = tess.plan_test_cases().await.context("planning")?;
        let basis = self.basis(answer.plan.as_ref().context("no plan")?).await?;
        let (samples, attributes) = (basis.samples.len(), basis.attributes.len());
        let planned = usize::try_from(answer.planned)?;
        holds("test cases planned", planned, samples * attributes)?;
        let text = format!("has {planned} test cases planned by the gateway");
        let text = format!("{text}: {samples} approved samples, {attributes} attributes in scope");
        stage.says(tess.name, &text);
        let cases = tess.audit_at(Phase::DATA_OWNER_ID).test_cases("").await?;
        holds("test cases listed", cases.len(), planned)?;
        let cases = cases.iter().map(|case| basis.read(case)).collect::<Result<_>>()?;
        Ok((answer, Plan { cases }))
    }

    /// What was approved in the versions that a plan was made from.
    async fn basis(&self, plan: &audit::TestPlan) -> Result<Basis> {
        let mut attributes = BTreeMap::new();
        for content in self.approved(Phase::PLANNING, &plan.planning_version_id).await? {
            if let Kind::AttributeDecision(one) = content
                && !one.is_key
                && one.decision_type() == wire::DecisionType::Include
            {
                let name = text(one.attribute_data.as_ref(), "technical_name");
                attributes.insert(one.attribute_id, name.context("an attribute has no name")?);
            }
        }
        let mut in_scope = Vec::new();
        for content in self.approved(Phase::SCOPING, &plan.scoping_version_id).await? {
            if let Kind::ScopingDecision(one) = content
                && one.is_in_scope
            {
                in_scope.push(one.attribute_id);
            }
        }
        attributes.retain(|attribute_id, _| in_scope.contains(attribute_id));
        let mut samples = BTreeMap::new();
        for content in
            self.approved(Phase::SAMPLE_SELECTION, &plan.sample_selection_version_id).await?
        {
            if let Kind::Sample(sample) = content {
                samples.insert(sample.sample_identifier.clone(), sample);
            }
        }
        Ok(Basis { attributes, samples })
    }

    /// What stands approved in a version, changes by the reviewer included.
    async fn approved(&self, phase: Phase, version_id: &str) -> Result<Vec<Kind>> {
        let decisions = self.cast.tess.at(phase).decisions(version_id, all()).await?;
        let stands = |decision: &wire::Decision| {
            let state = decision.state();
            matches!(state, wire::DecisionState::Approved | wire::DecisionState::Modified)
        };
        let content = |decision: wire::Decision| decision.effective_payload?.kind;
        Ok(decisions.into_iter().filter(stands).filter_map(content).collect())
    }
}

impl Basis {
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
