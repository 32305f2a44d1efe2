//! Who may call what, written out by hand: the product's table of who may do what, not a copy of the
//! options. The gateway's tests go by it, too.

use signoff_workflow::{Phase, Role};

/// Groups of people, in the table's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Tester and test lead: create, revise, edit, remove, submit, withdraw, delete, confirm.
    Makers,
    /// Tester and test lead, and the report owner for samples of their own.
    MakersAndSampleOwners,
    /// The phase's approver.
    Approver,
    /// The phase's approver; tester and test lead rule on samples that a report owner added.
    ApproverAndMakers,
    /// Any member of the workflow, the auditor, and services.
    Readers,
    /// Services and the gateway, for a request without a scope.
    Locators,
    /// The gateway alone.
    Gateway,
    /// Test lead and report owner: remediation of observations.
    Remedies,
    /// The roles that sign the final report.
    Signers,
    /// A data owner, in their own lane: no role lets anybody.
    DataOwner,
    /// As readers, and a data owner for their own lane.
    ReadersAndDataOwner,
    /// The admin alone: opens and closes workflows, sets members and lines of business.
    Admin,
    /// As readers, and the admin, who sets what is read.
    ReadersAndAdmin,
    /// Any member. Whom it lets approve the method behind it decides.
    Members,
    /// Anybody with a token; what they see is theirs.
    Anybody,
    /// Any member of the workflow, the auditor, and services; across workflows the last two.
    ReadersAcross,
    /// Services, for a request without a scope.
    Followers,
}

