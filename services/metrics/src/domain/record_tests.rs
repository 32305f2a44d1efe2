use serde_json::json;

use super::super::story::{Said, at, counts, said, workflow};
use super::*;

const SUBJECT: Uuid = Uuid::from_u128(7);

fn told(said: Said, source: Source) -> Result<Told, String> {
    read(&said.content(), source, PhaseTable::standard())
}

fn what_of(said: Said, source: Source) -> What {
    told(said, source).unwrap().what
}

#[test]
fn who_did_it_when_and_where_is_told() {
    let root = "0a".repeat(32);
    let reviewed = said("decisions.reviewed", SUBJECT)
        .by(9, "09:15")
        .with("details", json!({"chunks": 1, "root": root, "touched": 3}));
    let expected = Told {
        at: at("09:15"),
        by: 9,
        phase: "scoping",
        what: What::Version { version: SUBJECT, course: Course::Stays, held: None },
        details: Some([10; 32]),
    };
    assert_eq!(told(reviewed, Source::Versioning), Ok(expected));
    let opened =
        told(said("workflow.opened", SUBJECT).with("phase", None::<&str>), Source::Gateway);
    assert_eq!(opened.map(|told| (told.phase, told.details)), Ok(("", None)));
}

#[test]
fn a_version_is_followed_from_record_to_record() {
    let held = Held { total: 5, carried: 3 };
    for (action, revised) in [("version.created", false), ("version.revised", true)] {
        let made = what_of(said(action, SUBJECT).after(counts(5, 3)), Source::Versioning);
        assert_eq!(made, What::Made { version: SUBJECT, revised, held });
    }
    for (action, course) in [
        ("version.submitted", Course::Submitted),
        ("version.withdrawn", Course::Withdrawn),
        ("version.approved", Course::Approved),
        ("version.rejected", Course::Rejected),
        ("version.updated", Course::Stays),
        ("version.superseded", Course::Stays),
        ("decisions.added", Course::Stays),
        ("decision.edited", Course::Stays),
        ("decisions.removed", Course::Stays),
        ("decisions.reviewed", Course::Stays),
        ("modifications.confirmed", Course::Stays),
    ] {
        let version = |held| What::Version { version: SUBJECT, course, held };
        let with = said(action, SUBJECT).after(counts(5, 3));
        assert_eq!(what_of(with, Source::Versioning), version(Some(held)), "{action}");
        let without = said(action, SUBJECT).after(json!({"state": "any"}));
        assert_eq!(what_of(without, Source::Versioning), version(None), "{action}");
    }
    for (state, course) in [("draft", Course::DraftDeleted), ("rejected", Course::RejectedDeleted)]
    {
        let deleted = said("version.deleted", SUBJECT).with("before", json!({"state": state}));
        let expected = What::Version { version: SUBJECT, course, held: None };
        assert_eq!(what_of(deleted, Source::Versioning), expected);
    }
    let other = what_of(said("version.looked_at", SUBJECT), Source::Versioning);
    assert_eq!(other, What::Nothing);
}

#[test]
fn lanes_and_workflows_are_told_by_their_actions() {
    for (source, action, expected) in [
        (Source::Audit, "data_owner.assigned", What::DataOwner("assigned")),
        (Source::Audit, "data_owner.transferred", What::DataOwner("transferred")),
        (Source::Audit, "data_owner.deactivated", What::DataOwner("deactivated")),
        (Source::Audit, "document.submitted", What::Document("submitted")),
        (Source::Audit, "document.supplemented", What::Document("supplemented")),
        (Source::Audit, "document.revised", What::Document("revised")),
        (Source::Audit, "execution.started", What::Nothing),
        (Source::Gateway, "workflow.opened", What::Workflow("opened")),
        (Source::Gateway, "workflow.closed", What::Workflow("closed")),
        (Source::Gateway, "member.added", What::Nothing),
        // Each service tells of its own only.
        (Source::Gateway, "document.submitted", What::Nothing),
        (Source::Audit, "workflow.opened", What::Nothing),
        (Source::Versioning, "document.submitted", What::Nothing),
    ] {
        assert_eq!(what_of(said(action, SUBJECT), source), expected, "{action}");
    }
}

