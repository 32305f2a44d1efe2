//! Somebody with the rights of a superuser changes, deletes, inserts, swaps and truncates what the services
//! keep, at random places: the first record that is damaged is named each time, by `VerifyTrail` and, as far
//! as an exported file shows it, by whoever reads the file.
//!
//! What a chain cannot show is shown here as well: a tail that was cut off or written anew fits, and shows
//! against heads that were kept elsewhere.
//!
//! `SIGNOFF_TEST_TAMPERINGS` says how often (60), `SIGNOFF_TEST_SEED` with which chance.

mod books;
mod chain;
mod deeds;
mod story;
mod tables;
mod told;

use std::collections::{BTreeMap, HashMap};

use deeds::{Deed, Found, Kind};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use secrecy::ExposeSecret as _;
use signoff_contract::feed::v1 as feed;
use signoff_contract::workflow::v1::TrailHead;
use signoff_ledger::{Head, verify_export_against};
use signoff_tests::house::AUDITOR;
use signoff_tests::world::whole;
use signoff_tests::{House, Person, database, settings};
use signoff_workflow::{Role, Workflow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tables::Table;
use told::Told;

/// A service whose rows are tampered with.
struct Service {
    source: feed::Source,
    superuser: PgConnection,
    /// As they were.
    tables: Vec<Table>,
    told: HashMap<Workflow, Told>,
    /// The exported trails as they were.
    files: HashMap<Workflow, Vec<u8>>,
}

impl Service {
    async fn of(source: feed::Source, database: &str, auditor: &Person) -> Self {
        let url = database::cluster().await.admin_url();
        let (server, _) = url.expose_secret().rsplit_once('/').unwrap();
        let mut superuser = PgConnection::connect(&format!("{server}/{database}")).await.unwrap();
        let name = source.as_str_name().trim_start_matches("SOURCE_").to_lowercase();
        let tables = tables::read(&mut superuser, &name).await;
        let (trail, details) = (&tables[0], &tables[1]);
        let mut told = HashMap::new();
        for row in &trail.rows {
            let workflow = row.workflow;
            told.entry(workflow)
                .or_insert_with(|| Told::of(&trail.of(workflow), &details.of(workflow)));
        }
        let mut files = HashMap::new();
        for workflow in told.keys() {
            files.insert(*workflow, exported(auditor, source, *workflow).await);
        }
        Self { source, superuser, tables, told, files }
    }

    /// Puts back what was taken, and takes away what was put there.
    async fn undo(&mut self, deed: &Deed) {
        for table in &deed.touched {
            let sql = format!(
                "delete from {table} t
                     where not exists (select from kept.{table} k where k::text = t::text);
                 insert into {table} overriding system value select k.* from kept.{table} k
                     where not exists (select from {table} t where k::text = t::text);"
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.superuser).await.unwrap();
        }
    }

    /// The heads of all records of a workflow.
    fn heads(&self, workflow: Workflow) -> Vec<Head> {
        let records = self.told[&workflow].records().iter();
        records.map(|said| Head { sequence: said.seq, hash: said.hash }).collect()
    }

    /// What is wrong with what is found after a deed.
    async fn look(&self, auditor: &Person, deed: &Deed) -> Vec<String> {
        let (source, workflow) = (self.source, deed.workflow);
        let mut wrong = Vec::new();
        let mut expect = |who: &str, expected: Found, (found, what): (Option<i64>, String)| {
            let fits = match (expected, found) {
                (Found::Record(record), Some(found)) => record == found,
                (Found::Intact | Found::Before(_), None) => true,
                (Found::Before(record), Some(found)) => (1..record.max(2)).contains(&found),
                (Found::Record(_), None) | (Found::Intact, Some(_)) => false,
            };
            if !fits {
                wrong.push(format!("{who} finds {found:?} ({what}), and not {expected:?}"));
            }
        };
        expect("VerifyTrail", deed.here, verified(auditor, source, workflow, &[]).await);
        let file = exported(auditor, source, workflow).await;
        expect("the reader of the file", deed.file, read(&file, Vec::new()));
        if let Some(record) = deed.against {
            let heads = self.heads(workflow);
            let found = verified(auditor, source, workflow, &heads).await;
            expect("VerifyTrail against kept heads", Found::Record(record), found);
            let found = read(&file, heads);
            expect("the reader against kept heads", Found::Record(record), found);
        }
        wrong
    }

    /// What is wrong after a deed was undone.
    async fn look_again(&self, auditor: &Person, workflow: Workflow) -> Option<String> {
        let (found, what) = verified(auditor, self.source, workflow, &[]).await;
        if found.is_some() {
            return Some(format!("it is undone, and VerifyTrail finds {found:?} ({what})"));
        }
        let file = exported(auditor, self.source, workflow).await;
        (file != self.files[&workflow]).then(|| "it is undone, and the file is another".to_owned())
    }
}

/// The first record that `VerifyTrail` names, and why.
async fn verified(
    auditor: &Person,
    source: feed::Source,
    workflow: Workflow,
    kept: &[Head],
) -> (Option<i64>, String) {
    let to_wire = |head: &Head| TrailHead { sequence: head.sequence, hash: head.hash.to_vec() };
    let request = feed::VerifyTrailRequest {
        scope: Some(whole(workflow)),
        source: source.into(),
        kept_heads: kept.iter().map(to_wire).collect(),
    };
    match auditor.call(request).await {
        Ok(answer) => {
            assert_eq!(answer.intact, answer.first_damaged.is_none());
            let damage = answer.first_damaged;
            damage.map_or((None, String::new()), |damage| (Some(damage.sequence), damage.what))
        }
        Err(status) => (Some(-1), status.to_string()),
    }
}

/// The first record that the reader of a file names, and why.
fn read(file: &[u8], kept: Vec<Head>) -> (Option<i64>, String) {
    let found = verify_export_against(file, |_, _| kept).unwrap();
    match found.fault {
        None => (None, String::new()),
        Some(fault) => (Some(fault.record.unwrap_or(-1)), fault.what.to_string()),
    }
}

async fn exported(auditor: &Person, source: feed::Source, workflow: Workflow) -> Vec<u8> {
    let request = feed::ExportTrailRequest { scope: Some(whole(workflow)), source: source.into() };
    let mut answers = auditor.trail.clone().export_trail(request).await.unwrap().into_inner();
    let mut file = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        file.extend(answer.json_lines);
    }
    file
}

