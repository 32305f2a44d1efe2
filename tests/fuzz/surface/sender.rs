//! Sends messages one after the other, and looks at what each has left behind.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_tests::house::AUDITOR;
use signoff_tests::rpc::descriptors;
use signoff_workflow::{Role, Workflow};
use tokio::time::error::Elapsed;
use tonic::{Code, Status};

use super::generate::Maker;
use super::judge::{Answer, Coverage, may_change, unfair};
use super::known::Known;
use super::listener::Heard;
use super::place::{Caller, Place, backends_of};
use super::plain::{self, Requests};
use super::rows::{Databases, Rows, differing};
use super::spoil::spoilt;
use super::{every_method, path_of, reads, story};
use crate::dice::dice;
use crate::panics;

/// How long anything may take: what takes longer hangs.
const FOREVER: Duration = Duration::from_secs(60);
/// What answers without an end: at once when it is granted, and again when there is something new.
const ENDLESS: [&str; 2] =
    ["/signoff.feed.v1.FeedService/Subscribe", "/signoff.gateway.v1.WorkflowService/WatchBoard"];
/// How long such a stream is listened to that has nothing more to say.
const QUIET: Duration = Duration::from_millis(100);
/// How many answers of a stream are taken.
const TAKEN: usize = 50;
/// How many faults are shown.
const SHOWN: usize = 12;
/// How often a command is tried again that was granted in the story: there may be nothing left to be done.
const TRIED_AGAIN: usize = 4;
/// Of so many requests over plain sockets, some are granted.
const PLAIN_ENOUGH: usize = 100;

/// One house, and what happens in it.
pub(crate) struct Round {
    seed: u64,
    dice: ChaCha8Rng,
    place: Place,
    databases: Databases,
    /// What the databases hold, as long as nothing was granted.
    rows: Option<Rows>,
    methods: Vec<Method>,
    people: Vec<Caller>,
    workflows: Vec<Workflow>,
    closable: Vec<Workflow>,
    known: HashMap<Workflow, Known>,
    coverage: Coverage,
    faults: Vec<String>,
}

struct Method {
    descriptor: MethodDescriptor,
    path: String,
    /// It changes nothing.
    reads: bool,
    /// It ends the work on a report.
    ends: bool,
    /// Requests that were granted.
    heard: Vec<Heard>,
}

/// What is sent.
struct Call {
    caller: Caller,
    messages: Vec<Vec<u8>>,
    workflow: Workflow,
}

impl Round {
    /// Builds a house, and does some real work in it.
    pub(crate) async fn begin(seed: u64, coverage: Coverage) -> Self {
        println!("a house with the seed {seed}");
        let place = Place::new().await;
        let story = story::told(&place).await;
        place.counting.settled(&place.house).await;
        let databases = Databases::of(&place.house, &place.counting).await;
        let people = place.people();
        let mut round = Self {
            seed,
            dice: dice(seed, 0),
            place,
            databases,
            rows: None,
            methods: methods(&story.heard),
            people,
            workflows: story.workflows,
            closable: story.closable,
            known: HashMap::new(),
            coverage,
            faults: Vec::new(),
        };
        for heard in &story.heard {
            round.coverage.count(&heard.path, Answer::GrantedInStory);
        }
        round.learn_what_was_heard();
        for (workflow, name, bytes) in &story.found {
            let known = round.known.entry(*workflow).or_default();
            let found = descriptors().get_message_by_name(name).expect("a message");
            let found = DynamicMessage::decode(found, bytes.as_slice()).unwrap();
            known.learn(&found, &mut round.dice);
        }
        round
    }

    fn learn_what_was_heard(&mut self) {
        for method in &self.methods {
            for heard in &method.heard {
                for bytes in &heard.messages {
                    let input = method.descriptor.input();
                    let message = DynamicMessage::decode(input, bytes.as_slice()).unwrap();
                    if let Some(workflow) = workflow_of(&message) {
                        let known = self.known.entry(workflow).or_default();
                        known.learn(&message, &mut self.dice);
                    }
                }
            }
        }
    }

