//! The whole system under load for as long as it takes to see whether anything grows.
//!
//! First the top load is found: ever more people, each of whom asks again once they were answered.
//! Then a part of it is offered at an even pace, whether anybody was answered or not, and what was not
//! begun in time counts from when it was due. Meanwhile memory, open files, latencies and what the
//! metrics service says of its feeds are noted. In the end the feeds must have nothing left.
//!
//! Of PostgreSQL nothing is noted: it is no part of what is built here, how much memory it may take is a
//! setting of its own, and what it gets slower at is seen in the latencies.

mod people;
mod report;
mod street;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::join_all;
use secrecy::ExposeSecret as _;
use signoff_embedded::Cluster;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::facts::Facts;
use people::{Desk, Heard};
use report::Sample;
pub use report::SoakReport;
use street::Street;

/// How many people ask at once while the top load is looked for.
const RISING: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// How long the feeds may take to be at their end.
const CAUGHT_UP: Duration = Duration::from_secs(60);
/// How often they are looked at then.
const LOOK: Duration = Duration::from_millis(250);

/// How long, and how much.
#[derive(Clone, Debug, clap::Args)]
pub struct SoakArgs {
    /// How long the load is held.
    #[arg(long, default_value_t = 30.0)]
    pub minutes: f64,
    /// Which part of the top load.
    #[arg(long, default_value_t = 0.7)]
    pub load: f64,
    /// How long the top load is looked for.
    #[arg(long, default_value_t = 60.0)]
    pub search_seconds: f64,
    /// How often everything is noted.
    #[arg(long, default_value_t = 5.0)]
    pub every_seconds: f64,
    /// How many people work at most.
    #[arg(long, default_value_t = 32)]
    pub people: usize,
}

/// Finds the top load, holds a part of it, and says what became of the system. `program` is this
/// program: its commands are the services.
///
/// # Errors
/// The system does not start, or nobody is answered.
pub async fn run(program: PathBuf, args: &SoakArgs, tell: impl Fn(&str)) -> Result<SoakReport> {
    ensure!(args.minutes > 0.0 && args.load > 0.0 && args.people > 0, "nothing to be held");
    let cluster = Cluster::temporary().await?;
    let mut admin = PgConnection::connect(cluster.admin_url().expose_secret()).await?;
    let facts = Facts::of(&mut admin).await?;
    ensure!(facts.is_durable(), "the database may lose what it confirmed: {:?}", facts.settings);
    drop(admin);
    let street = Arc::new(Street::start(&cluster, &program).await?);
    let mut desks = Vec::new();
    for number in 0..args.people {
        desks.push(Desk::new(&street, number).await?);
    }

    let (desks, top) = search(desks, args, &tell).await?;
    let rate = top * args.load;
    tell(&format!(
        "top load {top:.0} calls/s; {rate:.0} calls/s are held for {} min",
        args.minutes
    ));
    let held = hold(&street, desks, rate, args, &tell).await?;
    let caught_up = caught_up(&street, &tell).await;
    let report = SoakReport::of(facts, args, (top, rate), held, caught_up);
    drop(street);
    cluster.stop().await?;
    Ok(report)
}

/// The most calls in a second that are answered, with however many people.
async fn search(
    mut desks: Vec<Desk>,
    args: &SoakArgs,
    tell: &impl Fn(&str),
) -> Result<(Vec<Desk>, f64)> {
    let steps: Vec<usize> = RISING.into_iter().filter(|people| *people <= args.people).collect();
    let each = Duration::from_secs_f64(args.search_seconds / crate::stats::count(steps.len()));
    let mut top: f64 = 0.0;
    for people in steps {
        let began = Instant::now();
        let rest = desks.split_off(people);
        let working = desks.into_iter().map(|mut desk| {
            tokio::spawn(async move {
                let mut answered = 0;
                while began.elapsed() < each {
                    answered += usize::from(desk.step().await.is_ok());
                }
                (desk, answered)
            })
        });
        let (mut back, mut answered) = (Vec::new(), 0);
        for done in join_all(working).await {
            let (desk, of_desk) = done.context("somebody's work")?;
            back.push(desk);
            answered += of_desk;
        }
        back.extend(rest);
        desks = back;
        let rate = crate::stats::count(answered) / began.elapsed().as_secs_f64();
        tell(&format!("{people} at once: {rate:.0} calls/s"));
        top = top.max(rate);
    }
    ensure!(top > 0.0, "nobody was answered");
    Ok((desks, top))
}

/// Offers so many calls a second for as long as it is told, and notes what became of them.
async fn hold(
    street: &Arc<Street>,
    desks: Vec<Desk>,
    rate: f64,
    args: &SoakArgs,
    tell: &impl Fn(&str),
) -> Result<Vec<Sample>> {
    let length = Duration::from_secs_f64(args.minutes * 60.0);
    // What is due and was not begun waits here, without a bound: it is what is measured.
    let (due, waiting) = mpsc::unbounded_channel::<Instant>();
    let (waiting, heard) = (Arc::new(Mutex::new(waiting)), Arc::new(Heard::default()));
    let working: Vec<_> = desks
        .into_iter()
        .map(|mut desk| {
            let (waiting, heard) = (Arc::clone(&waiting), Arc::clone(&heard));
            tokio::spawn(async move {
                loop {
                    let next = waiting.lock().await.recv().await;
                    let Some(was_due) = next else { return };
                    let answer = desk.step().await;
                    heard.note(was_due.elapsed(), answer.err());
                }
            })
        })
        .collect();
    let stop = CancellationToken::new();
    let pacing = tokio::spawn(pace(due, rate, stop.clone()));

    let began = Instant::now();
    let mut samples = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs_f64(args.every_seconds));
    tick.tick().await;
    while began.elapsed() < length {
        tick.tick().await;
        let sample = Sample::of(began.elapsed(), street, heard.take()).await;
        tell(&sample.line());
        samples.push(sample);
    }
    stop.cancel();
    pacing.await.context("the pace")?;
    for done in working {
        done.await.context("somebody's work")?;
    }
    Ok(samples)
}

/// Says when calls are due.
async fn pace(due: mpsc::UnboundedSender<Instant>, rate: f64, stop: CancellationToken) {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let began = Instant::now();
    let mut said: u32 = 0;
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        loop {
            let next = Duration::from_secs_f64(f64::from(said) / rate);
            if next > began.elapsed() {
                break;
            }
            if due.send(began + next).is_err() {
                return;
            }
            said += 1;
        }
    }
}

/// How long the feeds took until nothing of them was left; nothing, if that took too long.
async fn caught_up(street: &Street, tell: &impl Fn(&str)) -> Option<Duration> {
    let began = Instant::now();
    let mut tick = tokio::time::interval(LOOK);
    while began.elapsed() < CAUGHT_UP {
        tick.tick().await;
        match street.nothing_is_left().await {
            Ok(true) => return Some(began.elapsed()),
            Ok(false) => {}
            // The report is not lost for it: whoever never answers is not at the end.
            Err(error) => tell(&format!("{error:#}")),
        }
    }
    None
}
