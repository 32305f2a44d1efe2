//! The database's clock jumps back by hours while people work.
//!
//! Statements find the time by its name. Where the name stands for something else first, in a schema
//! that is searched before PostgreSQL's own, the clock is the test's. What the gateway signs by a clock
//! that jumps is tested beside it (`forward/assertion.rs`), what a feed says of its place beside that
//! (`feed/watermark.rs`), and what is counted of such times in tests/metrics (`story.rs`).

use secrecy::ExposeSecret as _;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as metrics;
use signoff_ledger::DatabaseUrls;
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::plain::get;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{Counting, House, Office, database};
use signoff_workflow::{Phase, Role};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A clock that can be set.
const CLOCK: &str = "
create schema clock;
grant usage on schema clock to public;
create table clock.ahead (by interval not null);
insert into clock.ahead values ('0');
grant select on clock.ahead to public;
create function clock.clock_timestamp() returns timestamptz language sql volatile as
    'select pg_catalog.clock_timestamp() + (select by from clock.ahead)';
create function clock.now() returns timestamptz language sql stable as
    'select pg_catalog.now() + (select by from clock.ahead)';";

/// The clock of one database.
struct Clock(PgConnection);

impl Clock {
    /// Puts a clock into a database. Whoever is connected must connect again.
    async fn of(urls: &DatabaseUrls) -> Self {
        let name = urls.owner.expose_secret().rsplit_once('/').unwrap().1;
        let name = name.split('?').next().unwrap();
        let admin = database::cluster().await.admin_url();
        let (server, _) = admin.expose_secret().rsplit_once('/').unwrap();
        let mut db = PgConnection::connect(&format!("{server}/{name}")).await.unwrap();
        db.execute(CLOCK).await.unwrap();
        let search =
            format!("alter database \"{name}\" set search_path = clock, public, pg_catalog");
        db.execute(AssertSqlSafe(search)).await.unwrap();
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = $1 and usename like '%_service'",
        )
        .bind(name)
        .execute(&mut db)
        .await
        .unwrap();
        Self(db)
    }

    async fn set(&mut self, hours: i32) {
        sqlx::query("update clock.ahead set by = make_interval(hours => $1)")
            .bind(hours)
            .execute(&mut self.0)
            .await
            .unwrap();
    }
}

/// Everything that the data owner of a lane sees of it.
async fn expect_in_charge(office: &Office) {
    for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
        let person = office.lanes.data_owner(owner).await;
        let list =
            audit::ListLanesRequest { scope: Some(whole(office.workflow)), ..Default::default() };
        let lanes = person.call(list).await.unwrap().lanes;
        assert_eq!(lanes.iter().map(|lane| &lane.lob_id).collect::<Vec<_>>(), [&lob.to_string()]);
        let list = audit::ListAssignmentsRequest {
            scope: Some(office.here(Phase::DATA_OWNER_ID)),
            lob_id: lob.to_string(),
            ..Default::default()
        };
        let assignments = person.call(list).await.unwrap().assignments;
        assert_eq!(assignments.len(), 1);
        assert_eq!(assignments[0].status(), audit::AssignmentStatus::Active);
    }
    let unassigned = audit::TestCaseState::Unassigned;
    for lob in LOBS {
        for case in office.lanes.cases_of(lob).await {
            assert_ne!(case.state(), unassigned, "{case:?}");
        }
    }
}

/// No number that anybody is shown is below zero.
async fn expect_no_negative(counting: &Counting, office: &Office) {
    let member = counting.person(10, Some(office.workflow), &[Role::Tester]).await;
    let request = metrics::GetWorkflowMetricsRequest {
        scope: Some(whole(office.workflow)),
        ..Default::default()
    };
    let found = member.call(request).await.unwrap().metrics;
    let timed = |metric: &&metrics::Metric| metric.unit == "h" && metric.denominator > 0.0;
    assert!(found.iter().filter(timed).count() >= 2, "times were counted");
    for metric in &found {
        assert!(metric.numerator >= 0.0 && metric.metric_value.is_none_or(|value| value >= 0.0));
        let metadata = metric.metric_metadata.iter().flat_map(|metadata| metadata.fields.values());
        for value in metadata {
            if let Some(prost_types::value::Kind::NumberValue(number)) = value.kind {
                assert!(number >= 0.0, "{metric:?}");
            }
        }
    }
    for feed in counting.freshness().await.feeds {
        assert!(feed.lag.is_none_or(|lag| lag.seconds >= 0 && lag.nanos >= 0));
    }
    let (_, numbers) = get(counting.watched_at, "/metrics").await;
    let samples = numbers.lines().filter(|line| line.starts_with("signoff_"));
    let negative: Vec<&str> = samples.filter(|line| line.contains(" -")).collect();
    assert!(negative.is_empty(), "{negative:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_back_takes_nothing_from_anybody() {
    let house = House::new().await;
    let counting = Counting::of(&house).await;
    let office = Office::of(&house).await;
    let mut clocks = Vec::new();
    for urls in [&house.versioning.urls, &house.audit.urls, &house.urls] {
        clocks.push(Clock::of(urls).await);
    }
    house.settled(office.workflow).await;
    let ahead = async |clocks: &mut Vec<Clock>, hours| {
        for clock in clocks {
            clock.set(hours).await;
        }
    };

    ahead(&mut clocks, 3).await;
    office.through(Phase::DATA_OWNER_ID).await;
    ahead(&mut clocks, 0).await;
    expect_in_charge(&office).await;
    // On, with the clock behind all that was recorded; then it goes ahead and back again.
    office.complete(Phase::REQUEST_INFO).await;
    expect_in_charge(&office).await;
    ahead(&mut clocks, 5).await;
    office.complete(Phase::TEST_EXECUTION).await;
    ahead(&mut clocks, -2).await;
    expect_in_charge(&office).await;

    let sources = [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway];
    for source in sources {
        let verified = office.verify(source).await;
        assert!(verified.intact, "{source:?}: {verified:?}");
        let trail = office.trail(source).await;
        assert!(!trail.is_empty());
        let times: Vec<_> = trail.iter().map(|of| of.recorded_at.unwrap()).collect();
        let later = |pair: &[prost_types::Timestamp]| {
            (pair[0].seconds, pair[0].nanos) <= (pair[1].seconds, pair[1].nanos)
        };
        assert!(times.windows(2).all(later), "{source:?}: {times:?}");
    }
    let board = office.board().await;
    assert!(board.lanes.iter().all(|lane| lane.owner.is_some()), "{:?}", board.lanes);
    counting.settled(&house).await;
    expect_no_negative(&counting, &office).await;
    let auditor = counting.auditor().await;
    until("nothing waits", || async {
        let now = auditor.call(metrics::GetFreshnessRequest {}).await.unwrap();
        now.feeds.iter().all(|feed| feed.lag_records == 0).then_some(())
    })
    .await;
    counting.stop().await;
}