    /// Sends so many messages, each to any method.
    pub(crate) async fn send(&mut self, count: usize) {
        for number in 0..count {
            // Each method gets its share.
            let at = if number < 2 * self.methods.len() {
                number % self.methods.len()
            } else {
                self.dice.random_range(0..self.methods.len())
            };
            let call = self.call_to(at);
            self.send_one(at, call).await;
        }
    }

    /// Tries to get each method to grant something that has not yet; and to refuse something.
    pub(crate) async fn send_what_is_missing(&mut self, tries: usize) {
        for at in 0..self.methods.len() {
            let path = self.methods[at].path.clone();
            if !self.coverage.is_refused(&path) {
                let stranger = self.people.iter().find(|caller| !caller.is_known).cloned();
                let call = Call { caller: stranger.unwrap(), ..self.good_call_to(at) };
                self.send_one(at, call).await;
            }
            let Method { reads, heard, .. } = &self.methods[at];
            let (reads, heard) = (*reads, heard.clone());
            // What was read once may be read again; by an auditor, if its reader is no member any more.
            let again =
                heard.iter().filter(|_| reads).flat_map(|heard| [(heard, false), (heard, true)]);
            for (heard, is_auditor) in again {
                if !self.coverage.is_granted(&path) {
                    let call = self.again(at, heard, is_auditor);
                    self.send_one(at, call).await;
                }
            }
            let tries = if reads || heard.is_empty() { tries } else { TRIED_AGAIN };
            for _ in 0..tries {
                if self.coverage.is_granted(&path) {
                    break;
                }
                let call = match heard.choose(&mut self.dice) {
                    Some(heard) => self.renewed(at, heard),
                    None => self.good_call_to(at),
                };
                self.send_one(at, call).await;
            }
        }
    }

    /// Sends so many requests over plain sockets.
    pub(crate) async fn send_plainly(&mut self, count: usize) {
        let mut requests = Requests::new(self.seed);
        let (mut granted, mut refused) = (0, 0);
        for _ in 0..count {
            let workflow = *self.workflows.choose(&mut self.dice).unwrap();
            let person = *[10, 12, 20, 999].choose(&mut self.dice).unwrap();
            let token = self.place.house.token(person, &[]);
            let request = requests.next(workflow, &token);
            if self.rows.is_none() {
                self.rows = Some(self.databases.rows().await);
            }
            let written = self.databases.written().await;
            let answering = plain::said(self.place.gateway, &request);
            let answer = tokio::time::timeout(FOREVER, answering).await;
            let judged = answer.map_err(|_| "it hangs".to_owned()).and_then(|a| plain::judged(&a));
            // Another header may stand where the token was.
            let is_known = request.windows(token.len()).any(|part| part == token.as_bytes());
            match judged {
                Err(what) => self.plain_fault(&request, &what),
                Ok(true) => {
                    granted += 1;
                    self.rows = None;
                    if !is_known {
                        self.plain_fault(&request, "it is granted to a stranger");
                    }
                }
                Ok(false) => {
                    refused += 1;
                    if self.databases.written().await != written {
                        let changed = self.changed_unduly("", true, written).await;
                        if !changed.is_empty() {
                            self.plain_fault(&request, &format!("{changed:?} changed"));
                        }
                    }
                }
            }
        }
        println!("over plain sockets: {granted} granted, {refused} refused");
        if count >= PLAIN_ENOUGH && granted == 0 {
            self.faults.push(format!("none of {count} was granted over plain sockets"));
        }
    }

    fn plain_fault(&mut self, request: &[u8], what: &str) {
        self.faults.push(format!("{what}: {}", String::from_utf8_lossy(request)));
    }

    /// Everything that was wrong.
    pub(crate) async fn end(mut self) -> Coverage {
        Databases::cleared(&self.place.house).await;
        self.place.end().await;
        self.faults.extend(panics::seen().into_iter().map(|panic| format!("a service {panic}")));
        let (seed, count) = (self.seed, self.faults.len());
        self.faults.truncate(SHOWN);
        assert!(self.faults.is_empty(), "seed {seed}: {count} faults\n{}", self.faults.join("\n"));
        self.coverage
    }

