//! What is measured: one file for each workload.

mod add;
mod clients;
mod create;
mod current;
mod disk;
mod export;
mod follow;
mod forward;
mod import;
mod lanes;
mod lineage;
mod list;
mod plan;
mod result;
mod review;
mod review_document;
mod revise;
mod single;
mod submit;

use std::path::PathBuf;

use anyhow::Result;
use futures::future::LocalBoxFuture;
use signoff_audit::commands::Engine as Audit;
use signoff_embedded::Cluster;
use signoff_versioning::commands::Engine as Versioning;

use crate::report::Line;
use crate::system::System;

/// How large the workloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// Seconds: shows that everything runs, and nothing about speed.
    Small,
    /// Minutes: what the targets are about.
    Full,
}

impl Size {
    /// One value or the other.
    pub fn pick<T>(self, small: T, full: T) -> T {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}

/// What a workload has to work with.
#[derive(Debug)]
pub struct Bench {
    /// The database server.
    pub cluster: Cluster,
    /// This program, which is also the servers'.
    pub program: PathBuf,
    /// How large it is.
    pub size: Size,
}

impl Bench {
    /// A new database with the versioning service over it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn system(&self) -> Result<System> {
        System::start::<Versioning>(&self.cluster, &self.program).await
    }

    /// A new database with the audit service over it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn audit(&self) -> Result<System> {
        System::start::<Audit>(&self.cluster, &self.program).await
    }
}

/// A workload.
#[derive(Clone, Copy)]
pub struct Workload {
    /// What it is called.
    pub name: &'static str,
    /// What it measures.
    pub about: &'static str,
    /// Runs it.
    pub run: for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Result<Vec<Line>>>,
}

macro_rules! workloads {
    ($($name:ident: $about:literal,)+) => {
        /// All workloads, in the order in which they run.
        pub const ALL: &[Workload] = &[$(Workload {
            name: stringify!($name),
            about: $about,
            run: |bench| Box::pin($name::run(bench)),
        },)+];
    };
}

workloads! {
    import: "ImportDecisions: 1,000, 10,000 and 100,000 samples as a stream",
    add: "AddDecisions: 100,000 samples, 10,000 a call",
    review: "ReviewDecisions: 1,000 to 100,000 in one call, by list, and the rest after a fifth by list",
    revise: "ReviseVersion: 10 new samples beside 10,000, 100,000 and a million",
    disk: "disk of 20 versions of 10,000 samples, 1 % changed in each",
    list: "ListDecisions: pages of 100 of 100,000, first and deep, current and old",
    export: "ExportDecisions: 100,000 as a stream",
    current: "GetCurrentVersion: 16 clients",
    forward: "through the gateway and straight: reads, an import, a million decisions as a stream",
    clients: "through the gateway by 1 to 64 clients: reads and changes, rate and waits",
    follow: "the feed, followed and counted; GetPhaseMetrics of a thousand records and of a million",
    create: "CreateVersion: 100 samples, 16 clients on workflows of their own",
    lineage: "GetLineage: 20 versions of a line of a million, and of a small one",
    plan: "PlanTestCases: 100,000 test cases, in as many calls as they need",
    submit: "SubmitDocument: for one test case, 16 clients on workflows of their own",
    review_document: "ReviewDocument: 16 clients on workflows of their own",
    result: "RecordResult: 16 clients on workflows of their own",
    lanes: "GetLane, ListLanes, GetPhaseStatus: of 1,000, 10,000 and 100,000 test cases",
}
