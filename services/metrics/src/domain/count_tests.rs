use serde_json::json;

use super::super::metric::MetricType;
use super::super::story::{Story, at, counts, said, workflow};
use super::super::touch::{Source, Verdict};
use super::*;

const FIRST: Uuid = Uuid::from_u128(11);
const SECOND: Uuid = Uuid::from_u128(12);

/// A record as a trail has it, with the hash of its details.
const REVIEWED: &str = concat!(
    r#"{"action":"decisions.reviewed","actor":{"acting_service":null,"roles":["report_owner"],"#,
    r#""subject":"user-9","user_id":9},"after":null,"before":null,"#,
    r#""cycle_id":"00000000-0000-0000-0000-000000000001","details":{"chunks":1,"#,
    r#""root":"9c90f6115d9755a5ce8a402ea0ce16cb8855991acfad97dc9b221bbd4ad399f4","touched":1},"#,
    r#""format":1,"method":"/a.B/C","occurred_at":"2026-11-25T09:15:00.000000Z","#,
    r#""origin":"native","phase":"scoping","previous_hash":"#,
    r#""0000000000000000000000000000000000000000000000000000000000000000","reason":null,"#,
    r#""recorded_at":"2026-11-25T09:15:00.000000Z","#,
    r#""report_id":"00000000-0000-0000-0000-000000000002","request_id":null,"sequence":1,"#,
    r#""source":"versioning","subject":"00000000-0000-0000-0000-000000000007"}"#,
);
const HASH: &str = "e6fc7451564b1c4c843317be498c0bf26d80f4d30eb3f44cee0f589e45eb4f22";
const DETAILS: &str = "9c90f6115d9755a5ce8a402ea0ce16cb8855991acfad97dc9b221bbd4ad399f4";

