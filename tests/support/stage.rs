//! A phase of a workflow of its own, with the people who work on it.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::{Phase, Role, Workflow};
use tonic::transport::Channel;
use wire::{DecisionInput, Verdict, Version};

use crate::build;
use crate::executions::{self, Tested};
use crate::lanes::Lanes;
use crate::people::{Person, scope};
use crate::world::{self, World};

/// An opened phase, and everybody who has a part in it. The service is the one that all tests of
/// the process share: what it holds besides is other people's.
pub struct Stage {
    /// The service.
    pub world: &'static World,
    /// The workflow.
    pub workflow: Workflow,
    /// The phase.
    pub phase: Phase,
    /// Both, for requests.
    pub here: Scope,
    /// A tester: user 10.
    pub tester: Person,
    /// A test lead: user 12.
    pub lead: Person,
    /// The report owner: user 20.
    pub owner: Person,
    /// The test executive: user 30.
    pub executive: Person,
    /// The gateway: user 1.
    pub gateway: Person,
    channel: Channel,
}

impl Stage {
    /// A phase that was not opened.
    pub async fn closed(phase: Phase) -> Self {
        Self::closed_in(World::shared().await, phase).await
    }

    /// A phase that was not opened, of a service that may be nobody else's.
    pub async fn closed_in(world: &'static World, phase: Phase) -> Self {
        let (workflow, channel) = (world::workflow(), world.channel().await);
        let person = |user_id, role| {
            Person::new(&world.key, channel.clone(), user_id, Some(workflow), &[role])
        };
        Self {
            world,
            workflow,
            phase,
            here: scope(workflow, phase),
            tester: person(10, Role::Tester),
            lead: person(12, Role::TestLead),
            owner: person(20, Role::ReportOwner),
            executive: person(30, Role::TestExecutive),
            gateway: person(1, Role::Gateway),
            channel,
        }
    }

    /// An opened phase.
    pub async fn of(phase: Phase) -> Self {
        Self::open_in(World::shared().await, phase).await
    }

    /// An opened phase of a service that may be nobody else's.
    pub async fn open_in(world: &'static World, phase: Phase) -> Self {
        let mut stage = Self::closed_in(world, phase).await;
        stage.gateway.open_phase(stage.workflow, phase).await;
        stage
    }

    /// Sample Selection, opened.
    pub async fn samples() -> Self {
        Self::of(Phase::SAMPLE_SELECTION).await
    }

    /// Somebody with these roles, those on a report being held on this one.
    pub fn person(&self, user_id: i64, roles: &[Role]) -> Person {
        Person::new(&self.world.key, self.channel.clone(), user_id, Some(self.workflow), roles)
    }

    /// Somebody without a token.
    pub fn unknown(&self) -> Person {
        Person::unknown(self.channel.clone())
    }

    /// Another phase of the workflow, for requests.
    pub fn in_phase(&self, phase: Phase) -> Scope {
        scope(self.workflow, phase)
    }

    /// So many concluded test executions at the audit service, and so many open ones. Once.
    pub async fn tested(&self, concluded: usize, open: usize) -> Tested {
        executions::tested(&self.lanes().await, (concluded, open)).await
    }

    /// The workflow at the audit service.
    pub async fn lanes(&self) -> Lanes<()> {
        let audit = self.world.audit.expect("a world beside an audit service");
        Lanes::at_address(audit, &self.world.key, self.workflow).await
    }

    /// Version 1, a draft with these many items.
    pub async fn draft(&self, items: u32) -> Version {
        self.tester.create(&self.here, build::items(self.phase, 0..items)).await.unwrap()
    }

    /// Version 1, submitted, with these many pending items.
    pub async fn submitted(&self, items: u32) -> Version {
        let draft = self.draft(items).await;
        self.tester.submit(&draft).await.unwrap()
    }

    /// Version 1, approved, with these many items.
    pub async fn approved(&self, items: u32) -> Version {
        let submitted = self.submitted(items).await;
        self.approve_all(&submitted).await
    }

    /// Version 1, rejected, though these many items in it are approved.
    pub async fn rejected(&self, items: u32) -> Version {
        let submitted = self.submitted(items).await;
        let approver = self.approver();
        approver.rule_rest(&submitted, Verdict::Approved).await.unwrap();
        approver.reject(&submitted, "not yet").await.unwrap()
    }

    /// The next version with these items beside the carried ones: drafted, submitted, approved.
    pub async fn next(&self, decisions: Vec<DecisionInput>) -> Version {
        let draft = self.tester.revise(&self.here, decisions).await.unwrap();
        let submitted = self.tester.submit(&draft).await.unwrap();
        self.approve_all(&submitted).await
    }

    /// Approves what is pending in a submitted version, and the version.
    pub async fn approve_all(&self, submitted: &Version) -> Version {
        let approver = self.approver();
        if submitted.counts.unwrap().pending > 0 {
            approver.rule_rest(submitted, Verdict::Approved).await.unwrap();
        }
        approver.approve(submitted).await.unwrap()
    }

    /// Who rules and approves here, and made nothing.
    pub fn approver(&self) -> &Person {
        match self.phase {
            Phase::PLANNING => &self.lead,
            Phase::FINALIZE_TEST_REPORT => &self.executive,
            _ => &self.owner,
        }
    }
}
