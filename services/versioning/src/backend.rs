//! The engine among the services: what it is to the code that all of them share.

use std::sync::Arc;

use signoff_backend::serve::{Served, every};
use signoff_backend::{Asked, Backend, Desk, Keeper, Standing, Subject, Work, rpc};
use signoff_chassis::server::Mount;
use signoff_ledger::{Source, Witness};
use signoff_workflow::{Phase, PhaseRow, VersioningType, Workflow};
use sqlx::PgConnection;
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::commands::{Change, Engine};
use crate::domain::error::Error;
use crate::domain::payload::PayloadRegistry;
use crate::domain::phase::{Versions, not_covered};
use crate::executions::{AuditArgs, Executions};
use crate::rpc::Rpc;
use crate::serve::{CLEAR, SERVED, migrations};
use crate::store::{coverage, versions};
use crate::witness::Rows;

impl Keeper for Engine {
    type Error = Error;

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn witness(&self, workflow: Workflow) -> impl Witness {
        Rows::of(workflow, self.desk.phases().clone())
    }

    fn refuses_phase(row: &PhaseRow) -> Option<&'static str> {
        (row.kind == VersioningType::AuditOnly).then_some("keeps no versions: it is audited only")
    }
}

impl Backend for Engine {
    type Change = Change;

    fn change_of(&self, work: Work) -> Change {
        Change::around(work, Arc::clone(&self.payloads))
    }

    async fn standing(
        &self,
        conn: &mut PgConnection,
        of: Subject<'_>,
        asked: Asked<'_>,
    ) -> Result<Standing, Error> {
        let Subject { scope, row, gate, .. } = of;
        let current = versions::current(conn, scope, row).await?;
        let open = versions::open(conn, scope, row).await?;
        let required = asked.required();
        let any_closed = required.is_none()
            && row.seals_unopened
            && versions::any_closed(conn, scope, row).await?;
        let found = Versions { current: current.as_ref(), open: open.as_ref(), any_closed };
        let mut standing = found.standing(row, gate);
        if let Some(required) = required {
            // What it might lack is only said where nobody knows what it must cover.
            standing.lacks.clear();
            if !required.is_empty() {
                let uncovered = coverage::uncovered(conn, scope, row, required).await?;
                standing.blocks.extend(not_covered(row, &uncovered));
            }
        }
        Ok(standing)
    }
}

impl Served for Engine {
    const SOURCE: Source = Source::Versioning;
    const PHASES: &'static [Phase] = &SERVED;
    type Args = AuditArgs;

    fn migrations() -> Vec<Migration> {
        migrations()
    }

    fn at(desk: Desk, args: AuditArgs) -> anyhow::Result<Self> {
        Ok(Self::at(desk, PayloadRegistry::standard(), Executions::asked_as(args)?))
    }

    fn mount(&self) -> Mount {
        let rpc = Rpc::new(self.clone());
        Mount::new()
            .with(rpc.versioning())
            .with(rpc.sign_offs())
            .with(rpc::trail::service(self.clone()))
            .with(rpc::feed::service(self.clone()))
    }

    /// Clears what imports of dead processes left behind, at the start and from time to time: the
    /// connections of one that died just now may take a moment to go.
    async fn chores(self, shutdown: CancellationToken) {
        let clear = || async {
            match self.clear_abandoned_imports().await {
                Ok(0) => {}
                Ok(cleared) => tracing::info!(cleared, "imports whose process is gone"),
                Err(error) => tracing::warn!(%error, "abandoned imports cannot be cleared"),
            }
        };
        every(CLEAR, shutdown, clear).await;
    }
}