/// Each method.
pub(crate) const TABLE: &[(&str, Who)] = &[
    ("/signoff.audit.v1.DataOwnerService/AssignDataOwner", Who::Makers),
    ("/signoff.audit.v1.DataOwnerService/TransferDataOwner", Who::Makers),
    ("/signoff.audit.v1.DataOwnerService/DeactivateDataOwner", Who::Makers),
    ("/signoff.audit.v1.DataOwnerService/ListAssignments", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.DataOwnerService/GetAssignmentHistory", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestCaseService/PlanTestCases", Who::Gateway),
    ("/signoff.audit.v1.TestCaseService/GetTestPlan", Who::Readers),
    ("/signoff.audit.v1.TestCaseService/ListTestCases", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestCaseService/GetLane", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestCaseService/ListLanes", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.DocumentService/SubmitDocument", Who::DataOwner),
    ("/signoff.audit.v1.DocumentService/ReviseDocument", Who::DataOwner),
    ("/signoff.audit.v1.DocumentService/ReviewDocument", Who::Makers),
    ("/signoff.audit.v1.DocumentService/ListDocuments", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.DocumentService/GetDocumentHistory", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestExecutionService/StartExecution", Who::Makers),
    ("/signoff.audit.v1.TestExecutionService/RecordResult", Who::Makers),
    ("/signoff.audit.v1.TestExecutionService/RequestAction", Who::Makers),
    ("/signoff.audit.v1.TestExecutionService/RespondToAction", Who::DataOwner),
    ("/signoff.audit.v1.TestExecutionService/ListExecutions", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestExecutionService/ListActions", Who::ReadersAndDataOwner),
    ("/signoff.audit.v1.TestExecutionService/BatchGetExecutions", Who::Readers),
    ("/signoff.audit.v1.AuditPhaseService/GetPhaseStatus", Who::Readers),
    ("/signoff.audit.v1.AuditPhaseService/ListChanges", Who::Readers),
    ("/signoff.audit.v1.AuditPhaseService/RecordChange", Who::Makers),
    ("/signoff.audit.v1.AuditPhaseService/BeginOpen", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/Open", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/Fence", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/Seal", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/ReleaseSeal", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/BeginReopen", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/MarkStale", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/FinishReopen", Who::Gateway),
    ("/signoff.audit.v1.AuditPhaseService/CloseWorkflow", Who::Gateway),
    ("/signoff.gateway.v1.WorkflowService/OpenWorkflow", Who::Admin),
    ("/signoff.gateway.v1.WorkflowService/CloseWorkflow", Who::Admin),
    ("/signoff.gateway.v1.WorkflowService/GetWorkflow", Who::ReadersAndAdmin),
    ("/signoff.gateway.v1.WorkflowService/ListWorkflows", Who::Anybody),
    ("/signoff.gateway.v1.WorkflowService/SetMembers", Who::Admin),
    ("/signoff.gateway.v1.WorkflowService/ListMembers", Who::ReadersAndAdmin),
    ("/signoff.gateway.v1.WorkflowService/SetLobs", Who::Admin),
    ("/signoff.gateway.v1.WorkflowService/ListLobs", Who::Anybody),
    ("/signoff.gateway.v1.WorkflowService/GetBoard", Who::Readers),
    ("/signoff.gateway.v1.WorkflowService/WatchBoard", Who::Readers),
    ("/signoff.gateway.v1.PhaseService/CreateVersion", Who::Makers),
    ("/signoff.gateway.v1.PhaseService/GetCurrentVersion", Who::Readers),
    ("/signoff.gateway.v1.PhaseService/GetVersionHistory", Who::Readers),
    ("/signoff.gateway.v1.PhaseService/ApproveVersion", Who::Members),
    ("/signoff.gateway.v1.PhaseService/StartPhase", Who::Makers),
    ("/signoff.gateway.v1.PhaseService/ReopenPhase", Who::Remedies),
    ("/signoff.gateway.v1.PhaseService/ReaffirmPhase", Who::Remedies),
    ("/signoff.gateway.v1.PhaseService/PlanTestCases", Who::Makers),
    ("/signoff.gateway.v1.PhaseService/ExplainGate", Who::Readers),
    ("/signoff.feed.v1.FeedService/Subscribe", Who::Followers),
    ("/signoff.feed.v1.TrailService/GetTrail", Who::Readers),
    ("/signoff.feed.v1.TrailService/VerifyTrail", Who::Readers),
    ("/signoff.feed.v1.TrailService/ExportTrail", Who::Readers),
    ("/signoff.metrics.v1.MetricsService/GetPhaseMetrics", Who::ReadersAcross),
    ("/signoff.metrics.v1.MetricsService/GetWorkflowMetrics", Who::ReadersAcross),
    ("/signoff.metrics.v1.MetricsService/QuerySeries", Who::ReadersAcross),
    ("/signoff.metrics.v1.MetricsService/GetFreshness", Who::Anybody),
    ("/signoff.metrics.v1.MetricsService/Rebuild", Who::Admin),
    ("/signoff.versioning.v1.SignOffService/RequestSignOffs", Who::Makers),
    ("/signoff.versioning.v1.SignOffService/Sign", Who::Signers),
    ("/signoff.versioning.v1.SignOffService/Decline", Who::Signers),
    ("/signoff.versioning.v1.SignOffService/Delegate", Who::Signers),
    ("/signoff.versioning.v1.SignOffService/ListSignOffs", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/ImportDecisions", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/ExportDecisions", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/UpdateRemediation", Who::Remedies),
    ("/signoff.versioning.v1.VersioningService/AttachFinalDocument", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/CreateVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/ReviseVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/AddDecisions", Who::MakersAndSampleOwners),
    ("/signoff.versioning.v1.VersioningService/UpdateDecision", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/RemoveDecisions", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/UpdateVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/SubmitVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/WithdrawVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/ReviewDecisions", Who::ApproverAndMakers),
    ("/signoff.versioning.v1.VersioningService/ConfirmModifications", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/ApproveVersion", Who::Approver),
    ("/signoff.versioning.v1.VersioningService/RejectVersion", Who::Approver),
    ("/signoff.versioning.v1.VersioningService/DeleteVersion", Who::Makers),
    ("/signoff.versioning.v1.VersioningService/GetVersion", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/GetCurrentVersion", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/ListVersions", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/ListDecisions", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/GetLineage", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/CompareVersions", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/ListArtifacts", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/GetPhaseStatus", Who::Readers),
    ("/signoff.versioning.v1.VersioningService/LocateVersion", Who::Locators),
    ("/signoff.versioning.v1.VersioningService/BeginOpen", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/Open", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/Fence", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/Seal", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/ReleaseSeal", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/BeginReopen", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/MarkStale", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/FinishReopen", Who::Gateway),
    ("/signoff.versioning.v1.VersioningService/CloseWorkflow", Who::Gateway),
];

/// Who approves in which phase.
fn approvers(phase: Phase) -> &'static [Role] {
    match phase.number() {
        1 => &[Role::Tester, Role::TestLead],
        2 | 3 | 4 | 8 => &[Role::ReportOwner],
        // The report owner where the version does without executive approval.
        9 => &[Role::TestExecutive, Role::ReportOwner],
        _ => &[],
    }
}

/// Whether somebody with this one role may, in this phase.
pub(crate) fn may(who: Who, role: Role, phase: Phase) -> bool {
    let makes = matches!(role, Role::Tester | Role::TestLead);
    let approves = approvers(phase).contains(&role);
    match who {
        Who::Makers => makes,
        Who::MakersAndSampleOwners => {
            makes || (role == Role::ReportOwner && phase == Phase::SAMPLE_SELECTION)
        }
        Who::Approver => approves,
        Who::ApproverAndMakers => approves || makes,
        Who::Readers | Who::ReadersAndDataOwner | Who::ReadersAcross => {
            !matches!(role, Role::Admin | Role::Gateway)
        }
        Who::Admin => role == Role::Admin,
        Who::Followers => role == Role::Service,
        Who::ReadersAndAdmin => role != Role::Gateway,
        Who::Members => role.is_held_on_a_report(),
        Who::Anybody => true,
        Who::DataOwner => false,
        Who::Locators => matches!(role, Role::Service | Role::Gateway),
        Who::Gateway => role == Role::Gateway,
        Who::Remedies => matches!(role, Role::TestLead | Role::ReportOwner),
        Who::Signers => {
            matches!(role, Role::TestLead | Role::ReportOwner | Role::TestExecutive)
        }
    }
}
