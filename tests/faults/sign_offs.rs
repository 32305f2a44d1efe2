//! What the service's role cannot do to sign-offs and to facts beside versions, whatever its code says.

use signoff_contract::workflow::v1::Role;
use signoff_tests::report::SIGNERS;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;

use crate::attempts::{expect, line_no};

/// A submitted report: test lead (sign-off 1) signed, report owner (2) is asked, test executive
/// refused (3), and was asked anew (4, voided, and 5, pending).
struct Report {
    stage: Stage,
    line: i64,
}

impl Report {
    async fn new() -> Self {
        let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
        let version = stage.ruled_report(2).await;
        let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
        stage.lead.sign(&version, &asked[0]).await.unwrap();
        stage.executive.decline(&version, &asked[2], "no").await.unwrap();
        for _ in 0..2 {
            stage.tester.ask(&version, &[(Role::TestExecutive, 30)]).await.unwrap();
        }
        let line = line_no(&mut stage.world.as_superuser().await, &stage).await;
        Self { stage, line }
    }

    /// A change of one sign-off.
    fn set(&self, sign_off_no: i32, what: &str) -> String {
        let line = self.line;
        format!(
            "update sign_offs set revision = revision + 1, {what}
             where line_no = {line} and sign_off_no = {sign_off_no}"
        )
    }

    /// A change of the version's state.
    fn move_to(&self, state: &str, what: &str) -> String {
        let line = self.line;
        format!(
            "update versions set state = '{state}', revision = revision + 1 {what}
             where line_no = {line} and number = 1"
        )
    }

    fn approve(&self) -> String {
        self.move_to("approved", ", reviewed_at = now(), reviewed_by = 30")
    }

    /// A new sign-off.
    fn ask(&self, role: &str, status: &str) -> String {
        let line = self.line;
        format!(
            "insert into sign_offs (line_no, number, sign_off_no, sign_off_id, role, status, user_id,
                 requested_by, requested_at, occurred_at, recorded_at, origin)
             values ({line}, 1, 6, gen_random_uuid(), '{role}', '{status}', 77, 10, now(), now(),
                 now(), 'native')"
        )
    }
}

/// The digest as it stands, for a sign-off.
const DIGEST: &str = "decided_at = now(), content_digest = (
    select content_digest from versions v where (v.line_no, v.number) = (sign_offs.line_no, 1))";
const OTHER: &str = "decided_at = now(), content_digest = sha256('')";
const VOID: &str = "status = 'voided', voided_at = now(), void_reason = 'x'";