fn hash(hex: &str) -> signoff_ledger::Hash {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn reviewed() -> Arrived {
    Arrived {
        workflow: workflow(),
        sequence: 1,
        format: 1,
        canonical: REVIEWED.into(),
        previous_hash: [0; 32],
        hash: hash(HASH),
        touches: Vec::new(),
        details: Some(hash(DETAILS)),
        odd: None,
    }
}

#[test]
fn a_record_is_understood_if_it_is_what_it_is_said_to_be() {
    let told = |record, with_details| {
        understand(record, Service::Versioning, with_details, PhaseTable::standard()).told
    };
    let what = What::Version { version: Uuid::from_u128(7), course: Course::Stays, held: None };
    let details = Some(hash(DETAILS));
    let expected = Told { at: at("09:15"), by: 9, phase: "scoping", what, details };
    assert_eq!(told(reviewed(), true), Ok(expected));
    // Where no details come, none are missed.
    assert_eq!(told(Arrived { details: None, ..reviewed() }, false), Ok(expected));

    let elsewhere = Workflow { cycle_id: FIRST, ..workflow() };
    let nameless = br#"{"sequence":1}"#;
    let of_nameless = hash("3d3dba4c6c97b7b6dfdfc9503949053903b984cf99d5c2eba654919d9a31ac96");
    for (record, reason, place) in [
        (Arrived { hash: [1; 32], ..reviewed() }, Reason::Hash, Place::Another),
        (Arrived { canonical: nameless.into(), ..reviewed() }, Reason::Hash, Place::Another),
        (Arrived { sequence: 2, ..reviewed() }, Reason::Malformed, Place::Another),
        (Arrived { workflow: elsewhere, ..reviewed() }, Reason::Malformed, Place::Another),
        (Arrived { format: 2, ..reviewed() }, Reason::Malformed, Place::Another),
        (
            Arrived { canonical: nameless.into(), hash: of_nameless, ..reviewed() },
            Reason::Malformed,
            Place::Claimed,
        ),
        (
            Arrived { odd: Some("a chunk".to_owned()), ..reviewed() },
            Reason::Malformed,
            Place::Known,
        ),
        (Arrived { details: None, ..reviewed() }, Reason::Malformed, Place::Known),
        (Arrived { details: Some([1; 32]), ..reviewed() }, Reason::Malformed, Place::Known),
    ] {
        let shown = format!("{record:?}");
        let odd = told(record, true).unwrap_err();
        assert_eq!((odd.reason, odd.place), (reason, place), "{shown}");
    }
    let other = understand(reviewed(), Service::Audit, true, PhaseTable::standard()).told;
    assert_eq!(other.unwrap_err().place, Place::Another, "it is of another service");
}

/// A record of a workflow that was opened, behind the one with this number.
fn opened(sequence: u8, behind: u8) -> Read {
    let record = Arrived {
        sequence: sequence.into(),
        previous_hash: [behind; 32],
        hash: [sequence; 32],
        ..reviewed()
    };
    let what = What::Workflow("opened");
    Read { record, told: Ok(Told { at: at("08:00"), by: 7, phase: "", what, details: None }) }
}

/// The same, but odd.
fn odd(sequence: u8, behind: u8, place: Place) -> Read {
    let odd = Odd { reason: Reason::Malformed, what: "odd".to_owned(), place };
    Read { told: Err(odd), ..opened(sequence, behind) }
}

#[test]
fn each_record_is_counted_once_and_takes_its_place_if_it_has_one() {
    use Place::{Another, Claimed, Known};
    use Reason::{Chain, Gap, Malformed, Repeated};
    /// Records; which of them count; what is rejected; the last one's number, and how many took a place.
    type Case = (Vec<Read>, Vec<i64>, Vec<(i64, Reason)>, (i64, i64));
    let cases: [Case; 10] = [
        (vec![opened(1, 0), opened(2, 1)], vec![1, 2], vec![], (2, 2)),
        (
            vec![opened(1, 0), opened(2, 1), opened(2, 1), opened(1, 0), opened(3, 2)],
            vec![1, 2, 3],
            vec![(2, Repeated), (1, Repeated)],
            (3, 3),
        ),
        // What comes behind a gap counts; what was missing is late then.
        (
            vec![opened(1, 0), opened(4, 3), opened(2, 1)],
            vec![1, 4],
            vec![(4, Gap), (2, Repeated)],
            (4, 2),
        ),
        (
            vec![opened(1, 0), opened(2, 9), opened(3, 2)],
            vec![1, 3],
            vec![(2, Chain), (3, Gap)],
            (3, 2),
        ),
        // The place of another record stays free for that one.
        (
            vec![odd(9, 8, Another), opened(1, 0), odd(2, 1, Another), opened(2, 1)],
            vec![1, 2],
            vec![(9, Malformed), (2, Malformed)],
            (2, 2),
        ),
        // Bytes that name no record are in their place if they follow, and only then.
        (
            vec![opened(1, 0), odd(2, 1, Claimed), opened(3, 2)],
            vec![1, 3],
            vec![(2, Malformed)],
            (3, 3),
        ),
        (
            vec![opened(1, 0), odd(3, 2, Claimed), odd(2, 9, Claimed), opened(2, 1)],
            vec![1, 2],
            vec![(3, Malformed), (2, Malformed)],
            (2, 2),
        ),
        // What cannot be counted is in its place all the same.
        (vec![odd(1, 0, Known), opened(2, 1)], vec![2], vec![(1, Malformed)], (2, 2)),
        (
            vec![opened(1, 0), odd(3, 2, Known), opened(4, 3)],
            vec![1, 4],
            vec![(3, Gap), (3, Malformed)],
            (4, 3),
        ),
        (vec![odd(1, 9, Known), opened(1, 0)], vec![1], vec![(1, Chain)], (1, 1)),
    ];
    for (records, counted, rejected, (last, placed)) in cases {
        let mut story = Story::of(Service::Gateway);
        let told = records.iter().filter(|read| story.counter.count(read));
        let told: Vec<_> = told.map(|read| read.record.sequence).collect();
        assert_eq!(told, counted, "{rejected:?}");
        assert_eq!(story.rejected(), rejected);
        let opened = story.figure(MetricType::WorkflowsOpened).value;
        assert_eq!(opened, Some(counted.len() as f64), "{rejected:?}");
        let head = story.counter.state.heads.get(workflow()).copied().unwrap();
        assert_eq!((head.sequence, story.counter.records), (last, placed), "{rejected:?}");
    }
}

#[test]
fn each_workflow_has_a_chain_of_its_own() {
    let mut counter = Counter::default();
    let mut other = opened(1, 0);
    other.record.workflow.report_id = FIRST;
    assert!(counter.count(&opened(1, 0)) && counter.count(&other) && counter.count(&opened(2, 1)));
    assert_eq!(counter.rejected, []);
}

#[test]
fn what_is_rejected_is_said_in_words_that_can_be_kept() {
    let mut counter = Counter::default();
    assert!(counter.count(&opened(2, 1)));
    assert!(!counter.count(&opened(1, 0)));
    let mut odd = odd(3, 2, Place::Known);
    odd.told.as_mut().unwrap_err().what = format!("a\0b\n{}", "ü".repeat(1000));
    assert!(!counter.count(&odd));
    let what: Vec<_> = counter.rejected.iter().map(|of| of.what.clone()).collect();
    let expected = [
        "records from 1 on are missing before it".to_owned(),
        "record 2 of its chain was counted before".to_owned(),
        format!("ab{}", "ü".repeat(498)),
    ];
    assert_eq!(what, expected);
    assert!(counter.rejected.iter().all(|of| of.workflow == workflow()));
}

#[test]
fn versions_count_for_their_maker_when_they_are_made() {
    let mut story = Story::of(Service::Versioning);
    story.tell(said("version.created", FIRST).by(7, "08:20").after(counts(4, 0)));
    story.tell(said("version.revised", SECOND).by(8, "09:40").after(counts(4, 4)));
    assert_eq!(
        story.rows(Measure::VersionCreated),
        ["08:00 scoping 7 created 1", "09:00 scoping 8 revised 1"]
    );
    let made = story.figure(MetricType::VersionCreated);
    assert_eq!(made.metadata["by_outcome"], json!({"created": 1.0, "revised": 1.0}));
    assert_eq!(story.figure(MetricType::VersionCount).value, Some(2.0));
    story.tell(
        said("version.deleted", SECOND).by(9, "10:05").with("before", json!({"state": "draft"})),
    );
    assert_eq!(story.rows(Measure::VersionDeleted), ["10:00 scoping 9 1"]);
    assert_eq!(story.figure(MetricType::VersionCount).value, Some(1.0));
    assert_eq!(story.figure(MetricType::VersionCreated).value, Some(2.0));
}

#[test]
fn approval_takes_from_the_creation_and_review_from_the_last_submission() {
    let mut story = Story::of(Service::Versioning);
    story.tell(said("version.created", FIRST).by(7, "08:00").after(counts(1, 0)));
    story.tell(said("version.submitted", FIRST).by(7, "09:00"));
    story.tell(said("version.withdrawn", FIRST).by(7, "09:30"));
    story.tell(said("version.submitted", FIRST).by(7, "10:00"));
    story.tell(said("version.rejected", FIRST).by(9, "11:10"));
    assert_eq!(story.figure(MetricType::ApprovalTime).value, None, "it is not approved");
    story.tell(said("version.revised", SECOND).by(7, "11:30").after(counts(1, 1)));
    story.tell(said("version.submitted", SECOND).by(7, "12:30"));
    story.tell(said("version.approved", SECOND).by(8, "14:30"));
    assert_eq!(
        story.rows(Measure::VersionClosed),
        ["14:00 scoping 8 approved 1", "11:00 scoping 9 rejected 1"]
    );
    assert_eq!(story.figure(MetricType::RejectionRate).value, Some(0.5));
    assert_eq!(story.rows(Measure::ApprovalTime), ["14:00 scoping 8 1"]);
    let approval = story.figure(MetricType::ApprovalTime);
    assert_eq!((approval.value, &approval.metadata["p50"]), (Some(3.0), &json!(3.0)));
    let review = story.figure(MetricType::ReviewTime).metadata;
    assert_eq!(review["by_outcome"], json!({"approved": 2.0, "rejected": 70.0 / 60.0}));
    assert_eq!(review["max"], json!(2.0));
}

#[test]
fn what_was_never_submitted_has_no_time_of_review() {
    let mut story = Story::of(Service::Versioning);
    story.tell(said("version.created", FIRST).by(7, "08:00").after(counts(1, 0)));
    story.tell(said("version.approved", FIRST).by(9, "08:30"));
    assert_eq!(story.figure(MetricType::ApprovalTime).value, Some(0.5));
    assert_eq!(story.figure(MetricType::ReviewTime).value, None);
}

#[test]
fn a_version_waits_for_its_reviewer_until_it_comes_back_or_is_closed() {
    let draft = json!({"state": "draft"});
    for (last, waits) in [
        (said("decisions.reviewed", FIRST), true),
        (said("version.updated", FIRST), true),
        (said("version.withdrawn", FIRST), false),
        (said("version.approved", FIRST), false),
        (said("version.rejected", FIRST), false),
        (said("version.deleted", FIRST).with("before", draft), false),
    ] {
        let mut story = Story::of(Service::Versioning);
        let seen = |story: &Story| *story.counter.state.versions.get((workflow(), FIRST)).unwrap();
        story.tell(said("version.created", FIRST).after(counts(1, 0)));
        story.tell(said("version.updated", FIRST));
        assert_eq!((seen(&story).stands, seen(&story).submitted_at), (Stands::Still, None));
        story.tell(said("version.submitted", FIRST).by(7, "09:00"));
        let expected = (Stands::Submitted, Some(at("09:00")));
        assert_eq!((seen(&story).stands, seen(&story).submitted_at), expected);
        story.tell(last.clone().by(9, "10:00"));
        assert_eq!(seen(&story).stands == Stands::Submitted, waits, "{last:?}");
        assert_eq!(seen(&story).submitted_at, Some(at("09:00")), "{last:?}");
    }
}

#[test]
fn what_is_carried_forward_counts_as_it_is_now_for_who_revised_it() {
    let mut story = Story::of(Service::Versioning);
    let carried = |story: &Story| {
        let figure = story.figure(MetricType::CarryForwardRate);
        (figure.numerator, figure.denominator)
    };
    story.tell(said("version.created", FIRST).by(7, "08:00").after(counts(9, 0)));
    story.tell(said("decisions.added", FIRST).by(7, "08:10").after(counts(10, 0)));
    assert_eq!(carried(&story), (0.0, 0.0), "nothing is carried into a first version");
    story.tell(said("version.revised", SECOND).by(8, "09:20").after(counts(10, 6)));
    assert_eq!(carried(&story), (6.0, 10.0));
    story.tell(said("decisions.added", SECOND).by(7, "10:00").after(counts(12, 6)));
    assert_eq!(carried(&story), (6.0, 12.0));
    story.tell(said("decision.edited", SECOND).by(7, "10:10").after(counts(12, 5)));
    story.tell(said("decisions.removed", SECOND).by(7, "10:20").after(counts(11, 4)));
    // Records that do not tell it change nothing.
    story.tell(said("version.submitted", SECOND).by(7, "10:30"));
    story.tell(said("version.rejected", SECOND).by(9, "11:00"));
    assert_eq!(carried(&story), (4.0, 11.0));
    assert_eq!(story.rows(Measure::CarriedItems), ["09:00 scoping 8 4"]);
    assert_eq!(story.rows(Measure::RevisedItems), ["09:00 scoping 8 11"]);
    story.tell(
        said("version.deleted", SECOND).by(9, "11:30").with("before", json!({"state": "rejected"})),
    );
    assert_eq!(carried(&story), (0.0, 0.0), "it is deleted");
}

fn touch(item_no: i32, act: Act, seq: i32, ended: i32) -> Touch {
    Touch { item_no, act, seq, ended }
}

/// A version in its draft, to which reviewers come.
fn draft() -> Story {
    let mut story = Story::of(Service::Versioning);
    story.tell(said("version.created", FIRST).after(counts(4, 0)));
    story
}

#[test]
fn a_decision_counts_once_by_the_verdict_that_stands() {
    use Verdict::{Approved, Modified, Rejected};
    let ruled = |verdict| Act::Ruled(verdict, Source::Llm);
    let of_tester = Act::Ruled(Approved, Source::Tester);
    let standing = ["09:00 scoping 9 llm approved 1"];
    /// What happened first at 09:00 by 9, and then at 10:00 by 8; and what stands.
    type Case<'a> = (&'a [Touch], &'a [Touch], &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        (
            &[
                touch(1, of_tester, 1, 0),
                touch(2, ruled(Approved), 1, 0),
                touch(3, ruled(Approved), 1, 0),
            ],
            &[touch(4, ruled(Rejected), 1, 0)],
            &[
                "10:00 scoping 8 llm rejected 1",
                "09:00 scoping 9 llm approved 2",
                "09:00 scoping 9 tester approved 1",
            ],
        ),
        // The ruling is changed: it is of whoever changed it, and when.
        (
            &[touch(1, ruled(Approved), 1, 0)],
            &[touch(1, ruled(Rejected), 2, 1)],
            &["10:00 scoping 8 llm rejected 1"],
        ),
        // It is undone; and ruled on again.
        (&[touch(1, ruled(Approved), 1, 0)], &[touch(1, Act::Undone, 0, 1)], &[]),
        (
            &[touch(1, ruled(Approved), 1, 0)],
            &[touch(1, Act::Undone, 2, 1), touch(1, ruled(Modified), 3, 0)],
            &["10:00 scoping 8 llm modified 1"],
        ),
        // Another ruling is undone: of another item, or one that stands no more.
        (&[touch(1, ruled(Approved), 1, 0)], &[touch(2, Act::Undone, 0, 1)], &standing),
        (&[touch(1, ruled(Approved), 2, 0)], &[touch(1, Act::Undone, 0, 1)], &standing),
        // A tester's confirmation leaves the verdict with the reviewer …
        (
            &[touch(1, ruled(Modified), 1, 0)],
            &[touch(1, Act::Confirmed, 2, 1)],
            &["09:00 scoping 9 llm modified 1"],
        ),
        // … and is undone like a ruling.
        (
            &[touch(1, ruled(Modified), 1, 0)],
            &[touch(1, Act::Confirmed, 2, 1), touch(1, Act::Undone, 0, 2)],
            &[],
        ),
        // Nothing was ruled on that could be confirmed.
        (&[], &[touch(1, Act::Confirmed, 2, 1), touch(1, Act::Undone, 0, 2)], &[]),
    ];
    for (first, then, stands) in cases {
        let mut story = draft();
        story.tell(said("decisions.reviewed", FIRST).by(9, "09:00").touching(first));
        story.tell(said("decisions.reviewed", FIRST).by(8, "10:00").touching(then));
        assert_eq!(story.rows(Measure::DecisionRuled), stands, "{first:?} {then:?}");
    }
}

