//! Clients that work on a few workflows at once, and what is recorded of it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::gateway::v1 as gateway;
use signoff_tests::Person;
use signoff_tests::house::{ADMIN, AUDITOR, listed};
use signoff_tests::people::request_id;
use signoff_tests::wait::until_within;
use signoff_tests::world::{whole, workflow};
use signoff_workflow::{Phase, Role, Workflow};
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use super::answers::{Told, answer, told};
use super::charges::Charges;
use super::checker::Span;
use super::judge::end_line;
use super::known::{FIRST_KEY, Known};
use super::op::{BELOW, Call, Op, Raw};
use super::people::{LEAD, MEMBERS, TEAM};
use super::request::Request;
use super::site::{Site, channel};
use crate::step::Who;

/// How long a client tries again, while this and that is killed and everybody else calls, too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// How many workflows are worked on.
pub(crate) const WORKFLOWS: usize = 4;

/// A few workflows, and everything that was done with them.
pub(crate) struct Round {
    pub(crate) workflows: Vec<Workflow>,
    /// What everybody knows of each.
    pub(crate) known: Vec<Mutex<Known>>,
    /// What was recorded of each.
    pub(crate) ops: Vec<Mutex<Vec<Op>>>,
    /// One more, with data owners.
    pub(crate) charges: Charges,
    clock: AtomicU64,
    /// How many calls may still be made.
    pub(crate) tickets: Semaphore,
    /// How many were answered.
    pub(crate) answered: AtomicUsize,
    /// How often somebody had too much to do or was away, and how connections ended.
    pub(crate) away: AtomicUsize,
    pub(crate) broken: Mutex<Vec<String>>,
    /// Errors that somebody met who came after this moment, and not by a gateway that is gone.
    pub(crate) calm_from: AtomicU64,
    pub(crate) late: Mutex<Vec<String>>,
}

/// A request that can be sent again as it is.
pub(crate) trait Ask: Sync {
    type Answer: Send;

    /// Sends it, once.
    fn send(&self, to: &Person) -> impl Future<Output = Result<Self::Answer, Status>> + Send;

    /// The answer of whoever is refused.
    fn refused(code: Code, reason: String) -> Self::Answer;
}

/// What became of a request.
pub(crate) struct Asked<A: Ask> {
    span: Span,
    sent: u64,
    lost: usize,
    pub(crate) answer: A::Answer,
}

impl<A: Ask> Asked<A> {
    /// Together with what it was.
    pub(crate) fn of<C>(self, who: Who, call: C, request_id: String) -> Op<C, A::Answer> {
        let Self { span, sent, lost, answer } = self;
        Op { who, call, request_id, span, sent, lost, answer }
    }
}

/// Opens a workflow for these people.
pub(crate) async fn open(site: &Site, workflow: Workflow, members: &[(i64, Role)]) {
    let admin = site.person(&channel(site.gateways()[0]), ADMIN, &[Role::Admin]);
    let request = gateway::OpenWorkflowRequest {
        scope: Some(whole(workflow)),
        cycle_name: "2026 Q4".to_owned(),
        report_name: "FR Y-14M, schedule D.1".to_owned(),
        members: listed(members),
        request_id: request_id(),
    };
    answer(&admin, request).await;
}

/// One of those who work.
pub(crate) struct Client {
    /// The team at each gateway.
    team: Vec<Vec<Person>>,
    /// Where it calls.
    at: AtomicUsize,
    gateways: Vec<SocketAddr>,
}

impl Client {
    /// With connections of its own; it begins at the gateway whose turn it is.
    pub(crate) fn new(site: &Site, number: usize) -> Self {
        let gateways = site.gateways();
        let team = |address: &SocketAddr| {
            let channel = channel(*address);
            let person = |who: &Who| site.person(&channel, who.user_id, &[]);
            let mut team: Vec<Person> = TEAM.iter().map(person).collect();
            team.push(site.person(&channel, AUDITOR, &[Role::Auditor]));
            team
        };
        let team = gateways.iter().map(team).collect();
        Self { team, at: AtomicUsize::new(number % gateways.len()), gateways }
    }

    fn person(&self, who: Who) -> &Person {
        let at = self.at.load(Ordering::SeqCst);
        let of = TEAM.iter().position(|known| *known == who).expect("one of the team");
        &self.team[at][of]
    }

    /// Somebody who may read everything.
    pub(crate) fn auditor(&self) -> &Person {
        &self.team[self.at.load(Ordering::SeqCst)][TEAM.len()]
    }

    /// Where it calls now.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.gateways[self.at.load(Ordering::SeqCst)]
    }

    /// The next gateway from now on.
    fn turn(&self) {
        let at = self.at.load(Ordering::SeqCst);
        self.at.store((at + 1) % self.gateways.len(), Ordering::SeqCst);
    }
}

