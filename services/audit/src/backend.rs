//! The engine among the services: what it is to the code that all of them share.

use signoff_backend::serve::Served;
use signoff_backend::{Asked, Backend, Desk, Keeper, Standing, Subject, Work, rpc};
use signoff_chassis::server::Mount;
use signoff_ledger::{Source, Witness};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, VersioningType, Workflow};
use sqlx::PgConnection;
use sqlx::migrate::Migration;
use uuid::Uuid;

use crate::commands::{Change, Engine};
use crate::domain::error::Error;
use crate::domain::lane;
use crate::rpc::Rpc;
use crate::serve::{SERVED, migrations};
use crate::store::{executions, history, lanes, plans};
use crate::witness::Rows;

impl Keeper for Engine {
    type Error = Error;

    fn desk(&self) -> &Desk {
        self.desk()
    }

    fn witness(&self, workflow: Workflow) -> impl Witness {
        Rows::of(workflow)
    }

    fn refuses_phase(row: &PhaseRow) -> Option<&'static str> {
        (row.kind == VersioningType::Full).then_some("keeps versions: it is not audited only")
    }
}

impl Backend for Engine {
    type Change = Change;

    fn change_of(&self, work: Work) -> Change {
        work.into()
    }

    async fn standing(
        &self,
        conn: &mut PgConnection,
        of: Subject<'_>,
        asked: Asked<'_>,
    ) -> Result<Standing, Error> {
        let (workflow, phase) = (of.scope.workflow, of.row.phase);
        let plan = plans::current(conn, workflow).await?;
        let lanes = lanes::all(conn, workflow, of.at).await?;
        let samples = rests_on(of, self.phases());
        let handed_on = if asked.hands_on() && phase == Phase::TEST_EXECUTION {
            executions::to_observe(conn, workflow).await?
        } else {
            Vec::new()
        };
        let completed_at = match asked {
            Asked::Status { .. } => history::latest(conn, workflow, of.row.slug).await?,
            Asked::Seal { .. } => None,
        };
        Ok(Standing {
            completed_at,
            progress: lane::progress(phase, &lanes),
            blocks: lane::blocks(phase, plan.as_ref(), &lanes, samples),
            execution_ids: handed_on,
            ..Standing::default()
        })
    }
}

/// The version of Sample Selection that a phase was opened on, if it rests on one.
fn rests_on(of: Subject<'_>, phases: &PhaseTable) -> Option<Uuid> {
    let slug = phases.get(Phase::SAMPLE_SELECTION)?.slug;
    of.gate.rests_on.iter().find(|foundation| foundation.phase == slug)?.version_id
}

impl Served for Engine {
    const SOURCE: Source = Source::Audit;
    const PHASES: &'static [Phase] = &SERVED;
    type Args = ();

    fn migrations() -> Vec<Migration> {
        migrations()
    }

    fn at(desk: Desk, (): ()) -> anyhow::Result<Self> {
        Ok(Self::at(desk))
    }

    fn mount(&self) -> Mount {
        let services = Rpc::new(self.clone());
        Mount::new()
            .with(services.data_owners())
            .with(services.test_cases())
            .with(services.documents())
            .with(services.test_executions())
            .with(services.phases())
            .with(rpc::trail::service(self.clone()))
            .with(rpc::feed::service(self.clone()))
    }
}
