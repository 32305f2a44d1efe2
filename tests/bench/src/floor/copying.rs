//! What the seeds' own tables cost: each version has a copy of every row (seed 002, part D, with
//! the indexes of seed 000). No trail, no kept answers, no lock.

use anyhow::Result;
use chrono::Utc;
use secrecy::ExposeSecret as _;
use signoff_ledger::DatabaseUrls;
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::binary::{Rows, timestamp};
use crate::data::Sample;
use crate::{OWNER, TESTER};

const TABLES: &str = "
create schema seeds;
create table seeds.sample_selection_versions (
    version_id uuid primary key default gen_random_uuid(),
    cycle_id uuid not null,
    report_id uuid not null,
    version_number integer not null default 1,
    version_status varchar(20) not null default 'draft',
    parent_version_id uuid references seeds.sample_selection_versions (version_id),
    created_at timestamptz default now(),
    created_by_id integer,
    selection_criteria jsonb,
    target_sample_size integer,
    actual_sample_size integer,
    unique (cycle_id, report_id, version_number)
);
create table seeds.sample_decisions (
    decision_id uuid primary key default gen_random_uuid(),
    selection_version_id uuid references seeds.sample_selection_versions (version_id),
    sample_identifier varchar(255) not null,
    sample_data jsonb not null,
    sample_type varchar(50),
    recommendation_source varchar(50),
    recommended_by_id integer,
    recommendation_timestamp timestamptz,
    recommendation_metadata jsonb,
    decision_status varchar(20),
    decided_by_id integer,
    decision_timestamp timestamptz,
    decision_notes text,
    carried_from_version_id uuid,
    carried_from_decision_id uuid,
    modification_reason text
);
create index idx_sample_decisions_version on seeds.sample_decisions (selection_version_id);
create index idx_sample_decisions_status
    on seeds.sample_decisions (selection_version_id, decision_status);
";

const COPY: &str = "copy seeds.sample_decisions (selection_version_id, sample_identifier,
    sample_data, sample_type, recommendation_source, recommended_by_id, recommendation_timestamp,
    decision_status) from stdin (format binary)";

/// The seeds' tables, in a schema of their own.
#[derive(Debug)]
pub struct Copying {
    conn: PgConnection,
    cycle_id: Uuid,
    report_id: Uuid,
    versions: i32,
}