#[test]
fn verdicts_of_a_closed_version_stand_for_good() {
    let ruled = touch(1, Act::Ruled(Verdict::Approved, Source::Manual), 1, 0);
    let undone = touch(1, Act::Undone, 0, 1);
    let draft_of = json!({"state": "draft"});
    for closing in [
        said("version.approved", FIRST),
        said("version.rejected", FIRST),
        said("version.deleted", FIRST).with("before", draft_of),
    ] {
        let mut story = draft();
        story.tell(said("decisions.reviewed", FIRST).by(9, "09:00").touching(&[ruled]));
        story.tell(closing.clone());
        story.tell(said("version.revised", SECOND).after(counts(4, 0)));
        story.tell(said("decision.edited", SECOND).touching(&[undone]));
        let stands = ["09:00 scoping 9 manual approved 1"];
        assert_eq!(story.rows(Measure::DecisionRuled), stands, "{closing:?}");
        let lines: Vec<_> = story.counter.state.closed_lines.iter().copied().collect();
        assert_eq!(lines, [(workflow(), "scoping")]);
    }
    // A rejected version that is given up has another one behind it already, which is open.
    let mut story = draft();
    story.tell(said("version.rejected", FIRST));
    story.tell(said("version.revised", SECOND).after(counts(4, 0)));
    story.tell(said("decisions.reviewed", SECOND).touching(&[ruled]));
    story.tell(said("version.deleted", FIRST).with("before", json!({"state": "rejected"})));
    story.tell(said("decision.edited", SECOND).touching(&[undone]));
    assert_eq!(story.rows(Measure::DecisionRuled), [""; 0]);
}

