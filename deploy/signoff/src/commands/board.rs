//! `signoff board`: where a workflow stands.

use anyhow::{Result, anyhow, bail};
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_workflow::Workflow;
use tonic::Code;

use super::auditor::{gateway_of, token};
use super::data_folder;
use crate::board::Board;
use crate::cli::BoardArgs;
use crate::connection::{Bearer, Connection};
use crate::output::{self, Format};

/// Asks the gateway, and prints what it answers.
pub(crate) async fn run(args: BoardArgs) -> Result<()> {
    let folder = data_folder(args.data)?;
    let channel = gateway_of(&folder).await?;
    let connection = Connection::new(channel, Bearer::new(&token(&folder)?, None)?);
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
