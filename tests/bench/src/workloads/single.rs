//! Single changes by sixteen clients, each in a workflow of its own: how long one takes.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures::future::{BoxFuture, try_join_all};
use prost::bytes::Bytes;
use signoff_workflow::{Role, Workflow};
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;

use super::Bench;
use crate::cases::Case;
use crate::floor::Floor;
use crate::lanes::Lanes;
use crate::pairs::{in_turns, milliseconds};
use crate::raw::Raw;
use crate::report::{Line, Unit};
use crate::stats::Samples;
use crate::system::System;

const CLIENTS: usize = 16;
/// How many sessions the clients of the floor share: it is tried which is best, once around first.
const SESSIONS: [usize; 5] = [16, 2, 4, 8, 16];

/// Makes subjects of test cases.
type Prepare = for<'a> fn(&'a Lanes, &'a mut Floor, &'a [Uuid]) -> BoxFuture<'a, Result<Vec<Uuid>>>;

/// A kind of change.
pub(super) struct Single {
    /// The workload.
    pub(super) name: &'static str,
    /// The method.
    pub(super) path: &'static str,
    /// Who does it.
    pub(super) who: (i64, Option<Role>),
    /// Makes what is changed, one subject for each of some test cases.
    pub(super) prepare: Prepare,
    /// The request for one subject.
    pub(super) message: fn(&Lanes, Uuid) -> Bytes,
    /// The same change by SQL.
    pub(super) write: for<'a> fn(&'a mut Floor, Workflow, Uuid) -> BoxFuture<'a, Result<()>>,
    /// How many of a lane's test cases have been changed.
    pub(super) done: fn(&signoff_contract::audit::v1::Lane) -> i64,
}

/// A client with a workflow of its own, and what it is still to change there.
struct Client {
    lanes: Lanes,
    raw: Raw,
    subjects: Vec<Uuid>,
}

/// The sessions that the floor's clients share; whoever came first gets the next one that is free.
struct Sessions {
    free: Mutex<Vec<Floor>>,
    turns: Semaphore,
}

impl Sessions {
    async fn write(&self, single: &Single, workflow: Workflow, subject: Uuid) -> Result<()> {
        let turn = self.turns.acquire().await?;
        let mut floor = self.free.lock().await.pop().context("a session")?;
        (single.write)(&mut floor, workflow, subject).await?;
        self.free.lock().await.push(floor);
        drop(turn);
        Ok(())
    }
}

pub(super) async fn run(bench: &Bench, single: &'static Single) -> Result<Vec<Line>> {
    let each: usize = bench.size.pick(2, 25);
    let times = bench.size.pick(1, 9);
    let tries: &[usize] = bench.size.pick(&[16], &SESSIONS);
    let system = bench.audit().await?;
    let many = each * (tries.len() + 2 * (times + 1));
    let clients = Mutex::new(clients(&system, single, many).await?);
    system.settle().await?;

    let mut best = (f64::INFINITY, CLIENTS);
    for many in tries.iter().copied() {
        let sessions = sessions(&system, many).await?;
        let waits = write(single, &mut clients.lock().await, each, &sessions).await?;
        best = if waits.median() < best.0 { (waits.median(), many) } else { best };
    }
    let sessions = sessions(&system, best.1).await?;

    let (mut slow, mut slow_floor) = (Vec::new(), Vec::new());
    let through_grpc = async || {
        let waits = call(single, &mut clients.lock().await, each).await?;
        slow.push(waits.quantile(0.95));
        Ok(waits.median())
    };
    let by_sql = async || {
        let waits = write(single, &mut clients.lock().await, each, &sessions).await?;
        slow_floor.push(waits.quantile(0.95));
        Ok(waits.median())
    };
    let what = "p50, 16 clients, a workflow each";
    let mut line = Line::new(single.name, what, 1, Unit::Milliseconds);
    (line.grpc, line.floor) = in_turns(times, through_grpc, by_sql).await?;
    let clients = clients.into_inner();
    expect_whole(single, &clients, i64::try_from(many)?).await?;
    system.stop().await?;
    // The first turn does not count.
    let [slow, slow_floor]: [Samples; 2] =
        [slow, slow_floor].map(|all| all.into_iter().skip(1).collect());
    let mut tail = Line::new(single.name, "p95 of the same", 1, Unit::Milliseconds);
    (tail.grpc, tail.floor) = (slow, slow_floor);
    let note = format!("the floor is best with {} sessions", best.1);
    Ok(vec![line.at_most_floor(2.0).note(note), tail])
}