    /// A call that looks as good as it can without knowing anything of the method.
    fn good_call_to(&mut self, at: usize) -> Call {
        let workflow = *self.workflows.choose(&mut self.dice).unwrap();
        let caller = self.people[self.dice.random_range(0..9)].clone();
        let messages = vec![self.made(at, workflow, 5)];
        Call { caller, messages, workflow }
    }

    /// A call that was granted, as it was.
    fn again(&mut self, at: usize, heard: &Heard, is_auditor: bool) -> Call {
        let input = self.methods[at].descriptor.input();
        let its = heard.messages.first().and_then(|bytes| {
            workflow_of(&DynamicMessage::decode(input, bytes.as_slice()).expect("its request"))
        });
        let workflow = its.unwrap_or(self.workflows[0]);
        let caller = if is_auditor {
            self.place.with_token(&self.place.house.token(AUDITOR, &[Role::Auditor]))
        } else {
            self.whoever_sent(heard, workflow)
        };
        Call { caller, messages: heard.messages.clone(), workflow }
    }

    /// A call like one that was granted, with a request id of its own.
    fn renewed(&mut self, at: usize, heard: &Heard) -> Call {
        let simple = self.workflows.len().saturating_sub(2);
        let mut workflow = *self.workflows[simple..].choose(&mut self.dice).unwrap();
        let caller = self.whoever_sent(heard, workflow);
        let messages = self.varied(at, heard, &mut workflow, 0);
        Call { caller, messages, workflow }
    }

    fn call_to(&mut self, at: usize) -> Call {
        let method = &self.methods[at];
        let (ends, heard) = (method.ends, method.heard.choose(&mut self.dice).cloned());
        let pool = if ends { &self.closable } else { &self.workflows };
        // Those that came last are the simplest: there, most of it can be done.
        let simple = &pool[pool.len().saturating_sub(2)..];
        let pool = if self.dice.random_bool(0.5) { simple } else { pool };
        let mut workflow = *pool.choose(&mut self.dice).unwrap();
        let odd = *[0, 0, 10, 60, 200].choose(&mut self.dice).unwrap();
        let mut caller = None;
        let mut messages = match heard {
            Some(heard) if self.dice.random_bool(0.55) => {
                if self.dice.random_bool(0.7) {
                    caller = Some(self.whoever_sent(&heard, workflow));
                }
                self.varied(at, &heard, &mut workflow, odd)
            }
            _ => vec![self.made(at, workflow, odd)],
        };
        if self.methods[at].descriptor.is_client_streaming() {
            for _ in 0..self.dice.random_range(0..3) {
                messages.push(self.made(at, workflow, odd));
            }
        }
        if self.dice.random_bool(0.15) {
            let other = self.made(at, workflow, odd);
            let last = messages.pop().unwrap_or_default();
            messages.push(spoilt(last, &other, &mut self.dice));
        }
        let caller = caller.unwrap_or_else(|| self.anybody(at, workflow));
        Call { caller, messages, workflow }
    }

    fn whoever_sent(&mut self, heard: &Heard, workflow: Workflow) -> Caller {
        match heard.token.as_str() {
            "" => {
                let at = backends_of(&heard.path)[0];
                self.place.direct(at, 1, workflow, &[Role::Gateway])
            }
            token => self.place.with_token(token),
        }
    }

    /// Anybody at the gateway, or somebody who goes round it.
    fn anybody(&mut self, at: usize, workflow: Workflow) -> Caller {
        let backends = backends_of(&self.methods[at].path);
        match backends.choose(&mut self.dice) {
            Some(backend) if self.dice.random_bool(0.4) => {
                let person = *[1, 10, 12, 20, 30, 101].choose(&mut self.dice).unwrap();
                let role = *Role::ALL.choose(&mut self.dice).unwrap();
                self.place.direct(*backend, person, workflow, &[role])
            }
            _ => self.people.choose(&mut self.dice).unwrap().clone(),
        }
    }

    /// A message from scratch.
    fn made(&mut self, at: usize, workflow: Workflow, odd: u32) -> Vec<u8> {
        let input = self.methods[at].descriptor.input();
        // Sometimes, what is known of another report.
        let of = if self.dice.random_bool(0.1) { self.workflows[0] } else { workflow };
        let known = self.known.entry(of).or_default();
        let mut maker = Maker { dice: &mut self.dice, known, workflow, odd };
        maker.message(&input, 0).encode_to_vec()
    }

