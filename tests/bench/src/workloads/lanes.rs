//! Where lanes and a phase stand, of few test cases and of many: they are counted, not looked
//! through.

use anyhow::{Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_tests::lanes::LOBS;
use signoff_workflow::{Phase, Role};
use uuid::Uuid;

use super::Bench;
use crate::TESTER;
use crate::cases::Case;
use crate::lanes::Lanes;
use crate::pairs::timed;
use crate::raw::Raw;
use crate::report::{Line, Unit};

/// The least that is done in each workflow: so many test cases have a document, and so many of them
/// a result.
const WITH_DOCUMENT: usize = 100;
const WITH_RESULT: usize = 10;

/// A workflow, and what is asked of it.
struct Asked {
    raw: Raw,
    messages: [Bytes; 3],
}

const PATHS: [(&str, &str); 3] = [
    ("GetLane", "/signoff.audit.v1.TestCaseService/GetLane"),
    ("ListLanes", "/signoff.audit.v1.TestCaseService/ListLanes"),
    ("GetPhaseStatus of Test Execution", "/signoff.audit.v1.AuditPhaseService/GetPhaseStatus"),
];

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let sizes: [u32; 3] = bench.size.pick([150, 300, 600], [1_000, 10_000, 100_000]);
    let times = bench.size.pick(5, 300);
    let system = bench.audit().await?;
    let mut floor = system.floor().await?;
    let (mut asked, mut workflows) = (Vec::new(), Vec::new());
    for size in sizes {
        let (lanes, cases) = (Lanes::new(&system).await?, Case::first(size));
        floor.plan(lanes.workflow, lanes.version, &cases).await?;
        let ids: Vec<Uuid> = cases.iter().map(|case| case.id(lanes.workflow)).collect();
        let document = lanes.accepted(&ids[..WITH_DOCUMENT]).await?;
        for id in &ids[..WITH_RESULT] {
            let execution = lanes.started(*id, document).await?;
            floor.conclude(lanes.workflow, execution).await?;
        }
        let raw = system.raw(TESTER, Role::Tester, lanes.workflow).await;
        asked.push(Asked { raw, messages: messages(&lanes) });
        let counted: i64 = lanes.all().await?.iter().map(|lane| lane.cases).sum();
        ensure!(counted == i64::from(size), "{counted} of {size} test cases are counted");
        workflows.push(lanes);
    }
    system.settle().await?;

    let mut lines = Vec::new();
    for (method, (name, path)) in PATHS.into_iter().enumerate() {
        let of_size = |size: u32| Line::new("lanes", name, size.into(), Unit::Milliseconds);
        let mut of_method = sizes.map(of_size);
        // All sizes in turns: what else the machine does slows all of them. The first does not count.
        for turn in 0..=times {
            for (asked, line) in asked.iter().zip(&mut of_method) {
                let message = asked.messages[method].clone();
                let (took, answer) = timed(asked.raw.unary(path, message)).await?;
                ensure!(!answer.is_empty(), "an empty answer");
                if turn > 0 {
                    line.grpc.add(took);
                }
            }
        }
        let [few, some, many] = of_method;
        let median = many.grpc.median();
        let growth = median / few.grpc.median();
        let many = many.at_most("at most 5 ms", median, 5.0).at_most(
            "at most 2 × that of the fewest",
            growth,
            2.0,
        );
        lines.extend([few, some, many]);
    }
    for lanes in workflows {
        lanes.verify().await?;
    }
    system.stop().await?;
    Ok(lines)
}

/// What each method is asked.
fn messages(lanes: &Lanes) -> [Bytes; 3] {
    let (scope, lob_id) = (lanes.at(Phase::DATA_OWNER_ID), LOBS[1].to_string());
    let lane = wire::GetLaneRequest { scope: scope.clone(), lob_id };
    let all = wire::ListLanesRequest { scope, ..Default::default() };
    let status = gates::GetPhaseStatusRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        ..Default::default()
    };
    [lane.encode_to_vec(), all.encode_to_vec(), status.encode_to_vec()].map(Bytes::from)
}
