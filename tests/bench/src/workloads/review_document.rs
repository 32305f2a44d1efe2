//! `ReviewDocument`: a pending document of one test case is accepted.

use anyhow::Result;
use prost::Message as _;
use signoff_workflow::Role;

use super::Bench;
use super::single::{self, Single};
use crate::TESTER;
use crate::report::Line;

static REVIEW: Single = Single {
    name: "review_document",
    path: "/signoff.audit.v1.DocumentService/ReviewDocument",
    who: (TESTER, Some(Role::Tester)),
    prepare: |lanes, floor, test_cases| {
        Box::pin(async move {
            let mut submissions = Vec::new();
            for test_case in test_cases {
                submissions.push(floor.submit(lanes.workflow, *test_case).await?);
            }
            Ok(submissions)
        })
    },
    message: |lanes, submission| lanes.review_request(submission).encode_to_vec().into(),
    write: |floor, workflow, submission| Box::pin(floor.accept(workflow, submission)),
    done: |lane| lane.accepted,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    single::run(bench, &REVIEW).await
}
