//! The shortest sequences on which earlier ways to store versions gave a wrong answer.

use signoff_contract::versioning::v1::RecommendationSource;
use signoff_tests::{World, integrity};

use crate::driver::Driver;
use crate::step::{Command, Key, Opinion, PEOPLE, Put, Step, Tag, Verdict, Who};

/// A step of a sequence, on the line's newest version where it names none.
#[derive(Clone, Copy, Debug)]
enum Do {
    Create,
    /// From the default baseline.
    Revise,
    /// From this version.
    ReviseFrom(usize),
    Add(Key),
    Edit(Key),
    Remove(Key),
    Submit,
    Withdraw,
    Accept(Key),
    Decline(Key),
    /// Changes an item, and has the change confirmed.
    Change(Key),
    /// Changes an item; nobody confirms it.
    Propose(Key),
    Approve,
    Reject,
    Delete(usize),
}

use Do::{
    Accept, Add, Approve, Change, Create, Decline, Delete, Edit, Propose, Reject, Remove, Revise,
    ReviseFrom, Submit, Withdraw,
};

const A: Key = 0;
const B: Key = 1;

const SEQUENCES: &[(&str, &[Do])] = &[
    ("an item is put forward and taken out in one draft", &[Create, Add(B), Remove(B)]),
    ("an item is put forward and edited in one draft", &[Create, Add(B), Edit(B)]),
    (
        "a deleted draft had taken an item out",
        &[Create, Add(B), Submit, Accept(B), Approve, Revise, Remove(B), Delete(2), Revise],
    ),
    (
        "a deleted draft had edited an item that was changed before",
        &[Create, Add(A), Submit, Change(A), Approve, Revise, Edit(A), Delete(2), Revise],
    ),
    (
        "a later version ruled differently than the baseline",
        &[
            Create,
            Add(A),
            Submit,
            Accept(A),
            Approve,
            ReviseFrom(1),
            Submit,
            Change(A),
            Approve,
            ReviseFrom(1),
        ],
    ),
    ("a key comes back after its draft was deleted", &[Create, Add(A), Delete(1), Create, Add(A)]),
    (
        "a deleted version keeps its rulings",
        &[Create, Add(B), Submit, Change(B), Withdraw, Delete(1)],
    ),
    (
        "an item that only the deleted draft had is not in the next version",
        &[
            Create,
            Add(A),
            Submit,
            Accept(A),
            Approve,
            Revise,
            Add(B),
            Submit,
            Accept(B),
            Withdraw,
            Delete(2),
            Revise,
        ],
    ),
    (
        "a rejected item comes back, is rejected again, and the older baseline is taken up",
        &[
            Create,
            Add(A),
            Add(B),
            Submit,
            Accept(A),
            Decline(B),
            Reject,
            Revise,
            Add(B),
            Submit,
            Decline(B),
            Reject,
            ReviseFrom(1),
            Add(B),
            Submit,
            Accept(B),
            Approve,
        ],
    ),
    (
        "an unconfirmed change is not carried, and the item is put forward again",
        &[Create, Add(A), Add(B), Submit, Propose(A), Accept(B), Reject, Revise, Add(A)],
    ),
    (
        "an edit of a restated item goes on from the baseline's content",
        &[
            Create,
            Add(A),
            Submit,
            Accept(A),
            Approve,
            Revise,
            Remove(A),
            Add(A),
            Delete(2),
            Revise,
            Edit(A),
            Submit,
            Accept(A),
            Approve,
        ],
    ),
    (
        "an item that was removed and approved versions later returns with its old ruling",
        &[
            Create,
            Add(A),
            Add(B),
            Submit,
            Accept(A),
            Accept(B),
            Approve,
            Revise,
            Remove(A),
            Submit,
            Approve,
            ReviseFrom(1),
            Submit,
            Approve,
            ReviseFrom(2),
        ],
    ),
    (
        "what was changed and confirmed is approved again in the next version",
        &[Create, Add(A), Submit, Change(A), Approve, Revise, Submit, Accept(A), Approve, Revise],
    ),
    (
        "nobody alone undoes a change that two agreed on",
        &[
            Create,
            Add(A),
            Submit,
            Change(A),
            Decline(A),
            Accept(A),
            Propose(A),
            Accept(A),
            Approve,
            Revise,
            Submit,
            Decline(A),
            Accept(A),
            Approve,
        ],
    ),
];

