//! What must not work: tried, and the answer shown.

mod fieldwork;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::Phase;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::people::Person;
use super::story::Story;

/// Something that was tried and refused.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    /// Who tried.
    who: &'static str,
    /// What they tried.
    tried: &'static str,
    /// The gRPC code of the answer.
    code: String,
    /// The reason in it, for programs.
    reason: String,
    /// Its message, for people.
    message: String,
}

impl Story<'_> {
    /// The tester changes Planning, on which Data Profiling rests.
    pub(super) async fn try_to_change_what_is_sealed(&mut self) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.at(Phase::PLANNING).revise("one more attribute", Vec::new()).await;
        let tried = "tries to revise Planning, on which Data Profiling rests now";
        self.refused(tess, tried, answer, Code::FailedPrecondition, ErrorReason::PhaseSealed)
    }

    /// The tester submits a draft as it was before somebody else added to it.
    pub(super) async fn try_a_stale_etag(&mut self, stale: &wire::Version) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.at(Phase::DATA_PROFILING).submit(stale, "ready").await;
        let tried = "tries to submit the draft as she read it before that, by its old etag";
        self.refused(tess, tried, answer, Code::Aborted, ErrorReason::EtagMismatch)
    }

    /// The tester, who is a report owner too for a moment, approves what she made.
    pub(super) async fn try_to_approve_ones_own(&mut self, version_id: &str) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.at(Phase::SCOPING).approve(version_id, "looks good to me").await;
        let tried = "tries to approve what she made herself, as a report owner";
        let reason = ErrorReason::MakerIsChecker;
        self.refused(tess, tried, answer, Code::PermissionDenied, reason)
    }

    /// The tester puts a sample forward that the draft has already.
    pub(super) async fn try_a_duplicate(
        &mut self,
        version_id: &str,
        sample: wire::DecisionInput,
    ) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.at(Phase::SAMPLE_SELECTION).add(version_id, vec![sample]).await;
        let tried = "tries to put one of the samples forward twice";
        self.refused(tess, tried, answer, Code::AlreadyExists, ErrorReason::ItemExists)
    }

    /// The report owner approves without having ruled on anything.
    pub(super) async fn try_to_approve_unread(&mut self, version_id: &str) -> Result<()> {
        let owen = &self.cast.owen;
        let answer = owen.at(Phase::SAMPLE_SELECTION).approve(version_id, "fine").await;
        let tried = "tries to approve the version before he has ruled on its samples";
        let reason = ErrorReason::DecisionsPending;
        self.refused(owen, tried, answer, Code::FailedPrecondition, reason)
    }

    /// Expects a refusal, shows it and keeps it.
    pub(super) fn refused<T>(
        &mut self,
        who: &Person,
        tried: &'static str,
        answer: Result<T, Status>,
        code: Code,
        reason: ErrorReason,
    ) -> Result<()> {
        let Err(status) = answer else { bail!("{} {tried}, and nobody refused", who.name) };
        let refusal = Refusal {
            who: who.name,
            tried,
            code: code_name(status.code()),
            reason: status.get_details_error_info().map(|info| info.reason).unwrap_or_default(),
            message: message(&status),
        };
        let expected = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        ensure!(
            status.code() == code && refusal.reason == expected,
            "{} {tried}: refused with {} {}, not with {} {expected}: {}",
            who.name,
            refusal.code,
            refusal.reason,
            code_name(code),
            refusal.message
        );
        self.stage.refused(who.name, tried, &refusal.reason, &refusal.message);
        self.refusals.push(refusal);
        Ok(())
    }
}

/// The message of a refusal, with the first thing that it names.
fn message(status: &Status) -> String {
    let field = status.get_details_bad_request().and_then(|bad| {
        bad.field_violations.into_iter().next().map(|first| (first.field, first.description))
    });
    let named = field.or_else(|| {
        let unmet = status.get_details_precondition_failure()?.violations;
        unmet.into_iter().next().map(|first| (first.subject, first.description))
    });
    match named {
        Some((field, description)) if !status.message().starts_with(&description) => {
            format!("{} ({field}: {description})", status.message())
        }
        Some(_) | None => status.message().to_owned(),
    }
}

/// A code as the gRPC documents write it: `ALREADY_EXISTS`.
fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn codes_are_written_as_elsewhere() {
        assert_eq!(code_name(Code::Aborted), "ABORTED");
        assert_eq!(code_name(Code::FailedPrecondition), "FAILED_PRECONDITION");
    }

    #[test]
    fn a_message_names_the_first_field_once() {
        let with = |description: &str| {
            let details = ErrorDetails::with_bad_request_violation("etag", description);
            message(&Status::with_error_details(Code::Aborted, "stale", details))
        };
        assert_eq!(with("read it again"), "stale (etag: read it again)");
        assert_eq!(with("stale"), "stale");
        assert_eq!(message(&Status::aborted("stale")), "stale");
        let unmet = ErrorDetails::with_precondition_failure_violation("STATE", "x", "is closed");
        let unmet = Status::with_error_details(Code::FailedPrecondition, "no", unmet);
        assert_eq!(message(&unmet), "no (x: is closed)");
    }
}
