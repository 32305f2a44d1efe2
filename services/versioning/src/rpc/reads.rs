//! The methods that read.

use std::collections::HashMap;

use chrono::DateTime;
use signoff_backend::rpc::{
    Admitted, MAX_MESSAGE, MAX_PAGE, Page, Read, admit, answer, expect_size, malformed,
};
use signoff_backend::{Fault, Keeper as _, ServiceError as _, read};
use signoff_chassis::access::Admission;
use signoff_contract::convert::{PhaseNeed, scope_to_wire, uuid};
use signoff_contract::requests::Scoped;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Violations};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decision::{decision_to_wire, filter_from_wire, past_ruling_to_wire};
use super::facts::{has_remedies, remediation_to_wire};
use super::version::{artifact_to_wire, state_to_wire, version_to_wire};
use crate::commands::{Engine, not_found};
use crate::domain::decision::{Cursor, Decision, Difference};
use crate::domain::error::{Error, Kind};
use crate::domain::ids::DecisionId;
use crate::domain::version::Version;
use crate::store::{
    artifacts, compare, decisions, facts, history, lines, pages, rulings, versions,
};

type Answered<A> = Result<Response<A>, Status>;

/// A read by the header and a page. Pages of a version that changes do not agree with each other
/// anyway: only what is read beside a page must agree with it.
async fn listing<'a, R: Scoped>(
    engine: &'a Engine,
    admitted: Admitted<R>,
) -> Result<Read<'a, R>, Fault> {
    let row = admitted.scope.phase.map(|phase| engine.row(phase)).transpose()?;
    if row.is_some_and(|row| needs_history(row) || has_remedies(row)) {
        Read::snapshot(engine, admitted).await
    } else {
        Read::statement(engine, admitted).await
    }
}

/// The version that is read, if it may be seen in the scope.
pub(super) async fn version<R>(read: &mut Read<'_, R>, version_id: Uuid) -> Result<Version, Error> {
    versions::by_id(read.reader.conn(), read.scope, read.row, version_id)
        .await?
        .ok_or_else(|| not_found(Kind::Version, version_id))
}

fn id(given: &str, path: &str) -> Result<Uuid, Fault> {
    let mut violations = Violations::default();
    let id = uuid(given, path, &mut violations);
    id.ok_or(Fault::Invalid(violations))
}

/// `GetVersion`.
pub(super) async fn get_version(
    engine: &Engine,
    request: Request<wire::GetVersionRequest>,
) -> Answered<wire::GetVersionResponse> {
    read!(engine, request, Read::statement, |read| {
        let version_id = id(&read.request.version_id, "version_id")?;
        let found = version_to_wire(version(&mut read, version_id).await?, read.row)?;
        Ok(wire::GetVersionResponse { version: Some(found) })
    })
}

/// `GetCurrentVersion`.
pub(super) async fn get_current_version(
    engine: &Engine,
    request: Request<wire::GetCurrentVersionRequest>,
) -> Answered<wire::GetCurrentVersionResponse> {
    read!(engine, request, Read::statement, |read| {
        let version = versions::current(read.reader.conn(), read.scope, read.row)
            .await?
            .ok_or_else(|| not_found(Kind::CurrentVersion, read.scope.line_id()))?;
        let version = Some(version_to_wire(version, read.row)?);
        Ok(wire::GetCurrentVersionResponse { version })
    })
}

