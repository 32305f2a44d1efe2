//! `GetLineage`: one sample through twenty versions, of a long line and of a short one.

use anyhow::{Result, ensure};
use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_versioning::domain::ids::DecisionId;
use signoff_workflow::Role;

use super::Bench;
use crate::TESTER;
use crate::desk::Desk;
use crate::pairs::{in_turns, timed};
use crate::raw::count_field_1;
use crate::report::{Line, Unit};

const PATH: &str = "/signoff.versioning.v1.VersioningService/GetLineage";
/// How many versions the line has.
const VERSIONS: i32 = 20;
/// Whose lineage is asked for: it is edited in some versions, and carried through the others.
const ITEM: i32 = 7;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let times = bench.size.pick(5, 300);
    let system = bench.system().await?;
    let mut floor = system.floor().await?;
    let mut lines: Vec<Line> = Vec::new();
    for many in bench.size.pick([100, 400], [1_000, 1_000_000_u32]) {
        let desk = Desk::new(&system).await;
        desk.approved(&mut floor, many).await?;
        let line_no = desk.line_no(&mut floor).await?;
        for version in 1..VERSIONS {
            // Ten others each time, and the item itself in the fifth, tenth and fifteenth.
            let from = if version % 5 == 0 { ITEM } else { 10 + version };
            desk.edit(line_no, from..from + 10).await?;
        }
        system.settle().await?;
        let of = DecisionId { line_no, item_no: ITEM, version: VERSIONS };
        let request = wire::GetLineageRequest {
            scope: Some(desk.here.clone()),
            decision_id: of.to_string(),
            page_size: 100,
            ..Default::default()
        };
        let message = request.encode_to_vec();
        let raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
        let expected = usize::try_from(VERSIONS)?;
        let through_grpc = async || {
            let (took, answer) = timed(raw.unary(PATH, message.clone().into())).await?;
            ensure!(count_field_1(answer)? == expected, "another number of entries");
            Ok(took)
        };
        let by_sql = async || {
            let (took, found) = timed(floor.lineage(line_no, ITEM)).await?;
            ensure!(found == expected, "{found} versions hold it");
            Ok(took)
        };
        let what = format!("through {VERSIONS} versions");
        let mut line = Line::new("lineage", what, many.into(), Unit::Milliseconds);
        (line.grpc, line.floor) = in_turns(times, through_grpc, by_sql).await?;
        let median = line.grpc.median();
        let line = line.at_most_floor(2.0);
        lines.push(match lines.first() {
            Some(small) => {
                let growth = median / small.grpc.median();
                line.at_most("no growth with the line (× 1.25)", growth, 1.25)
            }
            None => line,
        });
    }
    system.stop().await?;
    Ok(lines)
}
