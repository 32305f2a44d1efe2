//! `ReviewDecisions`: a hundred thousand pending decisions in one call.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_versioning::domain::ids::DecisionId;
use signoff_workflow::Role;
use uuid::Uuid;
use wire::{Verdict, Version};

use super::Bench;
use crate::OWNER;
use crate::desk::{Desk, prepared};
use crate::floor::copying::Copying;
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::system::System;

const PATH: &str = "/signoff.versioning.v1.VersioningService/ReviewDecisions";

/// One fifth is rejected, the rest approved.
fn is_rejected(item_no: i32) -> bool {
    item_no % 5 == 0
}

/// What is said of a version's items: of all of them one by one, or of those that are rejected,
/// and of the rest in one word.
struct Opinions {
    items: Vec<i32>,
    states: Vec<i16>,
    remaining: bool,
}

impl Opinions {
    fn new(many: i32, remaining: bool) -> Self {
        let items: Vec<i32> =
            (1..=many).filter(|item_no| !remaining || is_rejected(*item_no)).collect();
        let states = items.iter().map(|item_no| if is_rejected(*item_no) { 3 } else { 1 });
        Self { states: states.collect(), items, remaining }
    }

    fn message(&self, version: &Version, line_no: i64) -> Bytes {
        let review = |(item_no, state): (&i32, &i16)| {
            let of = DecisionId { line_no, item_no: *item_no, version: version.number };
            let verdict = if *state == 3 { Verdict::Rejected } else { Verdict::Approved };
            wire::Review {
                decision_id: of.to_string(),
                verdict: verdict.into(),
                ..Default::default()
            }
        };
        let remaining =
            wire::RemainingReview { verdict: Verdict::Approved.into(), notes: String::new() };
        let request = wire::ReviewDecisionsRequest {
            scope: version.scope.clone(),
            request_id: request_id(),
            version_id: version.version_id.clone(),
            reviews: self.items.iter().zip(&self.states).map(review).collect(),
            remaining: self.remaining.then_some(remaining),
            ..Default::default()
        };
        request.encode_to_vec().into()
    }
}

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let sizes: [u32; 3] = bench.size.pick([100, 200, 500], [1_000, 10_000, 100_000]);
    let system = bench.system().await?;
    let mut copying = Copying::new(&system.urls).await?;
    let mut lines = Vec::new();
    for (what, remaining) in [("by list", false), ("the rest, after a fifth by list", true)] {
        for many in sizes {
            let mut line = Line::new("review", what, many.into(), Unit::Milliseconds);
            let opinions = Opinions::new(i32::try_from(many)?, remaining);
            measure(bench, &system, &opinions, many, &mut line).await?;
            copy(bench, &mut copying, &opinions, many, &mut line).await?;
            // What is asked for is about the most.
            let most = many == sizes[2];
            lines.push(if most { line.at_most_floor(1.5).at_most_copying() } else { line });
        }
    }
    system.stop().await?;
    Ok(lines)
}

async fn measure(
    bench: &Bench,
    system: &System,
    opinions: &Opinions,
    many: u32,
    line: &mut Line,
) -> Result<()> {
    let (reviewed, written) = (RefCell::new(None), RefCell::new(None));
    let (mut filling, mut floor) = (system.floor().await?, system.floor().await?);
    let through_grpc = async || {
        let desk = Desk::new(system).await;
        let version = desk.submitted(&mut filling, many).await?;
        let message = opinions.message(&version, desk.line_no(&mut filling).await?);
        let raw = system.raw(OWNER, Role::ReportOwner, desk.workflow).await;
        let took = timed(raw.unary(PATH, message)).await?.0;
        reviewed.replace(Some(desk));
        Ok(took)
    };
    let by_sql = async || {
        let desk = Desk::new(system).await;
        desk.submitted(&mut floor, many).await?;
        let Opinions { items, states, remaining } = opinions;
        let review = floor.review(desk.workflow, items, states, *remaining);
        let took = timed(review).await?.0;
        written.replace(Some(desk));
        Ok(took)
    };
    (line.grpc, line.floor) = in_turns(bench.size.pick(1, 5), through_grpc, by_sql).await?;
    // The floor left the same decisions.
    if let (Some(reviewed), Some(written)) = (reviewed.take(), written.take()) {
        written.verify().await?;
        let (one, other) = (reviewed.newest().await?.counts, written.newest().await?.counts);
        ensure!(one == other && one.is_some(), "{one:?} is not {other:?}");
    }
    Ok(())
}

async fn copy(
    bench: &Bench,
    copying: &mut Copying,
    opinions: &Opinions,
    many: u32,
    line: &mut Line,
) -> Result<()> {
    let (samples, json) = prepared(0..many);
    for _ in 0..bench.size.pick(1, 5) {
        let version = copying.import(&samples, &json, "pending").await?;
        let all = copying.ids(version).await?;
        let listed = opinions.items.iter().map(|item_no| Ok(all[usize::try_from(item_no - 1)?]));
        let listed: Vec<Uuid> = listed.collect::<Result<_>>()?;
        let statuses: Vec<&str> = opinions
            .states
            .iter()
            .map(|state| if *state == 3 { "rejected" } else { "approved" })
            .collect();
        let review = copying.review(version, (&listed, &statuses), opinions.remaining);
        let (took, ruled) = timed(review).await?;
        ensure!(ruled == u64::from(many), "{ruled} were ruled on");
        line.copying.add(took);
    }
    Ok(())
}