/// `ListVersions`.
pub(super) async fn list_versions(
    engine: &Engine,
    request: Request<wire::ListVersionsRequest>,
) -> Answered<wire::ListVersionsResponse> {
    read!(engine, request, Read::statement, |read| {
        let page = read.page()?;
        let below = page.after_number(i32::MAX)?;
        let found =
            versions::list(read.reader.conn(), read.scope, read.row, below, page.fetch()).await?;
        let rows = found
            .into_iter()
            .map(|version| Ok((version.number.to_string(), version_to_wire(version, read.row)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let (versions, next_page_token) = page.close(rows);
        Ok(wire::ListVersionsResponse { versions, next_page_token })
    })
}

/// `ListDecisions`.
pub(super) async fn list_decisions(
    engine: &Engine,
    request: Request<wire::ListDecisionsRequest>,
) -> Answered<wire::ListDecisionsResponse> {
    read!(engine, request, listing, |read| {
        let mut violations = Violations::default();
        let version_id = uuid(&read.request.version_id, "version_id", &mut violations);
        let filter = filter_from_wire(read.request.filter.clone(), &mut violations);
        let order = wire::DecisionOrder::try_from(read.request.order);
        if order.is_err() {
            violations.add("order", "is not a known order");
        }
        let ((version_id, order), page) =
            read.page_beside(version_id.zip(order.ok()), violations)?;
        let cursor = match order {
            wire::DecisionOrder::Unspecified => Cursor::Item(page.after_number(0)?),
            wire::DecisionOrder::ItemKey => Cursor::Key(page.after.clone().unwrap_or_default()),
        };
        let version = version(&mut read, version_id).await?;
        let found =
            pages::page(read.reader.conn(), &version, &filter, &cursor, page.fetch()).await?;
        let after: Vec<String> = found
            .iter()
            .map(|decision| match cursor {
                Cursor::Item(_) => decision.id.item_no.to_string(),
                Cursor::Key(_) => decision.item_key.clone(),
            })
            .collect();
        let found = decisions_to_wire(read.reader.conn(), version.line_no, found, read.row).await?;
        let (decisions, next_page_token) = page.close(after.into_iter().zip(found).collect());
        Ok(wire::ListDecisionsResponse { decisions, next_page_token })
    })
}

/// `GetLineage`.
pub(super) async fn get_lineage(
    engine: &Engine,
    request: Request<wire::GetLineageRequest>,
) -> Answered<wire::GetLineageResponse> {
    read!(engine, request, Read::snapshot, |read| {
        let mut violations = Violations::default();
        let decision_id = uuid(&read.request.decision_id, "decision_id", &mut violations);
        let (decision_id, page) = read.page_beside(decision_id, violations)?;
        let below = page.after_number(i32::MAX)?;
        let line = lines::find(read.reader.conn(), read.scope, read.row).await?;
        let of = DecisionId::from_uuid(decision_id)
            .filter(|of| line.is_some_and(|line| line.line_no == of.line_no))
            .ok_or_else(|| not_found(Kind::Decision, decision_id))?;
        let (line_no, item) = (of.line_no, of.item_no);
        let found =
            decisions::lineage(read.reader.conn(), line_no, item, below, page.fetch()).await?;
        // Most often the page itself shows that there is such a decision.
        let shown = found.iter().any(|decision| decision.version.number == of.version);
        if !shown
            && decisions::of_items(read.reader.conn(), line_no, of.version, &[item])
                .await?
                .is_empty()
        {
            return Err(not_found(Kind::Decision, decision_id));
        }
        let of_version: Vec<(String, i32)> = found
            .iter()
            .map(|decision| {
                let version_state = state_to_wire(decision.version_state).into();
                (decision.version.number.to_string(), version_state)
            })
            .collect();
        let found = decisions_to_wire(read.reader.conn(), line_no, found, read.row).await?;
        let rows = of_version
            .into_iter()
            .zip(found)
            .map(|((number, version_state), decision)| {
                (number, wire::LineageEntry { decision: Some(decision), version_state })
            })
            .collect();
        let rulings = match page.after {
            Some(_) => Vec::new(),
            None => rulings::of_item(read.reader.conn(), line_no, item, MAX_PAGE.into())
                .await?
                .into_iter()
                .map(|ruling| past_ruling_to_wire(ruling, read.row))
                .collect::<Result<_, Error>>()?,
        };
        let remediations = if page.after.is_none() && has_remedies(read.row) {
            facts::remediations(read.reader.conn(), line_no, item, MAX_PAGE.into()).await?
        } else {
            Vec::new()
        };
        let remediations = remediations.into_iter().map(remediation_to_wire).collect();
        let (entries, next_page_token) = page.close(rows);
        Ok(wire::GetLineageResponse { entries, next_page_token, rulings, remediations })
    })
}

/// `CompareVersions`.
pub(super) async fn compare_versions(
    engine: &Engine,
    request: Request<wire::CompareVersionsRequest>,
) -> Answered<wire::CompareVersionsResponse> {
    read!(engine, request, Read::snapshot, |read| {
        let mut violations = Violations::default();
        let one = uuid(&read.request.version_id, "version_id", &mut violations);
        let other = uuid(&read.request.other_version_id, "other_version_id", &mut violations);
        let ((one, other), page) = read.page_beside(one.zip(other), violations)?;
        let after = page.after_number(0)?;
        let (one, other) = (version(&mut read, one).await?, version(&mut read, other).await?);
        let totals = compare::totals(read.reader.conn(), &one, &other).await?;
        let kinds = compare::page(read.reader.conn(), &one, &other, after, page.fetch()).await?;
        let items: Vec<i32> = kinds.iter().map(|(item, _)| *item).collect();
        let mut before = standing_in(read.reader.conn(), &one, &items, read.row).await?;
        let mut behind = standing_in(read.reader.conn(), &other, &items, read.row).await?;
        let rows = kinds
            .into_iter()
            .map(|(item, kind)| {
                let decision = before.remove(&item);
                let other_decision = behind.remove(&item);
                let item_key = decision
                    .as_ref()
                    .or(other_decision.as_ref())
                    .map(|decision| decision.item_key.clone())
                    .unwrap_or_default();
                let kind = difference_to_wire(kind).into();
                let difference =
                    wire::DecisionDifference { kind, item_key, decision, other_decision };
                (item.to_string(), difference)
            })
            .collect();
        let (differences, next_page_token) = page.close(rows);
        let counts = wire::ComparisonCounts {
            added: totals.added,
            removed: totals.removed,
            changed: totals.changed,
            ruled_differently: totals.ruled_differently,
            unchanged: one.counts.total
                - totals.removed
                - totals.changed
                - totals.ruled_differently,
        };
        Ok(wire::CompareVersionsResponse { counts: Some(counts), differences, next_page_token })
    })
}

/// `ListArtifacts`.
pub(super) async fn list_artifacts(
    engine: &Engine,
    request: Request<wire::ListArtifactsRequest>,
) -> Answered<wire::ListArtifactsResponse> {
    let admitted = admit(engine, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        let phase = admitted.scope.phase.map(|phase| engine.row(phase)).transpose()?;
        let page = Page::of(&admitted.method, &admitted.request)?;
        let after = page.after.as_deref().map(after_approval).transpose()?;
        let mut conn = engine.pool().acquire().await?;
        let rows = artifacts::list(
            &mut conn,
            workflow,
            phase.map(|row| row.slug),
            admitted.request.include_superseded,
            after.as_ref(),
            page.fetch(),
        )
        .await?
        .into_iter()
        .map(|artifact| {
            let at = artifact.approved_at.timestamp_micros();
            let after = format!("{at} {} {}", artifact.phase, artifact.number);
            (after, artifact_to_wire(artifact, engine.phases()))
        })
        .collect();
        let (artifacts, next_page_token) = page.close(rows);
        Ok(wire::ListArtifactsResponse { artifacts, next_page_token })
    };
    answer(engine, done.await, workflow)
}

/// Reads where a page of artifacts ended.
fn after_approval(after: &str) -> Result<artifacts::After, Fault> {
    let read = || {
        let mut parts = after.splitn(3, ' ');
        let approved_at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        let phase = parts.next()?.to_owned();
        Some(artifacts::After { approved_at, phase, number: parts.next()?.parse().ok()? })
    };
    read().ok_or_else(malformed)
}

/// `LocateVersion`.
pub(super) async fn locate_version(
    engine: &Engine,
    request: Request<wire::LocateVersionRequest>,
) -> Answered<wire::LocateVersionResponse> {
    Admission::from(&request)?.permit(None, None)?;
    let request = request.into_inner();
    expect_size(&request, MAX_MESSAGE)?;
    let done = async {
        let version_id = id(&request.version_id, "version_id")?;
        let mut conn = engine.pool().acquire().await?;
        let scope = versions::locate(&mut conn, engine.phases(), version_id)
            .await?
            .ok_or_else(|| not_found(Kind::Version, version_id))?;
        Ok(wire::LocateVersionResponse { scope: Some(scope_to_wire(scope)) })
    };
    done.await.map(Response::new).map_err(|error: Error| error.refusal(None).into())
}

/// The items as they stand in a version, by item.
async fn standing_in(
    conn: &mut PgConnection,
    version: &Version,
    items: &[i32],
    row: &PhaseRow,
) -> Result<HashMap<i32, wire::Decision>, Error> {
    let found = decisions::of_items(conn, version.line_no, version.number, items).await?;
    let items: Vec<i32> = found.iter().map(|decision| decision.id.item_no).collect();
    let found = decisions_to_wire(conn, version.line_no, found, row).await?;
    Ok(items.into_iter().zip(found).collect())
}

/// Decisions of a line for the wire, in their order, with what is answered of their history.
pub(super) async fn decisions_to_wire(
    conn: &mut PgConnection,
    line_no: i64,
    mut found: Vec<Decision>,
    row: &PhaseRow,
) -> Result<Vec<wire::Decision>, Error> {
    note_facts(conn, line_no, &mut found, row).await?;
    let mut histories =
        if needs_history(row) { history::of(conn, line_no, &found).await? } else { HashMap::new() };
    found
        .into_iter()
        .map(|decision| {
            let key = (decision.id.item_no, decision.version.number);
            decision_to_wire(decision, histories.remove(&key).unwrap_or_default(), row)
        })
        .collect()
}

/// Notes with decisions what is kept beside their versions.
async fn note_facts(
    conn: &mut PgConnection,
    line_no: i64,
    found: &mut [Decision],
    row: &PhaseRow,
) -> Result<(), Error> {
    if has_remedies(row) { facts::note_remediations(conn, line_no, found).await } else { Ok(()) }
}

/// One decision that is there, with what is kept beside its version.
pub(super) async fn found_with_facts(
    conn: &mut PgConnection,
    id: DecisionId,
    row: &PhaseRow,
) -> Result<Decision, Error> {
    let mut found = decisions::of_items(conn, id.line_no, id.version, &[id.item_no]).await?;
    note_facts(conn, id.line_no, &mut found, row).await?;
    let gone = || Fault::Internal("a changed decision is gone".to_owned());
    Ok(found.pop().ok_or_else(gone)?)
}

/// Only attribute decisions answer their modification history (seed 002, part A).
fn needs_history(row: &PhaseRow) -> bool {
    row.payload == Some("attribute_decision")
}

const fn difference_to_wire(kind: Difference) -> wire::DifferenceKind {
    match kind {
        Difference::Added => wire::DifferenceKind::Added,
        Difference::Removed => wire::DifferenceKind::Removed,
        Difference::Changed => wire::DifferenceKind::Changed,
        Difference::RuledDifferently => wire::DifferenceKind::RuledDifferently,
    }
}
