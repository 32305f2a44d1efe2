//! What is asked of lists; and their pages.

use prost_reflect::Value;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Sent;
use tonic::Code;
use uuid::Uuid;

use super::path;
use crate::calls::{Things, own_methods, request};

/// Filters that are no ids, no numbers of anything, no times.
const FILTERS: &[(&str, &[&str], &[&str])] = &[
    ("ListAssignments", &["lob_id"], &["statuses"]),
    ("GetAssignmentHistory", &["assignment_id"], &[]),
    ("ListTestCases", &["lob_id", "attribute_id"], &["states"]),
    ("GetLane", &["lob_id"], &[]),
    ("ListDocuments", &["test_case_id", "submission_id", "document_id", "lob_id"], &["statuses"]),
    ("GetDocumentHistory", &["submission_id"], &[]),
    ("ListExecutions", &["test_case_id", "lob_id"], &["results"]),
    ("ListActions", &["test_case_id", "lob_id"], &[]),
    ("ListChanges", &["subject_id"], &["subject_types"]),
];

async fn named(lanes: &Lanes, sent: &Sent) -> Vec<String> {
    let answer = lanes.tester.send(sent).await;
    assert!(answer.is_err(), "{}", sent.method());
    fields(&refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed))
}

#[tokio::test]
async fn each_fault_of_a_filter_is_named() {
    let lanes = Lanes::planned(3).await;
    let things = Things::of(&lanes, 0).await;
    for (method, ids, lists) in FILTERS {
        let mut sent = request(&lanes, &path(method), &things);
        lanes.tester.send(&sent).await.unwrap_or_else(|status| panic!("{method}: {status:?}"));
        let mut expected = Vec::new();
        for id in *ids {
            let spoilt = sent.with(id, "x");
            assert_eq!(named(&lanes, &spoilt).await, [*id], "{method}");
            expected.push((*id).to_owned());
        }
        for list in *lists {
            let unknown = Value::List(vec![Value::EnumNumber(99)]);
            let spoilt = sent.with_value(list, unknown);
            assert_eq!(named(&lanes, &spoilt).await, [format!("{list}[0]")], "{method}");
            expected.push(format!("{list}[0]"));
        }
        for id in *ids {
            sent = sent.with(id, "x");
        }
        for list in *lists {
            sent = sent.with_value(list, Value::List(vec![Value::EnumNumber(-1)]));
        }
        assert_eq!(named(&lanes, &sent).await, expected, "{method}");
        if LISTS.iter().any(|(list, _)| list == method) {
            let page = sent.with_value("page_size", Value::I32(-1)).with("page_token", "x");
            expected.extend(["page_size", "page_token"].map(str::to_owned));
            assert_eq!(named(&lanes, &page).await, expected, "{method}");
        }
    }
    for (method, field) in [("ListChanges", "changed_by"), ("ListAssignments", "data_owner_id")] {
        let sent = request(&lanes, &path(method), &things);
        let spoilt = sent.with_value(field, Value::I64(-1));
        assert_eq!(named(&lanes, &spoilt).await, [field]);
    }
    let sent = request(&lanes, &path("ListTestCases"), &things);
    for wrong in ["a\0", &"ä".repeat(256)] {
        let spoilt = sent.with("sample_item_key", wrong);
        assert_eq!(named(&lanes, &spoilt).await, ["sample_item_key"]);
    }
}

#[tokio::test]
async fn a_thousand_executions_are_got_at_once_and_no_more() {
    let lanes = Lanes::closed().await;
    let sent = request(&lanes, &path("BatchGetExecutions"), &Things::nowhere(LOBS[0]));
    let ids = |count: u128| {
        let ids = (0..count).map(|n| Value::String(Uuid::from_u128(n).to_string()));
        sent.with_value("execution_ids", Value::List(ids.collect()))
    };
    lanes.tester.send(&ids(1_000)).await.unwrap();
    assert_eq!(named(&lanes, &ids(1_001)).await, ["execution_ids"]);
    let wrong = ["", "x"].map(|id| Value::String(id.to_owned())).to_vec();
    let wrong = sent.with_value("execution_ids", Value::List(wrong));
    assert_eq!(named(&lanes, &wrong).await, ["execution_ids[0]", "execution_ids[1]"]);
}

