//! `signoff head`: the last record of trails, to be kept elsewhere.

use anyhow::{Result, anyhow, bail};
use chrono::Utc;
use serde::Serialize;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_gateway::commands::HOUSE;
use signoff_ledger::Source;
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::auditor::{Auditors, refused};
use super::kept::{self, KeptHead, KeptHeads, Trail};
use super::report::Report;
use crate::cli::trail::HeadArgs;
use crate::output::{self, Format};

/// How many workflows are asked for at once.
const PAGE: i32 = 1000;

/// A head for programs.
#[derive(Serialize)]
struct Printed {
    source: &'static str,
    cycle_id: Uuid,
    report_id: Uuid,
    sequence: i64,
    hash: String,
    at: Option<String>,
}

/// Verifies trails, and prints and keeps the heads of those that fit.
pub(crate) async fn run(args: HeadArgs) -> Result<()> {
    let kept = match &args.keep {
        Some(file) => KeptHeads::read_if_there(file)?,
        None => KeptHeads::default(),
    };
    let auditors = Auditors::of(args.system).await?;
    let trails = match args.workflow {
        Some((cycle_id, report_id)) => of_workflow(&auditors, Workflow { cycle_id, report_id }),
        None => of_all(&auditors).await?,
    };
    let asked = args.source.map(Source::from);
    let (mut heads, mut damaged) = (Vec::new(), Vec::new());
    for trail in trails {
        if asked.is_none_or(|source| source == trail.0) {
            match head(&auditors, trail, &kept).await? {
                Ok(head) => heads.extend(head),
                Err(what) => damaged.push(what),
            }
        }
    }
    print(&heads, args.output)?;
    // What fits is kept also while something else does not.
    if let Some(file) = &args.keep {
        kept::append(file, &kept, &heads)?;
    }
    if !damaged.is_empty() {
        bail!("{}", damaged.join("; "));
    }
    if heads.is_empty() && !args.all {
        bail!("no such trail has a record");
    }
    Ok(())
}

/// The head of a trail that fits, if it has a record; or what does not fit.
async fn head(
    auditors: &Auditors,
    trail: Trail,
    kept: &KeptHeads,
) -> Result<Result<Option<KeptHead>, String>> {
    let before = kept.of(trail);
    let answer = auditors.auditor(trail).verify(&before).await?;
    if !answer.intact {
        return Ok(Err(Report::of_answer(trail, answer, None).complaint()));
    }
    let head = answer.head.unwrap_or_default();
    if head.sequence == 0 {
        return Ok(Ok(None));
    }
    let hash = head.hash.try_into().map_err(|_| anyhow!("a service answers with no hash"))?;
    let head = signoff_ledger::Head { sequence: head.sequence, hash };
    Ok(Ok(Some(KeptHead { trail, head, at: Some(Utc::now()) })))
}

fn of_workflow(auditors: &Auditors, workflow: Workflow) -> Vec<Trail> {
    auditors.sources().iter().map(|source| (*source, workflow)).collect()
}

/// The trails of all workflows that the gateway knows, and of what it keeps for all of them.
async fn of_all(auditors: &Auditors) -> Result<Vec<Trail>> {
    let mut client = WorkflowServiceClient::new(auditors.connection()?);
    let mut request = gateway::ListWorkflowsRequest {
        page_size: PAGE,
        ..gateway::ListWorkflowsRequest::default()
    };
    let mut trails = vec![(Source::Gateway, HOUSE)];
    loop {
        let asked = client.list_workflows(request.clone()).await;
        let page = asked.map_err(|status| refused("gateway", &status))?.into_inner();
        for workflow in page.workflows {
            let (cycle_id, report_id) = (workflow.cycle_id.parse()?, workflow.report_id.parse()?);
            trails.extend(of_workflow(auditors, Workflow { cycle_id, report_id }));
        }
        if page.next_page_token.is_empty() {
            return Ok(trails);
        }
        request.page_token = page.next_page_token;
    }
}

fn print(heads: &[KeptHead], format: Format) -> Result<()> {
    let printed = |kept: &KeptHead| Printed {
        source: kept.trail.0.name(),
        cycle_id: kept.trail.1.cycle_id,
        report_id: kept.trail.1.report_id,
        sequence: kept.head.sequence,
        hash: hex::encode(kept.head.hash),
        at: kept.at.map(kept::time),
    };
    match format {
        Format::Json => {
            let heads: Vec<Printed> = heads.iter().map(printed).collect();
            output::json(&serde_json::json!({ "heads": heads }))
        }
        Format::Text => {
            heads.iter().for_each(|head| output::line(&head.to_string()));
            Ok(())
        }
    }
}
