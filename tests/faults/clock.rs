//! The database's clock jumps back by hours while people work.
//!
//! Statements find the time by its name. Where the name stands for something else first, in a schema
//! that is searched before PostgreSQL's own, the clock is the test's. What the gateway signs by a clock
//! that jumps is tested beside it (`forward/assertion.rs`), what a feed says of its place beside that
//! (`feed/watermark.rs`), and what is counted of such times in tests/metrics (`story.rs`).

use std::time::SystemTime;

use secrecy::ExposeSecret as _;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as metrics;
use signoff_ledger::DatabaseUrls;
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::office::TEAM;
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

const SOURCES: [feed::Source; 3] =
    [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway];

/// How many records each service has of a workflow.
async fn records(office: &Office) -> [usize; 3] {
    let mut records = [0; 3];
    for (count, source) in records.iter_mut().zip(SOURCES) {
        *count = office.trail(source).await.len();
    }
    records
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
        let cases = office.lanes.cases_of(lob).await;
        assert!(!cases.is_empty());
        for case in cases {
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
    let feeds = counting.freshness().await.feeds;
    assert_eq!(feeds.len(), SOURCES.len());
    for feed in feeds {
        assert!(feed.lag.is_none_or(|lag| lag.seconds >= 0 && lag.nanos >= 0));
    }
    let (status, numbers) = get(counting.watched_at, "/metrics").await;
    assert_eq!(status, 200);
    let mut samples = numbers.lines().filter(|line| line.starts_with("signoff_")).peekable();
    assert!(samples.peek().is_some(), "{numbers}");
    let negative: Vec<&str> = samples.filter(|line| line.contains(" -")).collect();
    assert!(negative.is_empty(), "{negative:?}");
}

/// What the clock says in turn, in hours ahead of the test's own; nothing, where that is before what was
/// recorded last.
const SAID: [Option<i64>; 4] = [Some(3), None, Some(5), None];

/// Trails fit, and their times are what the clock said, which never went back for them. How many records
/// there were is known before all, and after each of what it said.
async fn expect_times(office: &Office, began: i64, had: &[[usize; 3]]) {
    for (nth, source) in SOURCES.into_iter().enumerate() {
        let verified = office.verify(source).await;
        assert!(verified.intact, "{source:?}: {verified:?}");
        let trail = office.trail(source).await;
        assert!(!trail.is_empty());
        let times: Vec<_> = trail.iter().map(|of| of.recorded_at.unwrap()).collect();
        let later = |pair: &[prost_types::Timestamp]| {
            (pair[0].seconds, pair[0].nanos) <= (pair[1].seconds, pair[1].nanos)
        };
        assert!(times.windows(2).all(later), "{source:?}: {times:?}");
        let hours = |at: &prost_types::Timestamp| (at.seconds - began + 1800).div_euclid(3600);
        let (mut ahead, mut behind) = (0, 0);
        for (had, said) in had.windows(2).zip(SAID) {
            let (before, added) = times[..had[1][nth]].split_at(had[0][nth]);
            if let Some(said) = said {
                ahead += added.len();
                assert!(added.iter().all(|at| hours(at) == said), "{source:?}: {added:?}");
            } else {
                // Time stands still until the clock is there.
                behind += added.len();
                assert!(added.iter().all(|at| Some(at) == before.last()), "{source:?}: {added:?}");
            }
        }
        assert!(ahead > 0 && behind > 0, "{source:?}: {had:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_back_takes_nothing_from_anybody() {
    let house = House::new().await;
    let counting = Counting::of(&house).await;
    let office = Office::of(&house).await;
    let began = prost_types::Timestamp::from(SystemTime::now()).seconds;
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

    // At the gateway, somebody comes and goes.
    let members = async |more: &[(i64, Role)]| {
        house.set_members(office.workflow, &[&TEAM[..], more].concat()).await;
    };
    let another = [(13, Role::Tester)];

    let mut had = vec![records(&office).await];
    ahead(&mut clocks, 3).await;
    office.through(Phase::DATA_OWNER_ID).await;
    members(&another).await;
    had.push(records(&office).await);
    ahead(&mut clocks, 0).await;
    expect_in_charge(&office).await;
    // On, with the clock behind all that was recorded; then it goes ahead and back again.
    office.complete(Phase::REQUEST_INFO).await;
    members(&[]).await;
    expect_in_charge(&office).await;
    had.push(records(&office).await);
    ahead(&mut clocks, 5).await;
    office.complete(Phase::TEST_EXECUTION).await;
    members(&another).await;
    had.push(records(&office).await);
    ahead(&mut clocks, -2).await;
    office.complete(Phase::OBSERVATION_MANAGEMENT).await;
    members(&[]).await;
    expect_in_charge(&office).await;
    had.push(records(&office).await);

    expect_times(&office, began, &had).await;
    let board = office.board().await;
    assert_eq!(board.lanes.len(), LOBS.len());
    assert!(board.lanes.iter().all(|lane| lane.owner.is_some()), "{:?}", board.lanes);
    counting.settled(&house).await;
    expect_no_negative(&counting, &office).await;
    let auditor = counting.auditor().await;
    until("nothing waits", || async {
        let now = auditor.call(metrics::GetFreshnessRequest {}).await.unwrap();
        let behind = now.feeds.iter().filter(|feed| feed.lag_records != 0).count();
        (now.feeds.len() == SOURCES.len() && behind == 0).then_some(())
    })
    .await;
    counting.stop().await;
}