#[tokio::test]
async fn a_sign_off_moves_only_where_it_may() {
    let report = Report::new().await;
    let signed = format!("status = 'signed', {DIGEST}");
    let refused = "status = 'rejected', decided_at = now(), comments = 'no'";
    let on = "user_id = 78, delegated_from = user_id, delegation_reason = 'x'";
    let mut table = vec![
        (report.set(2, &signed), ""),
        (report.set(2, refused), ""),
        (report.set(2, on), ""),
        (report.set(2, VOID), ""),
        (report.set(1, VOID), ""),
        // Signed for what does not stand, or for nothing.
        (report.set(2, &format!("status = 'signed', {OTHER}")), "SG021"),
        (report.set(2, "status = 'signed', decided_at = now()"), "SG021"),
        // A refusal says why; a void one, too.
        (report.set(2, "status = 'rejected', decided_at = now()"), "23514"),
        (report.set(2, "status = 'voided', voided_at = now()"), "23514"),
        // Handed on by somebody else, or to nobody else.
        (report.set(2, "user_id = 78"), "SG021"),
        (report.set(2, "user_id = 78, delegated_from = 99, delegation_reason = 'x'"), "SG021"),
        (report.set(2, "delegated_from = user_id, delegation_reason = 'x'"), "SG021"),
        // Signed by another one, or while it is handed on.
        (report.set(2, &format!("{signed}, user_id = 78")), "SG021"),
        (report.set(2, &format!("{signed}, {on}")), "SG021"),
        // One person for two roles: user 12 has signed.
        (
            format!(
                "{}; {}",
                report.set(2, "user_id = 12, delegated_from = user_id, delegation_reason = 'x'"),
                report.set(2, &signed)
            ),
            "23505",
        ),
    ];
    for other in [1, 3, 4] {
        table.push((report.set(other, &signed), "SG021"));
        table.push((report.set(other, refused), "SG021"));
        table.push((report.set(other, "status = 'pending'"), "SG021"));
        table.push((report.set(other, on), "SG021"));
        table.push((report.set(other, "comments = 'other'"), "SG021"));
    }
    for closed in [3, 4] {
        table.push((report.set(closed, VOID), "SG021"));
    }
    for (sql, refused) in [
        ("update sign_offs set revision = revision", "SG021"),
        ("update sign_offs set revision = revision + 2", "SG021"),
        ("update sign_offs set role = 'tester'", "42501"),
        ("update sign_offs set requested_by = 1", "42501"),
        ("update sign_offs set sign_off_id = gen_random_uuid()", "42501"),
        ("delete from sign_offs", "42501"),
    ] {
        table.push((format!("{sql} where line_no = {}", report.line), refused));
    }
    table.push(("truncate sign_offs".to_owned(), "42501"));
    expect(&mut report.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn a_sign_off_begins_as_a_request_for_a_required_role() {
    let report = Report::new().await;
    let free = format!("{};", report.set(2, VOID));
    let after = |what: &str| format!("{free} {what}");
    let withdrawn = format!(
        "{} {} {} {};",
        free,
        report.set(1, VOID) + ";",
        report.set(5, VOID) + ";",
        report.move_to("draft", ", content_digest = null, required_sign_offs = '{}'")
    );
    let table = vec![
        (after(&report.ask("report_owner", "pending")), ""),
        // Somebody is asked, or has signed.
        (report.ask("report_owner", "pending"), "23505"),
        (report.ask("test_lead", "pending"), "23505"),
        (report.ask("tester", "pending"), "SG021"),
        (after(&report.ask("report_owner", "signed")), "SG021"),
        (after(&report.ask("report_owner", "rejected")), "SG021"),
        (after(&report.ask("report_owner", "voided")), "SG021"),
        // Of a draft.
        (format!("{withdrawn} {}", report.ask("report_owner", "pending")), "SG021"),
        (
            format!("{withdrawn} {}", report.set(2, &format!("status = 'signed', {DIGEST}"))),
            "SG021",
        ),
    ];
    expect(&mut report.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn nothing_is_approved_that_was_not_signed_as_it_stands() {
    let report = Report::new().await;
    let sign = |sign_off_no: i32, digest: &str| {
        report.set(sign_off_no, &format!("status = 'signed', {digest}"))
    };
    let (owner, executive) = (sign(2, DIGEST), sign(5, DIGEST));
    let line = report.line;
    let other_content = format!(
        "update versions set revision = revision + 1, content_digest = sha256('other')
         where line_no = {line}"
    );
    let approve = report.approve();
    let forget = report.move_to("submitted", ", required_sign_offs = '{}'");
    let none = report.move_to("submitted", ", content_digest = null");
    let quietly = report.approve().replace(" where", ", required_sign_offs = '{}' where");
    let table = vec![
        (format!("{owner}; {executive}; {approve}"), ""),
        (approve.clone(), "SG022"),
        (format!("{owner}; {approve}"), "SG022"),
        (format!("{executive}; {approve}"), "SG022"),
        (format!("{owner}; {executive}; {}; {approve}", report.set(1, VOID)), "SG022"),
        (format!("{owner}; {executive}; {other_content}; {approve}"), "SG022"),
        // What is required is forgotten, or what was signed.
        (forget, "SG003"),
        (quietly, "SG003"),
        (none, "23514"),
        // Withdrawn with its sign-offs standing: they would count again.
        (report.move_to("draft", ", content_digest = null, required_sign_offs = '{}'"), "SG022"),
        // Once it is closed, nothing is signed or voided.
        (format!("{owner}; {executive}; {approve}; {}", report.set(1, VOID)), "SG021"),
        (
            format!(
                "{}; {}",
                report.move_to("rejected", ", reviewed_at = now(), reviewed_by = 30"),
                sign(2, DIGEST)
            ),
            "SG021",
        ),
    ];
    expect(&mut report.stage.world.as_service().await, &table).await;
}

fn remedy(line: i64, item_no: i32, revision: i32, number: i32) -> String {
    format!(
        "insert into remediations (line_no, item_no, revision, number, status, updated_by, updated_at,
             occurred_at, recorded_at, origin)
         values ({line}, {item_no}, {revision}, {number}, 'x', 20, now(), now(), now(), 'native')"
    )
}

fn document(line: i64, number: i32) -> String {
    format!(
        "insert into final_documents (line_no, number, document_id, sha256, attached_by, attached_at,
             occurred_at, recorded_at, origin)
         values ({line}, {number}, gen_random_uuid(), sha256(''), 10, now(), now(), now(), 'native')"
    )
}

#[tokio::test]
async fn facts_are_of_approved_versions_and_are_never_changed() {
    let stage = Stage::of(Phase::OBSERVATION_MANAGEMENT).await;
    let first = stage.approved(1).await;
    stage.next(build::items(stage.phase, 1..2)).await;
    stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let decision = stage.tester.decision(&first, "observation-0").await;
    stage.owner.remedy(&first, &decision, Some("done"), None, "").await.unwrap();
    let line = line_no(&mut stage.world.as_superuser().await, &stage).await;
    let attached = document(line, 2);
    let mut table = vec![
        (remedy(line, 1, 2, 1), ""),
        (remedy(line, 1, 2, 2), ""),
        (remedy(line, 2, 1, 2), ""),
        (remedy(line, 1, 1, 1), "SG023"),
        (remedy(line, 1, 3, 1), "SG023"),
        (remedy(line, 1, 2, 3), "SG023"),
        (remedy(line, 3, 1, 2), "SG023"),
        (remedy(line + 1_000_000, 1, 1, 1), "SG023"),
        (attached.clone(), ""),
        (format!("{attached}; {attached}"), "23505"),
        (document(line, 1), "SG024"),
        (document(line, 3), "SG024"),
    ];
    for (name, column) in [("remediations", "status = 'other'"), ("final_documents", "number = 1")]
    {
        table.push((format!("update {name} set {column}"), "42501"));
        table.push((format!("delete from {name}"), "42501"));
        table.push((format!("truncate {name}"), "42501"));
    }
    expect(&mut stage.world.as_service().await, &table).await;
}