#[test]
fn what_no_record_spoke_of_is_unknown_and_nothing_of_it_counts() {
    let mut story = Story::of(Service::Versioning);
    let ruled = touch(1, Act::Ruled(Verdict::Approved, Source::Manual), 1, 0);
    assert!(!story.tell(said("decisions.reviewed", FIRST).touching(&[ruled])));
    assert!(!story.tell(said("version.approved", FIRST)));
    assert!(story.tell(said("version.looked_at", FIRST)), "that says nothing of it");
    assert_eq!(story.rejected(), [(1, Reason::Unknown), (2, Reason::Unknown)]);
    assert_eq!(story.counter.rejected[0].what, format!("no record spoke of the version {FIRST}"));
    assert_eq!(story.counter.records, 3, "they are in their places");
    assert_eq!(story.counter.facts, Facts::default());
}

#[test]
fn requests_are_answered_once_and_in_their_own_time() {
    let mut story = Story::of(Service::Audit);
    let asked = |of: &str| json!({"action_type": of});
    story.tell(said("action.requested", FIRST).by(7, "08:00").after(asked("document_request")));
    story.tell(said("action.requested", SECOND).by(7, "09:00").after(asked("test_rerun")));
    let late = json!({"response_status": "partial", "impact_on_timeline": "minor_delay"});
    assert!(story.tell(said("action.responded", FIRST).by(5, "11:00").after(late.clone())));
    let done = json!({"response_status": "fulfilled"});
    assert!(story.tell(said("action.responded", SECOND).by(6, "10:00").after(done)));
    assert!(!story.tell(said("action.responded", FIRST).by(5, "12:00").after(late)));
    assert_eq!(story.rejected(), [(5, Reason::Unknown)]);
    assert_eq!(story.counter.rejected[0].what, format!("no record spoke of the request {FIRST}"));

    let requests = story.rows(Measure::TestRequest);
    assert_eq!(requests, ["08:00 scoping 7 document_request 1", "09:00 scoping 7 test_rerun 1"]);
    let answers = story.rows(Measure::TestResponse);
    let expected =
        ["11:00 scoping 5 document_request partial 1", "10:00 scoping 6 test_rerun fulfilled 1"];
    assert_eq!(answers, expected);
    let by = |metric, split: &str| story.figure(metric).metadata[split].clone();
    let hours = json!({"document_request": 3.0, "test_rerun": 1.0});
    assert_eq!(by(MetricType::Turnaround, "by_action_type"), hours);
    assert_eq!(
        by(MetricType::ImpactOnTimeline, "by_action_type"),
        json!({"document_request": 1.0})
    );
}

#[test]
fn owners_documents_and_workflows_are_counted_by_what_became_of_them() {
    let mut story = Story::of(Service::Audit);
    for action in [
        "data_owner.assigned",
        "data_owner.transferred",
        "data_owner.deactivated",
        "document.submitted",
        "document.supplemented",
        "document.revised",
    ] {
        assert!(story.tell(said(action, FIRST).by(7, "08:45")));
    }
    assert_eq!(story.figure(MetricType::DataOwnerChanges).value, Some(2.0));
    assert_eq!(story.figure(MetricType::DocumentRevisions).value, Some(0.5));
    let mut story = Story::of(Service::Gateway);
    story.tell(said("workflow.opened", FIRST).by(7, "08:45").with("phase", json!(null)));
    story.tell(said("workflow.closed", FIRST).by(8, "09:15").with("phase", json!(null)));
    assert_eq!(story.rows(Measure::Workflow), ["08:00  7 opened 1", "09:00  8 closed 1"]);
}
