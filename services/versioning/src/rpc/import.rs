//! Decisions that come as a stream, in messages of any length.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use prost::Message as _;
use sha2::{Digest, Sha256};
use signoff_backend::rpc::inputs::etag;
use signoff_backend::rpc::{Admitted, MAX_MESSAGE, MAX_PAGE_BYTES, admit, expect_size, identified};
use signoff_backend::{Backend as _, Fault, Keeper as _, Order, ServiceError as _};
use signoff_chassis::Refusal;
use signoff_contract::convert::{PhaseNeed, uuid};
use signoff_contract::versioning::v1 as wire;
use signoff_ledger::RequestKey;
use signoff_workflow::{PhaseRow, Scope, Violation, Violations};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::executions::{Fit, Named, Place, Unfit, was_done};
use super::inputs::recommendation;
use super::version::version_to_wire;
use crate::commands::{Engine, Import, ImportDecisions};
use crate::domain::error::Error;
use crate::executions::BATCH;
use crate::store::staging::Batch;

/// How long the next message may take.
const IDLE: Duration = Duration::from_secs(60);
/// How many item keys that are there already a validation looks up by name; as many fit into its
/// answer.
const NAMED: i64 = 20_000;

/// `ImportDecisions`.
pub(super) async fn import_decisions(
    engine: &Engine,
    request: Request<Streaming<wire::ImportDecisionsRequest>>,
) -> Result<Response<wire::ImportDecisionsResponse>, Status> {
    let (metadata, extensions, mut messages) = request.into_parts();
    let first = next(&mut messages).await?.unwrap_or_default();
    let first = Request::from_parts(metadata, extensions, first);
    let admitted = admit(engine, first, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let refused = |error: Error| Status::from(error.refusal(Some(workflow)));
    let scope = admitted.in_phase().map_err(|fault| refused(fault.into()))?;
    let row = engine.row(scope.phase).map_err(|fault| refused(fault.into()))?.clone();
    let mut reading = Reading::begin(engine, admitted, scope, row).await.map_err(refused)?;
    while let Some(message) = next(&mut messages).await? {
        reading.message(engine, message).await.map_err(refused)?;
    }
    let answer = reading.end(engine).await.map_err(refused)?;
    Ok(Response::new(answer))
}

/// The next message, if there is one.
///
/// # Errors
/// The client went away, took too long, or sent something that is none, or too long.
async fn next(
    messages: &mut Streaming<wire::ImportDecisionsRequest>,
) -> Result<Option<wire::ImportDecisionsRequest>, Status> {
    let Ok(message) = tokio::time::timeout(IDLE, messages.message()).await else {
        return Err(Refusal::deadline_exceeded().into());
    };
    let message = message?;
    if let Some(message) = &message {
        expect_size(message, MAX_MESSAGE)?;
    }
    Ok(message)
}

/// What the first message says once for all.
#[derive(Clone, Debug)]
struct Header {
    message: wire::ImportDecisionsRequest,
    version_id: Uuid,
}

/// An import that is being read.
struct Reading {
    order: Order,
    row: PhaseRow,
    header: Header,
    /// Rows go in as long as nothing is at fault. A request that was done before stages nothing.
    import: Option<Import>,
    rows: usize,
    content: Sha256,
    faults: Faults,
    /// The executions that rows name, as far as the audit service was not asked for them.
    named: Vec<Named>,
    unfit: Unfit,
}

/// What is at fault in the rows so far.
#[derive(Default)]
struct Faults {
    /// For a refusal.
    violations: Violations,
    /// For the answer of a validation, and how long they are on the wire.
    rows: Vec<wire::RowError>,
    bytes: usize,
}

/// What came of the decisions of one message.
struct Read {
    batch: Batch,
    faults: Vec<RowFault>,
    named: Vec<Named>,
}

/// A row by its place, counted from 0; what is wrong with it, as far as it is named; and in all.
type RowFault = (usize, Vec<Violation>, usize);

impl Reading {
    /// Begins with the first message.
    ///
    /// # Errors
    /// What is wrong with its fields, rows apart.
    async fn begin(
        engine: &Engine,
        admitted: Admitted<wire::ImportDecisionsRequest>,
        scope: Scope,
        row: PhaseRow,
    ) -> Result<Self, Error> {
        let Admitted { mut request, actor, method, .. } = admitted;
        let mut violations = Violations::default();
        let request_id = identified(&request, &mut violations);
        let version_id = uuid(&request.version_id, "version_id", &mut violations);
        let first = mem::take(&mut request.decisions);
        let (Some(request_id), Some(version_id)) = (request_id, version_id) else {
            let mut faults = Faults { violations, ..Faults::default() };
            faults.extend(read(first, 0, &row, Uuid::nil()).faults);
            return Err(Fault::Invalid(faults.violations).into());
        };
        let content = Sha256::new_with_prefix(request.encode_to_vec());
        let key = RequestKey { request_id, method, caller: actor.user_id, content_hash: [0; 32] };
        let order = Order { scope, actor, key };
        let import = if engine.ledger().knows(scope.workflow, request_id).await? {
            None
        } else {
            // Nobody sends a million rows to hear that they do not belong there.
            let etag = etag(request.etag.clone());
            let may = engine.rehearse(order.clone(), move |change| {
                async move { change.expect_import(version_id, etag.as_deref()).await }.boxed()
            });
            match may.await {
                Ok(_) => Some(engine.begin_import().await?),
                // The same request may have been done just now.
                Err(_) if engine.ledger().knows(scope.workflow, request_id).await? => None,
                Err(refused) => return Err(refused),
            }
        };
        let mut reading = Self {
            order,
            row,
            header: Header { message: request, version_id },
            import,
            rows: 0,
            content,
            faults: Faults::default(),
            named: Vec::new(),
            unfit: Unfit::of_rows(),
        };
        reading.decisions(engine, first).await?;
        Ok(reading)
    }

    /// Goes on with a later message.
    ///
    /// # Errors
    /// It says something else about where the rows belong, or rows cannot be kept.
    async fn message(
        &mut self,
        engine: &Engine,
        message: wire::ImportDecisionsRequest,
    ) -> Result<(), Error> {
        let first = &self.header.message;
        let differs = [
            ("scope", message.scope.is_some() && message.scope != first.scope),
            ("version_id", differs(&message.version_id, &first.version_id)),
            ("validate_only", message.validate_only && !first.validate_only),
            ("etag", differs(&message.etag, &first.etag)),
            ("request_id", differs(&message.request_id, &first.request_id)),
        ];
        let mut violations = Violations::default();
        for (field, _) in differs.into_iter().filter(|(_, differs)| *differs) {
            violations.add(field, "is not what the first message of the stream says");
        }
        violations.or(()).map_err(Fault::Invalid)?;
        self.decisions(engine, message.decisions).await
    }

    async fn decisions(
        &mut self,
        engine: &Engine,
        decisions: Vec<wire::DecisionInput>,
    ) -> Result<(), Error> {
        if decisions.is_empty() {
            return Ok(());
        }
        let (first, row) = (self.rows, self.row.clone());
        self.rows += decisions.len();
        let import_id = self.import.as_ref().map_or(Uuid::nil(), Import::id);
        // It computes for a while: others go on meanwhile.
        let read = tokio::task::spawn_blocking(move || read(decisions, first, &row, import_id));
        let Read { batch, faults, named } =
            read.await.map_err(|e| Fault::Internal(e.to_string()))?;
        self.content.update(&batch.fingerprint);
        self.faults.extend(faults);
        // A validation also looks for doubled keys among the rows that are in order.
        let wanted = self.faults.violations.is_empty() || self.header.message.validate_only;
        match &mut self.import {
            Some(import) if wanted => import.put(batch).await?,
            Some(_) | None => return Ok(()),
        }
        self.named.extend(named);
        if self.named.len() >= BATCH { self.ask(engine).await } else { Ok(()) }
    }

    /// Asks for the executions that rows named since it was last asked.
    ///
    /// # Errors
    /// Nobody answers.
    async fn ask(&mut self, engine: &Engine) -> Result<(), Error> {
        let named = mem::take(&mut self.named);
        if named.is_empty() || self.import.is_none() {
            return Ok(());
        }
        match self.unfit.ask(engine, self.order.scope.workflow, &named).await {
            Ok(unfit) if self.header.message.validate_only => {
                self.faults.answer_all(unfit);
                Ok(())
            }
            Ok(_) => Ok(()),
            // The same request may have been done just now.
            Err(_) if was_done(engine, &self.order).await? => {
                self.import = None;
                Ok(())
            }
            Err(away) => Err(away),
        }
    }

    /// All rows were read.
    ///
    /// # Errors
    /// Why they are not put forward.
    async fn end(mut self, engine: &Engine) -> Result<wire::ImportDecisionsResponse, Error> {
        if self.rows == 0 {
            return Err(Fault::Invalid(Violations::one("decisions", "is empty")).into());
        }
        let validate_only = self.header.message.validate_only;
        if !self.faults.violations.is_empty() && !validate_only {
            return Err(Fault::Invalid(self.faults.violations).into());
        }
        self.ask(engine).await?;
        let Self { mut order, row, header, mut import, rows, content, mut faults, unfit, .. } =
            self;
        if !validate_only && let Err(refused) = unfit.refuse() {
            if !was_done(engine, &order).await? {
                return Err(refused);
            }
            import = None;
        }
        order.key.content_hash = content.finalize().into();
        // Kept until the command has ended.
        let staged = match import {
            Some(import) => Some(Arc::new(import.finish().await?)),
            None => None,
        };
        let (version_id, etag) = (header.version_id, etag(header.message.etag));
        if validate_only {
            let Some(staged) = &staged else { return Err(Fault::RequestIdReused.into()) };
            let input = ImportDecisions { version_id, etag, staged: Arc::clone(staged) };
            let rehearsed =
                engine.rehearse(order, |change| change.validate_import(input, NAMED).boxed());
            let (version, (doubled, total)) = rehearsed.await?;
            for of in &doubled {
                faults.answer(i64::from(of.row_no), "item_key".to_owned(), of.to_string());
            }
            faults.rows.sort_by_key(|error| error.row);
            return Ok(wire::ImportDecisionsResponse {
                version: Some(version_to_wire(version, &row)?),
                imported: 0,
                errors: faults.rows,
                errors_total: i64::try_from(faults.violations.total()).unwrap_or(i64::MAX) + total,
            });
        }
        let imported = i64::try_from(rows).unwrap_or(i64::MAX);
        let rows = staged.clone();
        engine
            .change(order, move |change| {
                async move {
                    // A request that was done before is answered before it gets here.
                    let gone = || Fault::Conflict("its answer is gone".into());
                    let input =
                        ImportDecisions { version_id, etag, staged: rows.ok_or_else(gone)? };
                    let version = change.import_decisions(input).await?;
                    let version = Some(version_to_wire(version, &row)?);
                    Ok(wire::ImportDecisionsResponse { version, imported, ..Default::default() })
                }
                .boxed()
            })
            .await
    }
}

impl Faults {
    /// What is wrong with more rows.
    fn extend(&mut self, faults: Vec<RowFault>) {
        for (index, named, total) in faults {
            self.add(index, named, total);
        }
    }

    /// What is wrong with one row: some by name, and how many in all.
    fn add(&mut self, index: usize, named: Vec<Violation>, total: usize) {
        let row = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
        self.violations.count_more(total - named.len());
        let prefix = format!("decisions[{index}].");
        for Violation { field, description } in named {
            let within = field.strip_prefix(&prefix).unwrap_or(&field).to_owned();
            self.answer(row, within, description.clone());
            self.violations.add(field, format!("row {row}: {description}"));
        }
    }

    /// Tells of executions that rows must not name.
    fn answer_all(&mut self, unfit: Vec<(Named, Fit)>) {
        for (of, why) in unfit {
            let Place::Decision(index) = of.place else { continue };
            self.violations.count_more(1);
            let row = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
            self.answer(row, of.field(), format!("{} {why}", of.id));
        }
    }

    /// Tells of a fault in the answer, as long as there is room for it.
    fn answer(&mut self, row: i64, field: String, description: String) {
        let error = wire::RowError { row, field, description };
        self.bytes += error.encoded_len();
        if self.bytes <= MAX_PAGE_BYTES {
            self.rows.push(error);
        }
    }
}

/// Checks decisions, the first of which is number `first` of the stream, counted from 0.
fn read(
    decisions: Vec<wire::DecisionInput>,
    first: usize,
    row: &PhaseRow,
    import_id: Uuid,
) -> Read {
    let (mut batch, mut faults, mut named) = (Batch::default(), Vec::new(), Vec::new());
    for (index, input) in (first..).zip(decisions) {
        let mut violations = Violations::default();
        let item = recommendation(input, index, row, &mut violations);
        match (item, i32::try_from(index + 1)) {
            (Some(item), Ok(row_no)) if violations.is_empty() => {
                named.extend(Named::all_of(Place::Decision(index), &item.content));
                batch.push(import_id, row_no, &item);
            }
            (_, Err(_)) => faults.push((index, Vec::new(), 1)),
            (_, Ok(_)) => faults.push((index, violations.named().to_vec(), violations.total())),
        }
    }
    Read { batch, faults, named }
}

/// Whether a later message says something else than the first.
fn differs(given: &str, first: &str) -> bool {
    !given.is_empty() && given != first
}
