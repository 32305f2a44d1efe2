//! `signoff board`: where a workflow stands.

use anyhow::{Result, anyhow, bail};
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_workflow::Workflow;
use tonic::Code;

use super::auditor::Auditors;
use crate::board::Board;
use crate::cli::BoardArgs;
use crate::output::{self, Format};

/// Asks the gateway, and prints what it answers.
pub(crate) async fn run(args: BoardArgs) -> Result<()> {
    let connection = Auditors::of(args.system).await?.connection()?;
    let (cycle_id, report_id) = args.workflow;
    let mut client = WorkflowServiceClient::new(connection);
    let board = match Board::ask(&mut client, Workflow { cycle_id, report_id }).await {
        Ok(board) => board,
        Err(status) if status.code() == Code::NotFound => {
            bail!("the gateway knows no workflow {cycle_id}/{report_id}")
        }
        Err(status) => {
            return Err(anyhow!("the gateway answers {:?}: {}", status.code(), status.message()));
        }
    };
    match args.output {
        Format::Json => output::json(&board)?,
        Format::Text => {
            board.lines(&|user| format!("user {user}")).iter().for_each(|line| output::line(line))
        }
    }
    Ok(())
}
