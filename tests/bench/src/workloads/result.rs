//! `RecordResult`: an execution under way is concluded.

use anyhow::Result;
use prost::Message as _;
use signoff_workflow::Role;

use super::Bench;
use super::single::{self, Single};
use crate::TESTER;
use crate::report::Line;

static RESULT: Single = Single {
    name: "result",
    path: "/signoff.audit.v1.TestExecutionService/RecordResult",
    who: (TESTER, Some(Role::Tester)),
    prepare: |lanes, _, test_cases| {
        Box::pin(async move {
            let document = lanes.accepted(test_cases).await?;
            let mut executions = Vec::new();
            for test_case in test_cases {
                executions.push(lanes.started(*test_case, document).await?);
            }
            Ok(executions)
        })
    },
    message: |lanes, execution| lanes.result_request(execution).encode_to_vec().into(),
    write: |floor, workflow, execution| Box::pin(floor.conclude(workflow, execution)),
    done: |lane| lane.concluded,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    single::run(bench, &RESULT).await
}