    /// Messages like those that were granted once.
    fn varied(
        &mut self,
        at: usize,
        heard: &Heard,
        workflow: &mut Workflow,
        odd: u32,
    ) -> Vec<Vec<u8>> {
        let input = self.methods[at].descriptor.input();
        let mut messages = Vec::new();
        let elsewhere = self.dice.random_bool(0.5);
        for bytes in &heard.messages {
            let mut message = DynamicMessage::decode(input.clone(), bytes.as_slice()).unwrap();
            match workflow_of(&message) {
                Some(its) if !elsewhere => *workflow = its,
                Some(_) => set_workflow(&mut message, *workflow),
                None => {}
            }
            let known = self.known.entry(*workflow).or_default();
            let dice = &mut self.dice;
            let mut maker = Maker { dice, known, workflow: *workflow, odd };
            maker.renew(&mut message, elsewhere);
            if maker.dice.random_bool(0.5) {
                maker.vary(&mut message);
            }
            messages.push(message.encode_to_vec());
        }
        messages
    }

    async fn send_one(&mut self, at: usize, call: Call) {
        if self.rows.is_none() {
            self.rows = Some(self.databases.rows().await);
        }
        let written = self.databases.written().await;
        let path = self.methods[at].path.clone();
        let mut answer = exchange(&path, &call).await;
        // A machine that has too much to do may not get to it in time: but it is no message's doing.
        if let Ok(Err(status)) = &answer
            && status.code() == Code::Unavailable
        {
            answer = exchange(&path, &call).await;
        }
        let Ok(answer) = answer else { return self.fault(&path, &call, "it hangs") };
        let counted = if answer.is_ok() { Answer::Granted } else { Answer::Refused };
        self.coverage.count(&path, counted);
        let is_written = self.databases.written().await != written;
        match &answer {
            Ok(answers) => {
                if !call.caller.is_known {
                    self.fault(&path, &call, "it is granted to a stranger");
                }
                if !is_as_many(&self.methods[at].descriptor, answers.len()) {
                    let what = format!("it is granted with {} answers", answers.len());
                    self.fault(&path, &call, &what);
                }
                self.learn(at, &call, answers);
                if !self.methods[at].reads {
                    self.rows = None;
                } else if is_written {
                    self.expect_unchanged(at, &call, written, None).await;
                }
            }
            Err(status) => {
                if let Some(what) = unfair(status, call.caller.is_known) {
                    self.fault(&path, &call, &format!("{what}: {status:?}"));
                }
                if is_written {
                    self.expect_unchanged(at, &call, written, Some(status)).await;
                }
            }
        }
    }

    /// After a refusal, or after what only reads.
    async fn expect_unchanged(
        &mut self,
        at: usize,
        call: &Call,
        written: i64,
        refused: Option<&Status>,
    ) {
        let path = self.methods[at].path.clone();
        let at_gateway = refused.is_some() && call.caller.is_at_gateway;
        let changed = self.changed_unduly(&path, at_gateway, written).await;
        if !changed.is_empty() {
            let answer = refused.map_or("it reads".to_owned(), said);
            self.fault(&path, call, &format!("{changed:?} changed, though {answer}"));
        }
    }

    /// The tables that are not what they were before, and should be; and the commands that were done.
    async fn changed_unduly(&mut self, path: &str, at_gateway: bool, written: i64) -> Vec<String> {
        let after = self.databases.rows().await;
        let before = self.rows.replace(after.clone()).expect("it was looked at before");
        let mut changed = differing(&before, &after);
        if changed.is_empty() {
            return changed;
        }
        let commands = self.databases.commands_since(written).await;
        changed.retain(|table| !may_change(path, at_gateway, table, &commands));
        if !changed.is_empty() {
            changed.extend(commands);
        }
        changed
    }

