//! `SubmitDocument`: a new document for one test case.

use anyhow::Result;
use prost::Message as _;

use super::Bench;
use super::single::{self, Single};
use crate::DATA_OWNER;
use crate::report::Line;

static SUBMIT: Single = Single {
    name: "submit",
    path: "/signoff.audit.v1.DocumentService/SubmitDocument",
    who: (DATA_OWNER, None),
    prepare: |_, _, test_cases| Box::pin(async { Ok(test_cases.to_vec()) }),
    message: |lanes, test_case| lanes.submit_request(&[test_case]).encode_to_vec().into(),
    write: |floor, workflow, test_case| {
        Box::pin(async move { floor.submit(workflow, test_case).await.map(|_| ()) })
    },
    done: |lane| lane.with_document,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    single::run(bench, &SUBMIT).await
}