#[test]
fn requests_and_answers_are_told_in_known_words() {
    let requested = |of: &str| said("action.requested", SUBJECT).after(json!({"action_type": of}));
    for action_type in ACTION_TYPES {
        let expected = What::Requested { action: SUBJECT, action_type };
        assert_eq!(what_of(requested(action_type), Source::Audit), expected);
    }
    let responded = |after: Value| said("action.responded", SUBJECT).after(after);
    for (response, impact) in
        [("fulfilled", None), ("rejected", Some("none")), ("partial", Some("major_delay"))]
    {
        let after = json!({"response_status": response, "impact_on_timeline": impact});
        let expected = What::Responded { action: SUBJECT, response, impact };
        assert_eq!(what_of(responded(after), Source::Audit), expected);
    }
    for (odd, why) in [
        (requested("a favour"), "its action_type is Some(\"a favour\")"),
        (said("action.requested", SUBJECT), "its action_type is None"),
        (responded(json!({"response_status": "maybe"})), "its response_status is Some(\"maybe\")"),
        (
            responded(json!({"response_status": "partial", "impact_on_timeline": "some"})),
            "its impact_on_timeline is Some(\"some\")",
        ),
    ] {
        assert_eq!(told(odd, Source::Audit), Err(why.to_owned()));
    }
}

#[test]
fn what_is_odd_about_a_record_is_said() {
    let made = || said("version.created", SUBJECT).after(counts(0, 0));
    for (odd, why) in [
        (made().with("phase", "lunch"), "it is of the phase \"lunch\""),
        (made().with("subject", "it"), "its subject is \"it\""),
        (
            made().with("occurred_at", "0000-12-31T23:59:59Z"),
            "it happened at 0000-12-31 23:59:59 UTC",
        ),
        (
            made().with("occurred_at", "9999-12-31T00:00:00Z"),
            "it happened at 9999-12-31 00:00:00 UTC",
        ),
        (made().after(json!({})), "a new version without its counts"),
        (made().after(json!({"counts": {"total": 1}})), "its count carried is missing"),
        (made().after(counts(-1, 0)), "its count total is missing"),
        (made().after(counts(1 << 31, 0)), "its count total is missing"),
        (said("version.deleted", SUBJECT), "a version was deleted that was None"),
        (
            said("version.deleted", SUBJECT).with("before", json!({"state": "approved"})),
            "a version was deleted that was Some(\"approved\")",
        ),
    ] {
        assert_eq!(told(odd, Source::Versioning), Err(why.to_owned()));
    }
    let most = i64::from(i32::MAX);
    let held = Held { total: most, carried: most };
    let made = what_of(made().after(counts(most, most)), Source::Versioning);
    assert_eq!(made, What::Made { version: SUBJECT, revised: false, held });
    let first = said("version.looked_at", SUBJECT).with("occurred_at", DAWN.to_rfc3339());
    assert_eq!(told(first, Source::Versioning).map(|told| told.at), Ok(DAWN));
}

#[test]
fn a_record_is_where_its_bytes_say_that_it_is() {
    let bytes = said("version.approved", SUBJECT).with("sequence", 4).content();
    let link =
        Link { sequence: 4, format: 1, canonical: &[], hash: [9; 32], previous_hash: [0; 32] };
    let placed = |link, workflow, source| expect_placed(&bytes, &link, workflow, source);
    let here = workflow();
    assert_eq!(placed(link, here, Source::Versioning), Ok(()));
    let elsewhere = "it says that it is of another chain, or another one of it";
    let otherwise = "its bytes say another thing than its columns";
    for (link, workflow, source, why) in [
        (link, Workflow { cycle_id: SUBJECT, ..here }, Source::Versioning, elsewhere),
        (link, Workflow { report_id: SUBJECT, ..here }, Source::Versioning, elsewhere),
        (Link { sequence: 5, ..link }, here, Source::Versioning, elsewhere),
        (link, here, Source::Audit, elsewhere),
        (Link { previous_hash: [1; 32], ..link }, here, Source::Versioning, otherwise),
        (Link { format: 2, ..link }, here, Source::Versioning, otherwise),
    ] {
        assert_eq!(placed(link, workflow, source), Err(why.to_owned()));
    }
}
