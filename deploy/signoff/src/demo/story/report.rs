//! Finalize Test Report: written from what the services answer, ruled on, signed, approved, and the
//! document attached.

use anyhow::{Context, Result};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Role;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::{Story, counts, holds};
use crate::demo::data::extracts::sha256;
use crate::demo::lanes::{Lane, lanes};
use crate::demo::people::Person;

/// A section: its type, which is its key, its title and what it says.
pub(super) type Section = (&'static str, &'static str, String);

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn finalize(&mut self) -> Result<()> {
        let (sections, version) = self.write_report().await?;
        self.try_to_approve_unsigned(&version.version_id).await?;
        self.sign_all(&version, Some(&self.cast.olga)).await?;
        self.close_report(&sections, &version).await
    }

    /// The report is written, submitted, and its sections are ruled on.
    pub(super) async fn write_report(&self) -> Result<(Vec<Section>, wire::Version)> {
        self.enter(Phase::FINALIZE_TEST_REPORT)?;
        let (stage, tess, eve) = (self.stage, &self.cast.tess, &self.cast.eve);
        let (mut tester, mut executive) =
            (tess.at(Phase::FINALIZE_TEST_REPORT), eve.at(Phase::FINALIZE_TEST_REPORT));
        let sections = sections(&lanes(tess).await?);
        let inputs = sections.iter().zip(1..).map(input).collect();
        let metadata = Metadata::FinalizeTestReport(metadata(&sections));
        let version = tester.create("the report", metadata, inputs).await.context("writing")?;
        self.tell_grounds(Phase::FINALIZE_TEST_REPORT).await?;
        let text = format!("writes the report: {} sections", counts(&version).total);
        stage.says(tess.name, &format!("{text} (version {})", version.number));
        let version = tester.submit(&version, "for signing").await.context("submitting")?;
        stage.says(tess.name, "submits the report");
        let version = executive.approve_remaining(&version.version_id, "").await;
        let version = version.context("ruling on sections")?;
        let approved = counts(&version).approved;
        stage.says(eve.name, &format!("the test executive, approves all {approved} sections"));
        Ok((sections, version))
    }

    /// The report is approved, and the document attached.
    pub(super) async fn close_report(
        &self,
        sections: &[Section],
        version: &wire::Version,
    ) -> Result<()> {
        let (stage, tess, eve) = (self.stage, &self.cast.tess, &self.cast.eve);
        let (mut tester, mut executive) =
            (tess.at(Phase::FINALIZE_TEST_REPORT), eve.at(Phase::FINALIZE_TEST_REPORT));
        let version = executive.approve(&version.version_id, "final").await.context("approving")?;
        holds("the report is approved", version.state(), wire::VersionState::Approved)?;
        stage.says(eve.name, "approves the report");
        let content: Vec<&str> = sections.iter().map(|(.., content)| content.as_str()).collect();
        let version = tester.attach(&version, sha256(&content.join("\n"))).await;
        let attached = version.context("attaching")?.final_document.context("no document")?;
        let text = format!("attaches the document, SHA-256 {}", hex::encode(attached.sha256));
        stage.says(tess.name, &text);
        Ok(())
    }

    /// Three people sign; somebody may stand in for the report owner.
    pub(super) async fn sign_all(
        &self,
        version: &wire::Version,
        stand_in: Option<&Person>,
    ) -> Result<()> {
        let (stage, cast) = (self.stage, self.cast);
        let signers = [
            (Role::TestLead, &cast.lena),
            (Role::ReportOwner, &cast.owen),
            (Role::TestExecutive, &cast.eve),
        ];
        let mut tester = cast.tess.at(Phase::FINALIZE_TEST_REPORT);
        let asked = tester.ask_to_sign(version, &signers).await.context("asking to sign")?;
        let names: Vec<&str> = signers.iter().map(|(_, person)| person.name).collect();
        stage.says(cast.tess.name, &format!("asks {} to sign it", names.join(", ")));
        for (sign_off, (role, mut signer)) in asked.into_iter().zip(signers) {
            let mut sign_off = sign_off;
            if let Some(other) = stand_in.filter(|_| role == Role::ReportOwner) {
                let mut desk = signer.at(Phase::FINALIZE_TEST_REPORT);
                let reason = "on leave until Monday";
                sign_off = desk.delegate(&sign_off, other, reason).await?;
                let text = format!("hands his on to {}: \"{reason}\"", other.name);
                stage.says(signer.name, &text);
                signer = other;
            }
            let mut desk = signer.at(Phase::FINALIZE_TEST_REPORT);
            let signed = desk.sign(version, &sign_off, "as read").await.context("signing")?;
            holds("a sign-off", signed.status(), wire::SignOffStatus::Signed)?;
            let role = role.as_str_name().trim_start_matches("ROLE_").to_lowercase();
            let text = format!("signs it as {}", role.replace('_', " "));
            stage.says(signer.name, &text);
        }
        Ok(())
    }
}

fn metadata(sections: &[Section]) -> wire::TestReportMetadata {
    wire::TestReportMetadata {
        report_title: "FR Y-14M, Schedule D.1, September 2026".to_owned(),
        report_period_start: "2026-09-01".to_owned(),
        report_period_end: "2026-09-30".to_owned(),
        executive_summary: sections.first().map(|one| one.2.clone()).unwrap_or_default(),
        included_sections: sections.iter().map(|one| one.0.to_owned()).collect(),
        generation_method: wire::GenerationMethod::Hybrid.into(),
        ..Default::default()
    }
}

/// What the report says, from what the services say of the lanes.
fn sections(lanes: &[Lane]) -> Vec<Section> {
    let sum = |of: fn(&Lane) -> i64| lanes.iter().map(of).sum::<i64>();
    let (cases, observations) = (sum(|lane| lane.cases), sum(|lane| lane.observations));
    let summary = format!(
        "{cases} test cases in {} lines of business: {} passed, {} failed, {} inconclusive; \
         {observations} observations.",
        lanes.len(),
        sum(|lane| lane.passed),
        sum(|lane| lane.failed),
        sum(|lane| lane.inconclusive),
    );
    let results: Vec<String> = lanes
        .iter()
        .map(|lane| {
            let Lane { line_of_business, cases, passed, .. } = lane;
            format!("{line_of_business}: {passed} of {cases} passed.")
        })
        .collect();
    let findings: Vec<String> = lanes
        .iter()
        .map(|lane| format!("{}: {} observations.", lane.line_of_business, lane.observations))
        .collect();
    vec![
        ("executive_summary", "Executive summary", summary),
        ("results", "Results by line of business", results.join("\n")),
        ("findings", "Findings", findings.join("\n")),
        (
            "recommendations",
            "Recommendations",
            "Read limits and balances after the last day, not before its end.".to_owned(),
        ),
    ]
}

fn input(((section_type, title, content), order): (&Section, i32)) -> wire::DecisionInput {
    let section = wire::ReportSection {
        section_type: (*section_type).to_owned(),
        section_title: (*title).to_owned(),
        section_content: content.clone(),
        section_order: order,
        content_source: wire::ContentSource::Generated.into(),
        source_references: Vec::new(),
    };
    wire::DecisionInput {
        item_key: (*section_type).to_owned(),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(wire::Payload { kind: Some(Kind::ReportSection(section)) }),
        ..Default::default()
    }
}