impl Copying {
    /// Makes the tables.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn new(urls: &DatabaseUrls) -> Result<Self> {
        let mut conn = PgConnection::connect(urls.owner.expose_secret()).await?;
        conn.execute(sqlx::raw_sql(TABLES)).await?;
        let (cycle_id, report_id) = (Uuid::now_v7(), Uuid::now_v7());
        Ok(Self { conn, cycle_id, report_id, versions: 0 })
    }

    /// Its connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    /// A new version with samples, all in one state.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn import(
        &mut self,
        samples: &[Sample],
        json: &[String],
        status: &str,
    ) -> Result<Uuid> {
        let mut transaction = self.conn.begin().await?;
        self.versions += 1;
        let version_id =
            insert_version(&mut transaction, (self.cycle_id, self.report_id, self.versions), None)
                .await?;
        let at = timestamp(Utc::now());
        let mut rows = Rows::new(8);
        let mut copy = transaction.copy_in_raw(COPY).await?;
        let tester = i32::try_from(TESTER)?.to_be_bytes();
        for (sample, json) in samples.iter().zip(json) {
            rows.row()
                .value(version_id.as_bytes())
                .value(sample.key().as_bytes())
                .json(json)
                .value(b"population")
                .value(b"tester")
                .value(&tester)
                .value(&at)
                .value(status.as_bytes());
            if rows.is_full() {
                copy.send(rows.take()).await?;
            }
        }
        copy.send(rows.end()).await?;
        copy.finish().await?;
        transaction.commit().await?;
        Ok(version_id)
    }

    /// The ids of a version's decisions, as a client would have them.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ids(&mut self, version_id: Uuid) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "select decision_id from seeds.sample_decisions
             where selection_version_id = $1 order by sample_identifier",
        );
        Ok(ids.bind(version_id).fetch_all(&mut self.conn).await?)
    }

    /// Rules on decisions by their ids, and approves the others if `remaining`.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn review(
        &mut self,
        version_id: Uuid,
        (ids, statuses): (&[Uuid], &[&str]),
        remaining: bool,
    ) -> Result<u64> {
        let mut transaction = self.conn.begin().await?;
        let owner = i32::try_from(OWNER)?;
        let mut ruled = sqlx::query(
            "update seeds.sample_decisions d
             set decision_status = listed.status, decided_by_id = $2, decision_timestamp = now()
             from unnest($3::uuid[], $4::text[]) as listed (id, status)
             where d.decision_id = listed.id and d.selection_version_id = $1",
        )
        .bind(version_id)
        .bind(owner)
        .bind(ids)
        .bind(statuses)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if remaining {
            ruled += sqlx::query(
                "update seeds.sample_decisions
                 set decision_status = 'approved', decided_by_id = $2, decision_timestamp = now()
                 where selection_version_id = $1 and decision_status = 'pending'",
            )
            .bind(version_id)
            .bind(owner)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        }
        transaction.commit().await?;
        Ok(ruled)
    }

    /// Changes decisions by their ids.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn edit(&mut self, ids: &[Uuid], json: &[String]) -> Result<()> {
        sqlx::query(
            "update seeds.sample_decisions d
             set sample_data = changed.data::jsonb, modification_reason = 'it was wrong',
                 decision_status = 'approved', decision_timestamp = now()
             from unnest($1::uuid[], $2::text[]) as changed (id, data)
             where d.decision_id = changed.id",
        )
        .bind(ids)
        .bind(json)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The next version: the approved decisions of one, copied, and new samples.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn next(
        &mut self,
        parent: Uuid,
        samples: &[Sample],
        json: &[String],
    ) -> Result<Uuid> {
        let mut transaction = self.conn.begin().await?;
        self.versions += 1;
        let version_id = insert_version(
            &mut transaction,
            (self.cycle_id, self.report_id, self.versions),
            Some(parent),
        )
        .await?;
        sqlx::query(
            "insert into seeds.sample_decisions (selection_version_id, sample_identifier,
                 sample_data, sample_type, recommendation_source, recommended_by_id,
                 recommendation_timestamp, recommendation_metadata, decision_status,
                 decided_by_id, decision_timestamp, decision_notes, carried_from_version_id,
                 carried_from_decision_id)
             select $2, sample_identifier, sample_data, sample_type, 'carried_forward',
                 recommended_by_id, recommendation_timestamp, recommendation_metadata,
                 decision_status, decided_by_id, decision_timestamp, decision_notes, $1,
                 decision_id
             from seeds.sample_decisions
             where selection_version_id = $1 and decision_status = 'approved'",
        )
        .bind(parent)
        .bind(version_id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "insert into seeds.sample_decisions (selection_version_id, sample_identifier,
                 sample_data, sample_type, recommendation_source, recommended_by_id,
                 recommendation_timestamp, decision_status)
             select $1, key, data::jsonb, 'population', 'tester', $2, now(), 'pending'
             from unnest($3::text[], $4::text[]) as new (key, data)",
        )
        .bind(version_id)
        .bind(i32::try_from(TESTER)?)
        .bind(samples.iter().map(|sample| sample.key()).collect::<Vec<_>>())
        .bind(json)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(version_id)
    }
}

async fn insert_version(
    conn: &mut PgConnection,
    (cycle_id, report_id, number): (Uuid, Uuid, i32),
    parent: Option<Uuid>,
) -> Result<Uuid> {
    Ok(sqlx::query_scalar(
        "insert into seeds.sample_selection_versions (cycle_id, report_id, version_number,
             parent_version_id, created_by_id)
         values ($1, $2, $3, $4, $5) returning version_id",
    )
    .bind(cycle_id)
    .bind(report_id)
    .bind(number)
    .bind(parent)
    .bind(i32::try_from(TESTER)?)
    .fetch_one(conn)
    .await?)
}
