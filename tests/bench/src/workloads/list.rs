//! `ListDecisions`: pages of a hundred, at the beginning and deep in, of the current version and of
//! an old one.

use anyhow::{Result, ensure};
use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Role;
use uuid::Uuid;
use wire::Version;

use super::Bench;
use crate::TESTER;
use crate::desk::Desk;
use crate::pairs::{in_turns, timed};
use crate::raw::count_field_1;
use crate::report::{Line, Unit};

const PATH: &str = "/signoff.versioning.v1.VersioningService/ListDecisions";
const PAGE: i32 = 100;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let many: u32 = bench.size.pick(1_000, 100_000);
    let times = bench.size.pick(5, 300);
    let system = bench.system().await?;
    let (desk, mut floor) = (Desk::new(&system).await, system.floor().await?);
    let old = desk.approved(&mut floor, many).await?;
    let line_no = desk.line_no(&mut floor).await?;
    let changed = i32::try_from(many / 200)?;
    desk.edit(line_no, 1..1 + changed).await?;
    let late = i32::try_from(many)? - changed;
    let current = desk.edit(line_no, late..late + changed).await?;
    system.settle().await?;

    let raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
    let mut lines: Vec<Line> = Vec::new();
    for (version, whose) in [(&current, "current"), (&old, "old")] {
        let deep = deep_token(&desk, version, many).await?;
        let mut first = None;
        for (depth, token, after) in [("first", String::new(), 0), ("deep", deep.0, deep.1)] {
            let what = format!("{depth} page of 100, {whose} version");
            let mut line = Line::new("list", what, many.into(), Unit::Milliseconds);
            let request = wire::ListDecisionsRequest {
                scope: Some(desk.here.clone()),
                version_id: version.version_id.clone(),
                page_size: PAGE,
                page_token: token,
                ..Default::default()
            };
            let message = request.encode_to_vec();
            let through_grpc = async || {
                let (took, answer) = timed(raw.unary(PATH, message.clone().into())).await?;
                let found = count_field_1(answer)?;
                ensure!(found == 100, "{found} decisions in a page");
                Ok(took)
            };
            let version_id = Uuid::try_parse(&version.version_id)?;
            let by_sql = async || {
                let (took, found) = timed(floor.page(version_id, after, PAGE.into())).await?;
                ensure!(found == 100, "{found} decisions in a page");
                Ok(took)
            };
            (line.grpc, line.floor) = in_turns(times, through_grpc, by_sql).await?;
            let median = line.grpc.median();
            let line = line.at_most_floor(2.0);
            lines.push(match first {
                Some(first) => line.at_most("the first page's (× 1.25)", median / first, 1.25),
                None => line,
            });
            first = Some(median);
        }
    }
    system.stop().await?;
    Ok(lines)
}

/// The token behind nine tenths of a version, and the number of the item that it stands at.
async fn deep_token(desk: &Desk, version: &Version, many: u32) -> Result<(String, i32)> {
    let mut request = wire::ListDecisionsRequest {
        scope: Some(desk.here.clone()),
        version_id: version.version_id.clone(),
        page_size: i32::try_from(many / 100)?.min(1000),
        ..Default::default()
    };
    let mut seen = 0;
    while seen < many / 10 * 9 {
        let page = desk.tester.call(request.clone()).await?;
        seen += u32::try_from(page.decisions.len())?;
        ensure!(!page.next_page_token.is_empty(), "the version ends after {seen}");
        request.page_token = page.next_page_token;
    }
    Ok((request.page_token, i32::try_from(seen)?))
}