    fn learn(&mut self, at: usize, call: &Call, answers: &[Vec<u8>]) {
        let output = self.methods[at].descriptor.output();
        let input = self.methods[at].descriptor.input();
        // Whatever a token or an id says: what is answered is of the report that was asked for.
        let asked = call
            .messages
            .first()
            .and_then(|bytes| workflow_of(&DynamicMessage::decode(input, bytes.as_slice()).ok()?));
        let known = self.known.entry(call.workflow).or_default();
        let mut strange = None;
        for bytes in answers {
            let answer = DynamicMessage::decode(output.clone(), bytes.as_slice());
            let answer = answer.expect("the method's answer");
            known.learn(&answer, &mut self.dice);
            strange = strange.or_else(|| asked.and_then(|asked| another_report(&answer, asked)));
        }
        if let Some(scope) = strange {
            let path = self.methods[at].path.clone();
            self.fault(&path, call, &format!("the answer is about {scope}"));
        }
    }

    fn fault(&mut self, path: &str, call: &Call, what: &str) {
        let messages: Vec<String> = call.messages.iter().map(|bytes| shown(path, bytes)).collect();
        let name = &call.caller.name;
        self.faults.push(format!("{path} by {name}: {what}\n    {}", messages.join("\n    ")));
    }
}

/// Sends the messages of a call, and gives its answers.
async fn exchange(path: &str, call: &Call) -> Result<Result<Vec<Vec<u8>>, Status>, Elapsed> {
    let messages = call.messages.clone();
    let quiet = ENDLESS.contains(&path).then_some(QUIET);
    let answering = call.caller.person.exchange(path, messages, (TAKEN, quiet));
    tokio::time::timeout(FOREVER, answering).await
}

/// Whether a method may give so many answers if it grants something. What is endless says something first.
fn is_as_many(method: &MethodDescriptor, answers: usize) -> bool {
    match method.is_server_streaming() {
        true => answers > 0 || !ENDLESS.contains(&path_of(method).as_str()),
        false => answers == 1,
    }
}

fn said(status: &Status) -> String {
    format!("it was refused: {:?}, {}", status.code(), status.message())
}

/// A scope in a message that is of another report.
fn another_report(message: &DynamicMessage, asked: Workflow) -> Option<String> {
    message.fields().find_map(|(field, value)| match value {
        Value::Message(_) if field.name() == "scope" => {
            let found = workflow_of(message).filter(|found| *found != asked)?;
            Some(format!("{found:?}"))
        }
        Value::Message(inner) => another_report(inner, asked),
        Value::List(inner) => {
            inner.iter().filter_map(Value::as_message).find_map(|of| another_report(of, asked))
        }
        _ => None,
    })
}

/// A message for whoever reads of it, and for whoever sends it again.
fn shown(path: &str, bytes: &[u8]) -> String {
    let method = every_method().into_iter().find(|method| path_of(method) == path);
    let message = DynamicMessage::decode(method.expect("a method").input(), bytes);
    let text = message.map_or_else(|fault| fault.to_string(), |message| format!("{message}"));
    let cut = |text: String| text.chars().take(2_000).collect::<String>();
    format!("{} = {}", cut(text), cut(hex::encode(bytes)))
}

fn methods(heard: &[Heard]) -> Vec<Method> {
    let of = |descriptor: MethodDescriptor| {
        let path = path_of(&descriptor);
        let heard = heard.iter().filter(|heard| heard.path == path).cloned().collect();
        Method {
            reads: reads(&descriptor),
            ends: descriptor.name() == "CloseWorkflow",
            descriptor,
            path,
            heard,
        }
    };
    every_method().into_iter().map(of).collect()
}

/// The workflow that a request is about.
fn workflow_of(message: &DynamicMessage) -> Option<Workflow> {
    let scope = message.get_field_by_name("scope")?;
    let scope = scope.as_message()?;
    let id = |name| scope.get_field_by_name(name)?.as_str()?.parse().ok();
    Some(Workflow { cycle_id: id("cycle_id")?, report_id: id("report_id")? })
}

fn set_workflow(message: &mut DynamicMessage, workflow: Workflow) {
    let Some(scope) = message.get_field_by_name_mut("scope").and_then(Value::as_message_mut) else {
        return;
    };
    scope.set_field_by_name("cycle_id", Value::String(workflow.cycle_id.to_string()));
    scope.set_field_by_name("report_id", Value::String(workflow.report_id.to_string()));
}
