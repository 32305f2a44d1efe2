//! What people do with the final report, in few words.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Role;
use wire::{Decision, SignOff, Verdict, Version};

use crate::acts::{Answer, approved};
use crate::build;
use crate::people::{Person, request_id};
use crate::stage::Stage;

/// Who signs for what, in the tests.
pub const SIGNERS: [(Role, i64); 3] =
    [(Role::TestLead, 12), (Role::ReportOwner, 20), (Role::TestExecutive, 30)];

/// Metadata of a report that says whether the executive approves, and what it shows.
pub fn metadata(executive: Option<bool>, shown: &[&str]) -> wire::VersionMetadata {
    let report = wire::TestReportMetadata {
        report_title: "Third quarter".to_owned(),
        included_sections: shown.iter().map(|key| (*key).to_owned()).collect(),
        requires_executive_approval: executive,
        ..Default::default()
    };
    wire::VersionMetadata { kind: Some(wire::version_metadata::Kind::FinalizeTestReport(report)) }
}

impl Person {
    /// Approves these decisions of a submitted version.
    pub async fn rule_all(&self, version: &Version, decisions: &[Decision]) -> Version {
        self.rule(version, decisions.iter().map(approved).collect()).await.unwrap()
    }

    /// Says what a draft of the report is.
    pub async fn describe(
        &self,
        version: &Version,
        metadata: wire::VersionMetadata,
    ) -> Answer<Version> {
        let request = wire::UpdateVersionRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            request_id: request_id(),
            metadata: Some(metadata),
            ..Default::default()
        };
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Asks people to sign.
    pub async fn ask(
        &self,
        version: &Version,
        assignments: &[(Role, i64)],
    ) -> Answer<Vec<SignOff>> {
        let assignments = assignments
            .iter()
            .map(|(role, user_id)| wire::SignOffAssignment {
                role: (*role).into(),
                user_id: *user_id,
            })
            .collect();
        let request = wire::RequestSignOffsRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            assignments,
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.call(request).await?.sign_offs)
    }

    /// Signs, without saying what was read.
    pub async fn sign(&self, of: &Version, sign_off: &SignOff) -> Answer<SignOff> {
        self.sign_as_read(of, sign_off, vec![]).await
    }

    /// Signs what was read.
    pub async fn sign_as_read(
        &self,
        of: &Version,
        sign_off: &SignOff,
        content_digest: Vec<u8>,
    ) -> Answer<SignOff> {
        let request = wire::SignRequest {
            scope: of.scope.clone(),
            sign_off_id: sign_off.sign_off_id.clone(),
            comments: "as read".to_owned(),
            content_digest,
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.call(request).await?.sign_off.unwrap())
    }

    /// Refuses to sign.
    pub async fn decline(&self, of: &Version, sign_off: &SignOff, why: &str) -> Answer<SignOff> {
        let request = wire::DeclineRequest {
            scope: of.scope.clone(),
            sign_off_id: sign_off.sign_off_id.clone(),
            reason: why.to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.call(request).await?.sign_off.unwrap())
    }

    /// Hands a request on.
    pub async fn delegate(
        &self,
        of: &Version,
        sign_off: &SignOff,
        to_user_id: i64,
    ) -> Answer<SignOff> {
        let request = wire::DelegateRequest {
            scope: of.scope.clone(),
            sign_off_id: sign_off.sign_off_id.clone(),
            to_user_id,
            reason: "on leave".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.call(request).await?.sign_off.unwrap())
    }

    /// All sign-offs of a version, oldest first.
    pub async fn sign_offs(&self, of: &Version) -> Vec<SignOff> {
        let request = wire::ListSignOffsRequest {
            scope: of.scope.clone(),
            version_id: of.version_id.clone(),
            page_size: 1000,
            ..Default::default()
        };
        self.call(request).await.unwrap().sign_offs
    }

    /// Says how far a remedy is; an empty tag is none.
    pub async fn remedy(
        &self,
        of: &Version,
        decision: &Decision,
        status: Option<&str>,
        deadline: Option<&str>,
        etag: &str,
    ) -> Answer<Decision> {
        let request = wire::UpdateRemediationRequest {
            scope: of.scope.clone(),
            decision_id: decision.decision_id.clone(),
            remediation_status: status.map(str::to_owned),
            remediation_deadline: deadline.map(str::to_owned),
            reason: "as agreed".to_owned(),
            etag: etag.to_owned(),
            request_id: request_id(),
        };
        Ok(self.call(request).await?.decision.unwrap())
    }

    /// Attaches the rendered report.
    pub async fn attach(&self, to: &Version, document_id: &str) -> Answer<Version> {
        let request = wire::AttachFinalDocumentRequest {
            scope: to.scope.clone(),
            version_id: to.version_id.clone(),
            document_id: document_id.to_owned(),
            sha256: vec![7; 32],
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.call(request).await?.version.unwrap())
    }
}

impl Stage {
    /// Version 1 of the report, submitted, with these many sections, all approved.
    pub async fn ruled_report(&self, sections: u32) -> Version {
        let submitted = self.submitted(sections).await;
        self.executive.rule_rest(&submitted, Verdict::Approved).await.unwrap()
    }

    /// Version 1 of the report, signed, by a delegate too, approved and attached.
    pub async fn attached_report(&self) {
        let version = self.ruled_report(1).await;
        let asked = self.tester.ask(&version, &SIGNERS).await.unwrap();
        self.lead.sign(&version, &asked[0]).await.unwrap();
        self.owner.delegate(&version, &asked[1], 21).await.unwrap();
        let delegate = self.person(21, &[signoff_workflow::Role::ReportOwner]);
        delegate.sign(&version, &asked[1]).await.unwrap();
        self.executive.sign(&version, &asked[2]).await.unwrap();
        self.executive.approve(&version).await.unwrap();
        self.tester.attach(&version, &build::attribute_id(1)).await.unwrap();
    }

    /// Two approved observations, of which one's remedy was spoken of twice.
    pub async fn remedied(&self) {
        let version = self.approved(2).await;
        let all = self.tester.decisions(&version).await;
        self.owner.remedy(&version, &all[0], Some("under way"), None, "").await.unwrap();
        self.lead.remedy(&version, &all[0], None, Some("2027-06-30"), "").await.unwrap();
    }

    /// Whoever signs for a role.
    pub fn signer(&self, role: Role) -> &Person {
        match role {
            Role::TestLead => &self.lead,
            Role::ReportOwner => &self.owner,
            _ => &self.executive,
        }
    }

    /// Has all three sign a submitted version.
    pub async fn sign_all(&self, version: &Version) -> Vec<SignOff> {
        let asked = self.tester.ask(version, &SIGNERS).await.unwrap();
        let mut signed = Vec::new();
        for sign_off in &asked {
            let signer = self.signer(sign_off.role());
            signed.push(signer.sign(version, sign_off).await.unwrap());
        }
        signed
    }

    /// Version 1 of the report, signed and approved.
    pub async fn signed_report(&self, sections: u32) -> Version {
        let version = self.ruled_report(sections).await;
        self.sign_all(&version).await;
        self.executive.approve(&version).await.unwrap()
    }

    /// A section as it was put forward, for a next version.
    pub fn sections(numbers: std::ops::Range<u32>) -> Vec<wire::DecisionInput> {
        build::items(signoff_workflow::Phase::FINALIZE_TEST_REPORT, numbers)
    }
}