#[tokio::test]
async fn whatever_is_tampered_with_the_first_damaged_record_is_named() {
    let mut rng = ChaCha8Rng::seed_from_u64(settings::seed());
    let house: &'static House = Box::leak(Box::new(House::new().await));
    Box::pin(story::tell(house)).await;
    let auditor = house.person(AUDITOR, &[Role::Auditor]).await;
    let (_, gateway) = house.urls.owner.expose_secret().rsplit_once('/').unwrap();
    let mut services = Vec::new();
    for (source, database) in [
        (feed::Source::Versioning, house.versioning.database.as_str()),
        (feed::Source::Audit, house.audit.database.as_str()),
        (feed::Source::Gateway, gateway),
    ] {
        services.push(Service::of(source, database, &auditor).await);
    }
    let (mut done, mut wrong) = (BTreeMap::<(Kind, &str), usize>::new(), Vec::new());
    for nth in 0..settings::told("SIGNOFF_TEST_TAMPERINGS").unwrap_or(60) {
        let service = &mut services[[0, 0, 0, 1, 1, 2][rng.random_range(0..6)]];
        let deed = deeds::any(service, &mut rng).await;
        let mut found = service.look(&auditor, &deed).await;
        service.undo(&deed).await;
        found.extend(service.look_again(&auditor, deed.workflow).await);
        if !found.is_empty() {
            let Deed { kind, table, what, .. } = &deed;
            let found = found.join("\n  ");
            wrong.push(format!("{nth}: {kind:?} of {table}: {what}\n  {found}"));
        }
        *done.entry((deed.kind, deed.table)).or_default() += 1;
    }
    println!("{done:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