/// All lists of this service, each with the field of its answer that holds it.
const LISTS: [(&str, &str); 9] = [
    ("GetAssignmentHistory", "entries"),
    ("GetDocumentHistory", "entries"),
    ("ListActions", "actions"),
    ("ListAssignments", "assignments"),
    ("ListChanges", "changes"),
    ("ListDocuments", "documents"),
    ("ListExecutions", "executions"),
    ("ListLanes", "lanes"),
    ("ListTestCases", "test_cases"),
];

/// Two lanes in which everything is there; each list has more than one row.
async fn lists() -> (Lanes, Vec<(Sent, &'static str)>) {
    let lanes = Lanes::planned(3).await;
    let things = Things::of(&lanes, 0).await;
    Things::of(&lanes, 1).await;
    let owned = crate::common::assignments(&lanes, LOBS[0]).await.remove(0);
    crate::common::deactivate(&lanes, &owned, "").await.unwrap();
    lanes.assign(LOBS[0], 150).await.unwrap();
    let document = signoff_contract::audit::v1::Document {
        submission_id: things.submission.clone(),
        ..Default::default()
    };
    lanes.revise(150, &document, 8).await.unwrap();
    let sent = LISTS.iter().map(|(method, field)| {
        let mut sent = request(&lanes, &path(method), &things);
        if *method == "ListTestCases" {
            sent = sent.with_value("states", Value::List((1..=6).map(Value::EnumNumber).collect()));
        }
        (sent, *field)
    });
    let sent = sent.collect();
    (lanes, sent)
}

/// The pages of a list, and the token after the first of them.
async fn walk(lanes: &Lanes, sent: &Sent, field: &str, size: i32) -> (Vec<Vec<Value>>, String) {
    let mut sent = sent.with_value("page_size", Value::I32(size));
    let (mut pages, mut after_first) = (Vec::new(), None);
    loop {
        let answer = sent.answer(&lanes.tester.send(&sent).await.unwrap());
        let rows = answer.get_field_by_name(field).unwrap().as_list().unwrap().to_vec();
        let token = answer.get_field_by_name("next_page_token").unwrap();
        let token = token.as_str().unwrap().to_owned();
        pages.push(rows);
        after_first.get_or_insert_with(|| token.clone());
        if token.is_empty() {
            return (pages, after_first.unwrap());
        }
        sent = sent.with("page_token", &token);
    }
}

#[test]
fn the_table_names_every_list() {
    let paged = |path: &String| Sent { path: path.clone(), bytes: Vec::new() }.has("page_token");
    let mut methods: Vec<String> = own_methods()
        .into_iter()
        .filter(|path| paged(path) && !path.starts_with("/signoff.feed."))
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    methods.sort();
    assert_eq!(LISTS.map(|(method, _)| method.to_owned()).to_vec(), methods);
}

#[tokio::test]
async fn every_list_is_walked_in_pages_of_any_size() {
    let (lanes, lists) = lists().await;
    for (sent, field) in &lists {
        let (all, token) = walk(&lanes, sent, field, 0).await;
        let method = sent.method();
        assert!(all.len() == 1 && all[0].len() > 1 && token.is_empty(), "{method}");
        for size in [1, 2, 1000, i32::MAX] {
            let (pages, _) = walk(&lanes, sent, field, size).await;
            assert_eq!(pages.concat(), all[0], "{method}: {size}");
            assert!(pages.iter().all(|page| !page.is_empty()), "{method}: {size}");
        }
    }
}

#[tokio::test]
async fn a_token_is_of_one_call_and_nonsense_of_none() {
    let (lanes, lists) = lists().await;
    for (i, (sent, field)) in lists.iter().enumerate() {
        let (_, token) = walk(&lanes, sent, field, 1).await;
        let (another, _) = &lists[(i + 1) % lists.len()];
        let answer = lanes.tester.send(&another.with("page_token", &token)).await;
        refusal(answer, Code::InvalidArgument, ErrorReason::PageTokenMismatch);
        for nonsense in ["x", "!!", "e30", &"A".repeat(10_000)] {
            assert_eq!(named(&lanes, &sent.with("page_token", nonsense)).await, ["page_token"]);
        }
        let negative = sent.with_value("page_size", Value::I32(-1));
        assert_eq!(named(&lanes, &negative).await, ["page_size"]);
    }
}
