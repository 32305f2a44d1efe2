//! People at work: versions from their first item to their approval, in one workflow after the other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::{request_id, scope};
use signoff_tests::world::{whole, workflow};
use signoff_tests::{Person, build, house};
use signoff_workflow::{Phase, Role, Workflow};
use tonic::Status;
use wire::{Verdict, Version};

use super::street::Street;

/// How many versions a workflow gets before the next one is opened: what is worked on stays as large as
/// it is, however long it takes.
const VERSIONS: usize = 8;
/// The phase that can be begun at once.
const PHASE: Phase = Phase::PLANNING;

/// Two people, and what they are at.
pub(super) struct Desk {
    tester: Person,
    lead: Person,
    admin: Person,
    workflow: Workflow,
    versions: usize,
    items: u32,
    version: Option<Version>,
    next: Step,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Step {
    OpenWorkflow,
    NextVersion,
    Read,
    Add,
    List,
    AddAgain,
    Board,
    Submit,
    ListAgain,
    Rule,
    Approve,
    Current,
}

impl Desk {
    pub(super) async fn new(street: &Street, number: usize) -> Result<Self> {
        let number = i64::try_from(number)?;
        Ok(Self {
            tester: street.person(1_000 + number).await?,
            lead: street.person(2_000 + number).await?,
            admin: street.admin().await?,
            workflow: workflow(),
            versions: 0,
            items: 0,
            version: None,
            next: Step::OpenWorkflow,
        })
    }

    /// Makes the next call. After one that is refused they begin anew, elsewhere.
    pub(super) async fn step(&mut self) -> Result<(), Status> {
        let done = self.call().await;
        match done {
            Ok(next) => self.next = next,
            Err(_) => self.next = Step::OpenWorkflow,
        }
        done.map(drop)
    }

    async fn call(&mut self) -> Result<Step, Status> {
        let here = scope(self.workflow, PHASE);
        let version = self.version.clone().unwrap_or_default();
        Ok(match self.next {
            Step::OpenWorkflow => {
                self.open().await?;
                Step::NextVersion
            }
            Step::NextVersion => {
                let items = self.items(4);
                self.version = Some(match self.versions {
                    0 => self.tester.create(&here, items).await?,
                    _ => self.tester.revise(&here, items).await?,
                });
                Step::Read
            }
            Step::Read => {
                self.version = Some(self.tester.get(&version).await?);
                Step::Add
            }
            Step::Add => {
                let items = self.items(2);
                self.version = self.tester.add(&version, items).await?.version;
                Step::List
            }
            Step::List => {
                self.list(&version).await?;
                Step::AddAgain
            }
            Step::AddAgain => {
                let items = self.items(2);
                self.version = self.tester.add(&version, items).await?.version;
                Step::Board
            }
            Step::Board => {
                let request = gateway::GetBoardRequest { scope: Some(whole(self.workflow)) };
                self.lead.call(request).await?;
                Step::Submit
            }
            Step::Submit => {
                self.version = Some(self.tester.submit(&version).await?);
                Step::ListAgain
            }
            Step::ListAgain => {
                self.list(&version).await?;
                Step::Rule
            }
            Step::Rule => {
                self.version = Some(self.lead.rule_rest(&version, Verdict::Approved).await?);
                Step::Approve
            }
            Step::Approve => {
                self.lead.approve(&version).await?;
                Step::Current
            }
            Step::Current => {
                self.tester.current(&here).await?;
                self.versions += 1;
                if self.versions < VERSIONS { Step::NextVersion } else { Step::OpenWorkflow }
            }
        })
    }

    async fn open(&mut self) -> Result<(), Status> {
        self.workflow = workflow();
        (self.versions, self.items, self.version) = (0, 0, None);
        let members = [(self.tester.user_id, Role::Tester), (self.lead.user_id, Role::TestLead)];
        let request = gateway::OpenWorkflowRequest {
            scope: Some(whole(self.workflow)),
            cycle_name: "2026 Q4".to_owned(),
            report_name: "FR Y-14M, schedule D.1".to_owned(),
            members: house::listed(&members),
            request_id: request_id(),
        };
        self.admin.call(request).await.map(drop)
    }

    async fn list(&self, version: &Version) -> Result<(), Status> {
        let request = wire::ListDecisionsRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            page_size: 100,
            ..Default::default()
        };
        self.lead.call(request).await.map(drop)
    }

    /// New items.
    fn items(&mut self, count: u32) -> Vec<wire::DecisionInput> {
        let first = self.items;
        self.items += count;
        build::items(PHASE, first..self.items)
    }
}

/// What was answered since somebody looked last.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Since>);

/// What was answered for a while.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// How long answers took from when their calls were due, in milliseconds.
    pub(super) took: Vec<f64>,
    /// How many were refused, by the code.
    pub(super) refused: BTreeMap<String, usize>,
}

impl Heard {
    pub(super) fn note(&self, took: Duration, refused: Option<Status>) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match refused {
            None => since.took.push(took.as_secs_f64() * 1_000.0),
            Some(status) => {
                let what = format!("{:?}: {}", status.code(), status.message());
                *since.refused.entry(what).or_default() += 1;
            }
        }
    }

    pub(super) fn take(&self) -> Since {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
