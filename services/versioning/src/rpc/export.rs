//! Decisions that go as a stream.

use futures::{Stream, StreamExt as _, stream};
use prost::Message as _;
use signoff_backend::rpc::{Answers, MAX_PAGE_BYTES, admit};
use signoff_backend::{Fault, Keeper as _, ServiceError as _};
use signoff_contract::convert::{PhaseNeed, uuid};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Scope, Violations, Workflow};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::decision::filter_from_wire;
use super::reads::decisions_to_wire;
use crate::commands::{Engine, not_found};
use crate::domain::decision::{Cursor, Filter};
use crate::domain::error::{Error, Kind};
use crate::domain::version::Version;
use crate::store::{pages, versions};

/// How many decisions a message holds at most.
const PAGE: i64 = 1_000;
/// How many messages may wait for a client that reads slowly.
const WAITING: usize = 2;

/// `ExportDecisions`.
pub(super) async fn export_decisions(
    engine: &Engine,
    request: Request<wire::ExportDecisionsRequest>,
) -> Result<Response<Answers<wire::ExportDecisionsResponse>>, Status> {
    let admitted = admit(engine, request, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let refused = |error: Error| Status::from(error.refusal(Some(workflow)));
    let scope = admitted.in_phase().map_err(|fault| refused(fault.into()))?;
    let row = engine.row(scope.phase).map_err(|fault| refused(fault.into()))?.clone();
    let mut violations = Violations::default();
    let version_id = uuid(&admitted.request.version_id, "version_id", &mut violations);
    let filter = filter_from_wire(admitted.request.filter, &mut violations);
    let (Some(version_id), true) = (version_id, violations.is_empty()) else {
        return Err(refused(Fault::Invalid(violations).into()));
    };
    let mut connection = engine.pool().acquire().await.map_err(|e| refused(e.into()))?;
    let version =
        versions::by_id(&mut connection, scope, &row, version_id).await.map_err(refused)?;
    drop(connection);
    let version = version.ok_or_else(|| refused(not_found(Kind::Version, version_id)))?;
    let (messages, answers) = mpsc::channel(WAITING);
    let export = Export { engine: engine.clone(), scope, row, version, filter, after: 0 };
    // The next page is read while the client takes the one before.
    let reader = tokio::spawn(export.run(workflow, messages).in_current_span());
    Ok(Response::new(Box::pin(told_whole(answers, reader, workflow))))
}

/// What `reader` sends. If it dies, the stream ends with an error: nobody takes a part for the whole.
fn told_whole<T: Send + 'static>(
    answers: mpsc::Receiver<Result<T, Status>>,
    reader: JoinHandle<()>,
    workflow: Workflow,
) -> impl Stream<Item = Result<T, Status>> + Send {
    let end = stream::once(reader).filter_map(move |ended| async move {
        let error = Fault::Internal(ended.err()?.to_string());
        Some(Err(error.refusal(Some(workflow)).into()))
    });
    ReceiverStream::new(answers).chain(end)
}

/// An export under way.
struct Export {
    engine: Engine,
    scope: Scope,
    row: PhaseRow,
    version: Version,
    filter: Filter,
    /// The item that the last message ended with.
    after: i32,
}

impl Export {
    /// Reads and sends until the end, or until the client is gone.
    async fn run(
        mut self,
        workflow: Workflow,
        messages: mpsc::Sender<Result<wire::ExportDecisionsResponse, Status>>,
    ) {
        loop {
            match self.next().await {
                Ok(Some(page)) => {
                    for decisions in cut(page) {
                        let message = wire::ExportDecisionsResponse { decisions };
                        if messages.send(Ok(message)).await.is_err() {
                            return;
                        }
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    // A client that is gone needs no answer.
                    let _ = messages.send(Err(error.refusal(Some(workflow)).into())).await;
                    return;
                }
            }
        }
    }

    /// The next decisions. No connection is held while the client reads: a closed version never
    /// changes, and an open one is looked at again.
    ///
    /// # Errors
    /// The version changed since the export began.
    async fn next(&mut self) -> Result<Option<Vec<wire::Decision>>, Error> {
        // Nobody's deadline ends it.
        let pool = self.engine.pool().clone();
        pool.within(self.read()).await
    }

    async fn read(&mut self) -> Result<Option<Vec<wire::Decision>>, Error> {
        let mut snapshot = self.engine.ledger().snapshot().await?;
        let conn = snapshot.conn();
        if self.version.state.is_open() {
            let version_id = self.version.version_id;
            let now = versions::by_id(conn, self.scope, &self.row, version_id).await?;
            if now.is_none_or(|now| now.revision != self.version.revision) {
                return Err(
                    Fault::Conflict("the version changed while it was exported".into()).into()
                );
            }
        }
        let cursor = Cursor::Item(self.after);
        let page = pages::page(conn, &self.version, &self.filter, &cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.id.item_no;
        Ok(Some(decisions_to_wire(conn, self.version.line_no, page, &self.row).await?))
    }
}

/// Cuts a page into pieces that clients take: each with one decision at least.
fn cut(page: Vec<wire::Decision>) -> Vec<Vec<wire::Decision>> {
    let (mut pieces, mut bytes) = (vec![Vec::new()], 0);
    for decision in page {
        let length = decision.encoded_len();
        bytes += length;
        if bytes > MAX_PAGE_BYTES {
            bytes = length;
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(decision);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use uuid::Uuid;

    use super::*;

    const WORKFLOW: Workflow =
        Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };

    async fn codes(reader_dies: bool) -> Vec<Option<Code>> {
        let (messages, answers) = mpsc::channel(WAITING);
        let reader = tokio::spawn(async move {
            messages.send(Ok(1)).await.expect("somebody reads");
            assert!(!reader_dies, "as a fault of ours would");
        });
        let all = told_whole(answers, reader, WORKFLOW);
        all.map(|message| message.err().map(|status| status.code())).collect().await
    }

    #[tokio::test]
    async fn an_export_that_ended_is_told_as_whole() {
        assert_eq!(codes(false).await, [None]);
    }

    #[tokio::test]
    async fn an_export_whose_reader_died_is_not() {
        assert_eq!(codes(true).await, [None, Some(Code::Internal)]);
    }
}