/// The clients, each with so many subjects.
async fn clients(system: &System, single: &'static Single, many: usize) -> Result<Vec<Client>> {
    let (user_id, role) = single.who;
    let made = (0..CLIENTS).map(|_| async {
        let (lanes, mut floor) = (Lanes::new(system).await?, system.floor().await?);
        let cases = Case::first(u32::try_from(many)?);
        lanes.plan(&cases).await?;
        let ids: Vec<Uuid> = cases.iter().map(|case| case.id(lanes.workflow)).collect();
        let subjects = (single.prepare)(&lanes, &mut floor, &ids).await?;
        ensure!(subjects.len() == many, "{} subjects are ready", subjects.len());
        let raw = system.raw(user_id, role, lanes.workflow).await;
        Ok::<_, anyhow::Error>(Client { lanes, raw, subjects })
    });
    try_join_all(made).await
}

async fn sessions(system: &System, many: usize) -> Result<Arc<Sessions>> {
    let mut free = Vec::new();
    for _ in 0..many {
        free.push(system.floor().await?);
    }
    Ok(Arc::new(Sessions { free: Mutex::new(free), turns: Semaphore::new(many) }))
}

/// Each client changes its next subjects one after another, through the service: how long each took.
async fn call(single: &'static Single, clients: &mut [Client], each: usize) -> Result<Samples> {
    let mut shares = Vec::new();
    for Client { lanes, raw, subjects } in clients {
        let messages = subjects.drain(..each).map(|subject| (single.message)(lanes, subject));
        shares.push((raw.clone(), messages.collect::<Vec<Bytes>>()));
    }
    let tasks = shares.into_iter().map(|(raw, messages)| {
        tokio::spawn(async move {
            let mut waits = Vec::new();
            for message in messages {
                let asked = Instant::now();
                raw.unary(single.path, message).await?;
                waits.push(milliseconds(asked.elapsed()));
            }
            Ok(waits)
        })
    });
    together(try_join_all(tasks).await?)
}

/// The same by SQL.
async fn write(
    single: &'static Single,
    clients: &mut [Client],
    each: usize,
    sessions: &Arc<Sessions>,
) -> Result<Samples> {
    let tasks = clients.iter_mut().map(|client| {
        let subjects: Vec<Uuid> = client.subjects.drain(..each).collect();
        let (workflow, sessions) = (client.lanes.workflow, Arc::clone(sessions));
        tokio::spawn(async move {
            let mut waits = Vec::new();
            for subject in subjects {
                let asked = Instant::now();
                sessions.write(single, workflow, subject).await?;
                waits.push(milliseconds(asked.elapsed()));
            }
            Ok(waits)
        })
    });
    together(try_join_all(tasks).await?)
}

fn together(waits: Vec<Result<Vec<f64>>>) -> Result<Samples> {
    Ok(waits.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The service and the floor took turns in each workflow, and each took what the other had left.
async fn expect_whole(single: &Single, clients: &[Client], many: i64) -> Result<()> {
    for client in clients {
        client.lanes.verify().await?;
        let done: i64 = client.lanes.all().await?.iter().map(single.done).sum();
        ensure!(done == many, "{done} of {many} test cases are changed");
    }
    Ok(())
}