impl Round {
    /// New workflows, in which Planning is started.
    pub(crate) async fn begin(site: &Site) -> Self {
        let workflows: Vec<Workflow> = (0..WORKFLOWS).map(|_| workflow()).collect();
        for workflow in &workflows {
            open(site, *workflow, &MEMBERS).await;
            let lead = site.person(&channel(site.gateways()[0]), LEAD.user_id, &[]);
            let request = gateway::StartPhaseRequest {
                scope: Some(signoff_tests::people::scope(*workflow, Phase::PLANNING)),
                request_id: request_id(),
                ..Default::default()
            };
            answer(&lead, request).await;
        }
        let round = Self {
            known: workflows.iter().map(|_| Mutex::default()).collect(),
            ops: workflows.iter().map(|_| Mutex::default()).collect(),
            charges: Charges::begin(site).await,
            workflows,
            clock: AtomicU64::new(1),
            tickets: Semaphore::new(0),
            answered: AtomicUsize::new(0),
            away: AtomicUsize::new(0),
            broken: Mutex::default(),
            calm_from: AtomicU64::new(u64::MAX),
            late: Mutex::default(),
        };
        // In some of them Data Profiling can be started at once.
        let client = Client::new(site, 0);
        for at in 0..WORKFLOWS / 2 {
            end_line(&round, &client, at, BELOW, FIRST_KEY).await;
        }
        round
    }

    /// A moment that is later than all before.
    pub(crate) fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Makes a call, again and again until there is an answer, and records both.
    pub(crate) async fn call(&self, client: &Client, at: usize, who: Who, call: Call) -> Raw {
        let request_id = request_id();
        let request = {
            let known = self.known[at].lock().unwrap();
            Request::of(self.workflows[at], &call, &known, &request_id)
        };
        let op = self.ask(client, who, &request).await.of(who, call, request_id);
        {
            let mut known = self.known[at].lock().unwrap();
            known.learn(super::place_of(&op.call), &op.answer);
            known.learn_gate(&op);
        }
        let answer = op.answer.clone();
        self.ops[at].lock().unwrap().push(op);
        answer
    }

    /// Sends a request, again and again until there is an answer.
    pub(crate) async fn ask<A: Ask>(&self, client: &Client, who: Who, request: &A) -> Asked<A> {
        let (lost, sent) = (AtomicUsize::new(0), AtomicU64::new(0));
        let invoked = self.now();
        let answer = until_within(PATIENCE, "an answer", || async {
            sent.store(self.now(), Ordering::SeqCst);
            let answer = self.send(client, who, request, invoked).await;
            lost.fetch_add(usize::from(answer.is_none()), Ordering::SeqCst);
            answer
        })
        .await;
        let (sent, lost) = (sent.into_inner(), lost.into_inner());
        let span = Span { invoked, returned: self.now(), optional: false };
        Asked { span, sent, lost, answer }
    }

    /// Sends a request that was first sent at this moment; gives nothing if it is to be sent again.
    async fn send<A: Ask>(
        &self,
        client: &Client,
        who: Who,
        request: &A,
        invoked: u64,
    ) -> Option<A::Answer> {
        let status = match request.send(client.person(who)).await {
            Ok(answer) => return Some(answer),
            Err(status) => status,
        };
        let met = format!("at {}: {status:?}", client.gateway());
        match told(&status) {
            Told::Refused(code, reason) => return Some(A::refused(code, reason)),
            Told::Busy | Told::Away => {
                self.away.fetch_add(1, Ordering::SeqCst);
            }
            Told::Broken => self.broken.lock().unwrap().push(met.clone()),
        }
        if invoked > self.calm_from.load(Ordering::SeqCst) {
            self.late.lock().unwrap().push(met);
        }
        client.turn();
        None
    }

    /// How often there was no answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.away.load(Ordering::SeqCst) + self.broken.lock().unwrap().len()
    }

    /// Works until there are no more tickets.
    pub(crate) async fn work(&self, client: Client, mut dice: ChaCha8Rng) {
        while let Ok(ticket) = self.tickets.acquire().await {
            ticket.forget();
            if dice.random_ratio(1, 5) {
                self.charges.work(self, &client, &mut dice).await;
                self.answered.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            let at = dice.random_range(0..WORKFLOWS);
            let (who, call) = {
                let known = self.known[at].lock().unwrap();
                super::choose::choose(&known, &mut dice)
            };
            let answer = self.call(&client, at, who, call).await;
            if dice.random_ratio(1, 12) {
                self.again(&client, at, &answer).await;
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Sends a change once more that was done: it is answered as it was, and nothing more happens.
    async fn again(&self, client: &Client, at: usize, answer: &Raw) {
        let done = {
            let ops = self.ops[at].lock().unwrap();
            let same = |op: &&Op| op.answer == *answer && op.call.is_change() && !op.is_refused();
            ops.iter().rev().find(same).cloned()
        };
        let Some(op) = done else { return };
        let request = {
            let known = self.known[at].lock().unwrap();
            Request::of(self.workflows[at], &op.call, &known, &op.request_id)
        };
        let again = self.ask(client, op.who, &request).await.answer;
        assert_eq!(again, op.answer, "the same request again: {op:?}");
    }
}