/// The steps as people take them: testers make, report owners rule.
fn steps(of: Do, newest: usize, serial: usize) -> Vec<Step> {
    let version = newest;
    let (maker, submitter, first, second) = (PEOPLE[0], PEOPLE[1], PEOPLE[2], PEOPLE[3]);
    let step = |who: Who, command| Step { who, tag: Tag::Current, command };
    let text = format!("text {serial}");
    let reason = format!("reason {serial}");
    let review = |key, verdict| {
        let who = if serial.is_multiple_of(2) { first } else { second };
        let opinion = Opinion { verdict, notes: format!("notes {serial}") };
        step(who, Command::Review { version, reviews: vec![(key, opinion)], remaining: None })
    };
    let change =
        |key| review(key, Verdict::Modified { text: text.clone(), reason: reason.clone() });
    let command = match of {
        Create => Command::Create { items: Vec::new() },
        Revise => Command::Revise { baseline: None, items: Vec::new() },
        ReviseFrom(baseline) => Command::Revise { baseline: Some(baseline), items: Vec::new() },
        Add(key) => {
            let source = RecommendationSource::Tester;
            Command::Add { version, items: vec![Put { key, text, source }] }
        }
        Edit(key) => Command::Update { version, key, text, reason },
        Remove(key) => Command::Remove { version, keys: vec![key], reason },
        Submit => return vec![step(submitter, Command::Submit { version })],
        Withdraw => Command::Withdraw { version },
        Accept(key) => return vec![review(key, Verdict::Approved)],
        Decline(key) => return vec![review(key, Verdict::Rejected)],
        Propose(key) => return vec![change(key)],
        Change(key) => {
            return vec![change(key), step(maker, Command::Confirm { version, keys: vec![key] })];
        }
        Approve => return vec![step(first, Command::Approve { version })],
        Reject => return vec![step(first, Command::Reject { version })],
        Delete(version) => Command::Delete { version },
    };
    vec![step(maker, command)]
}

#[tokio::test]
async fn earlier_mistakes_are_not_made_again() {
    let world = World::new().await;
    let channel = world.channel().await;
    for (what, sequence) in SEQUENCES {
        let mut driver = Driver::new(&world, &channel).await;
        for (serial, of) in sequence.iter().enumerate() {
            for step in steps(*of, driver.line.versions.len(), serial) {
                assert_eq!(driver.line.clone().apply(&step), Ok(()), "{what}: {of:?}");
                driver.step(&step).await.unwrap_or_else(|wrong| panic!("{what}: {of:?}\n{wrong}"));
            }
        }
        driver.verify().await.unwrap_or_else(|wrong| panic!("{what}\n{wrong}"));
    }
    let faults = integrity::faults(&mut world.as_superuser().await).await;
    assert!(faults.is_empty(), "{faults:?}");
    world.stop().await;
}

/// Who edited an item in a draft that was given up did not make what came after it, from an older
/// content.
#[tokio::test]
async fn an_edit_that_was_given_up_makes_nobody_a_maker() {
    let world = World::new().await;
    let mut driver = Driver::new(&world, &world.channel().await).await;
    let both = PEOPLE[4];
    let sequence = [Create, Add(A), Submit, Accept(A), Approve, Revise, Edit(A), Delete(2)];
    let later = [Revise, Edit(A), Submit, Accept(A), Approve];
    for (serial, of) in sequence.iter().chain(&later).enumerate() {
        for mut step in steps(*of, driver.line.versions.len(), serial) {
            let given_up = matches!(of, Edit(_)) && driver.line.versions.len() == 2;
            let ruling = matches!(of, Accept(_)) && driver.line.versions.len() == 3;
            if given_up || ruling {
                step.who = both;
            }
            assert_eq!(driver.line.clone().apply(&step), Ok(()), "{of:?}");
            driver.step(&step).await.unwrap_or_else(|wrong| panic!("{of:?}\n{wrong}"));
        }
    }
    world.stop().await;
}
