//! `signoff export`, `signoff head` and `signoff verify`, beside a running system and without one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use helper::{Up, open_folder, signoff};
use serde_json::{Value, json};
use signoff::stack::signing_key;
use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::gateway::v1::{
    Lob, Member, OpenWorkflowRequest, SetLobsRequest,
    workflow_service_client::WorkflowServiceClient,
};
use signoff_contract::versioning::v1::{
    BeginOpenRequest, OpenRequest, versioning_service_client::VersioningServiceClient,
};
use signoff_contract::workflow::v1::{Phase, Role as WireRole, Scope};
use signoff_workflow::Role;
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use tonic::{Request, transport::Channel};
use uuid::Uuid;

/// A workflow with a trail of three records: two attempts to open a phase, of which one succeeds.
struct Workflow {
    cycle_id: String,
    report_id: String,
}

impl Workflow {
    fn of(up: &Up) -> Self {
        let id = || Uuid::new_v4().to_string();
        let workflow = Self { cycle_id: id(), report_id: id() };
        let key = signing_key(&up.data).unwrap();
        let address = format!("http://{}", up.endpoints()["versioning"].as_str().unwrap());
        block_on(async {
            let mut client = VersioningServiceClient::connect(address).await.unwrap();
            for _ in 0..2 {
                workflow.open(&mut client, &key).await;
            }
        });
        workflow
    }

    /// Begins to open Planning; the second time it is opened, too.
    async fn open(&self, client: &mut VersioningServiceClient<Channel>, key: &SigningKey) {
        let (cycle_id, report_id) = (self.cycle_id.clone(), self.report_id.clone());
        let scope = Some(Scope { cycle_id, report_id, phase: Phase::Planning.into() });
        let request_id = || Uuid::new_v4().to_string();
        let begin = BeginOpenRequest {
            scope: scope.clone(),
            request_id: request_id(),
            ..BeginOpenRequest::default()
        };
        let begun =
            client.begin_open(self.signed(key, "BeginOpen", begin)).await.unwrap().into_inner();
        if begun.attempt == 2 {
            let request_id = request_id();
            let open = OpenRequest { scope, attempt: 2, request_id, ..OpenRequest::default() };
            client.open(self.signed(key, "Open", open)).await.unwrap();
        }
    }

    /// A request with an assertion, as the gateway makes it.
    fn signed<R>(&self, key: &SigningKey, method: &str, wanted: R) -> Request<R> {
        let id = |text: &str| text.parse().unwrap();
        let (cycle_id, report_id) = (id(&self.cycle_id), id(&self.report_id));
        let claims = Claims::new(1, "gateway", Duration::from_secs(30))
            .on(signoff_workflow::Workflow { cycle_id, report_id })
            .with_roles([Role::Gateway])
            .calling(format!("/signoff.versioning.v1.VersioningService/{method}"));
        let claims = Claims { phase: Some(Phase::Planning.into()), ..claims };
        let mut request = Request::new(wanted);
        let bearer = format!("Bearer {}", key.sign(&claims).unwrap());
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    }

    fn name(&self) -> String {
        format!("{}/{}", self.cycle_id, self.report_id)
    }

    /// The file that is written where none is named.
    fn file(&self) -> String {
        format!("trail-versioning-{}-{}.jsonl", self.cycle_id, self.report_id)
    }
}

/// A running system with a workflow in it, and an empty folder to work in.
struct Place {
    _folder: TempDir,
    here: TempDir,
    data: String,
    up: Up,
    workflow: Workflow,
}

impl Place {
    fn new() -> Self {
        let (folder, here) = (open_folder(), tempfile::tempdir().unwrap());
        let data = folder.path().join("data");
        let up = Up::start(&data);
        let (data, workflow) = (data.to_str().unwrap().to_owned(), Workflow::of(&up));
        Self { _folder: folder, here, data, up, workflow }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Runs the program in a folder, and expects an exit code.
#[track_caller]
fn run_in(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let done = signoff().args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    told(&done, code)
}

#[track_caller]
fn told(done: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, errors) = (text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(code), "{out}\n{errors}");
    (out, errors)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_trail_is_exported_and_verified_with_and_without_the_system() {
    let Place { _folder, here, data, mut up, workflow } = Place::new();
    let (here, data) = (here.path(), data.as_str());
    let (name, file) = (workflow.name(), workflow.file());
    let export = ["export", "--workflow", &name, "--data", data];
    let export_and = |more: &[&'static str]| [&export[..], more].concat();

    // Into a file with a name of its own, and what was written is told.
    let (out, errors) = run_in(here, &export, 0);
    assert_eq!(errors, "");
    assert_eq!(names_in(here), [file.as_str()]);
    for part in [&name, &file, "records  3", "verdict  intact"] {
        assert!(out.contains(part), "{part} is missing in:\n{out}");
    }
    let written = fs::read(here.join(&file)).unwrap();

    // Nothing is overwritten unless that is asked for.
    let (_, errors) = run_in(here, &export, 1);
    assert!(errors.contains(&format!("{file} is there already; --force")), "{errors}");
    fs::write(here.join(&file), "something else").unwrap();
    run_in(here, &export_and(&["--force"]), 0);
    assert_eq!(fs::read(here.join(&file)).unwrap(), written);
    let (out, _) = run_in(here, &export_and(&["--out", "named.jsonl", "--output", "json"]), 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["file"], "named.jsonl");
    assert_eq!(fs::read(here.join("named.jsonl")).unwrap(), written);
    let (_, errors) = run_in(here, &export_and(&["--out", "not/there.jsonl"]), 1);
    assert!(errors.contains("cannot write not/there.jsonl"), "{errors}");
    assert_eq!(names_in(here), ["named.jsonl", &file], "no half files");

    // Standard output has the same bytes, and nothing else.
    let (out, _) = run_in(here, &export_and(&["--out", "-", "--output", "json"]), 0);
    assert_eq!(out.as_bytes(), written);

    // The service and the file say the same.
    let ask = ["verify", "--workflow", &name, "--data", data, "--output", "json"];
    let (asked, _) = run_in(here, &ask, 0);
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((&asked["intact"], &asked["report_id"]), (&json!(true), &json!(workflow.report_id)));
    let trails = asked["trails"].as_array().unwrap();
    let heads: Vec<_> =
        trails.iter().map(|one| (one["source"].clone(), one["records"].clone())).collect();
    let kept = [("versioning", 3), ("audit", 0), ("gateway", 0)];
    assert_eq!(heads, kept.map(|(source, records)| (json!(source), json!(records))));
    assert_eq!(report["head"], trails[0]["head"]);
    let (one, _) = run_in(here, &[&ask[..], &["--source", "versioning"]].concat(), 0);
    assert_eq!(serde_json::from_str::<Value>(&one).unwrap(), trails[0]);
    for source in ["audit", "gateway"] {
        let (out, _) = run_in(here, &export_and(&["--source", source]), 0);
        let other = workflow.file().replace("versioning", source);
        assert!(out.contains(&other) && out.contains("verdict  intact"), "{out}");
        fs::remove_file(here.join(&other)).unwrap();
    }

    // The file needs nobody.
    assert_eq!(up.end("TERM"), Some(0));
    let (out, _) = run_in(here, &["verify", &file], 0);
    let hash = report["head"]["hash"].as_str().unwrap();
    assert!(out.contains(&format!("head     3 {hash}")), "{out}");
    let (out, _) = run_in(here, &["verify", &file, "--output", "json"], 0);
    let read: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&read["head"], &read["first_damaged"]), (&report["head"], &Value::Null));
    let file = fs::File::open(here.join(&file)).unwrap();
    let piped = signoff().args(["verify", "-"]).stdin(file).output().unwrap();
    assert!(told(&piped, 0).0.contains("verdict  intact"));

    // The services do.
    for arguments in [&ask[..], &export_and(&["--force"])] {
        let (out, errors) = run_in(here, arguments, 1);
        assert!(errors.contains("nothing runs on"), "{errors}");
        assert_eq!(out, "");
    }
    damaged_files_are_told(here, &written);
}

/// A file that somebody was at ends the program with 1, and the first record is named in words.
fn damaged_files_are_told(here: &Path, written: &[u8]) {
    let text = String::from_utf8(written.to_vec()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let cases = [
        (
            text.replacen("phase.opened", "phase.0pened", 1),
            json!(3),
            4,
            "not the hash of its bytes",
        ),
        ([lines[0], lines[2], lines[3], lines[4]].concat(), json!(1), 2, "record 2 stands where"),
        (lines[..4].concat(), Value::Null, 5, "the file ends before its last line"),
        (text[..text.len() - 200].to_owned(), json!(3), 4, "the file ends within the line"),
        (format!("{text}\n"), Value::Null, 6, "something behind the last line"),
    ];
    for (damaged, record, line, what) in cases {
        fs::write(here.join("damaged.jsonl"), damaged).unwrap();
        let (out, errors) = run_in(here, &["verify", "damaged.jsonl"], 1);
        assert!(out.contains("verdict  DAMAGED") && out.contains(what), "{what}:\n{out}");
        assert!(errors.contains("the trail is damaged") && errors.contains(what), "{errors}");
        let (out, _) = run_in(here, &["verify", "damaged.jsonl", "--output", "json"], 1);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["intact"], false);
        let first = &report["first_damaged"];
        assert_eq!((&first["record"], &first["line"]), (&record, &json!(line)), "{out}");
    }
    fs::write(here.join("damaged.jsonl"), "no trail\n").unwrap();
    for file in ["damaged.jsonl", "missing.jsonl", "."] {
        let (out, errors) = run_in(here, &["verify", file], 1);
        assert_eq!(out, "");
        assert!(errors.contains(file), "{errors}");
    }
}

#[test]
fn a_trail_that_was_altered_is_found_where_it_is_kept_and_in_its_file() {
    let Place { _folder, here, data, mut up, workflow } = Place::new();
    let (here, data) = (here.path(), data.as_str());
    let name = workflow.name();
    let url = up.endpoints()["database"].as_str().unwrap().to_owned();
    let url = format!("{}/signoff_versioning", url.rsplit_once('/').unwrap().0);
    let deed = format!(
        "alter table trail disable trigger all; \
         update trail set canonical = overlay(canonical placing '\\x7e' from 20) \
         where seq = 2 and report_id = '{}'; alter table trail enable trigger all",
        workflow.report_id
    );
    block_on(async {
        let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(deed)).execute(&mut admin).await.unwrap();
    });

    let ask = ["verify", "--workflow", &name, "--data", data];
    let (out, errors) = run_in(here, &ask, 1);
    assert!(out.contains("DAMAGED: record 2: its hash is not"), "{out}");
    assert!(errors.contains("the trail of versioning is damaged: record 2"), "{errors}");
    assert!(out.contains("kept by audit\n") && out.contains("verdict  intact"), "{out}");

    // It is written as it stands, for whoever has to look at it.
    let (out, errors) = run_in(here, &["export", "--workflow", &name, "--data", data], 1);
    assert!(
        out.contains("records  1 fit") && errors.contains("record 2 (line 3)"),
        "{out}{errors}"
    );
    let (out, _) = run_in(here, &["verify", &workflow.file(), "--output", "json"], 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["first_damaged"]["record"], 2);
    assert_eq!(up.end("TERM"), Some(0));
}

/// Opens a workflow at the gateway, and sets the lines of business.
async fn known_to_the_gateway(up: &Up, workflow: &Workflow) {
    let (out, _) = run_in(
        Path::new("."),
        &["token", "--user", "90", "--role", "admin", "--data", up.data.to_str().unwrap()],
        0,
    );
    let bearer = format!("Bearer {}", out.trim());
    let address = format!("http://{}", up.endpoints()["gateway"].as_str().unwrap());
    let mut client = WorkflowServiceClient::connect(address).await.unwrap();
    let request_id = || Uuid::new_v4().to_string();
    let open = OpenWorkflowRequest {
        scope: Some(Scope {
            cycle_id: workflow.cycle_id.clone(),
            report_id: workflow.report_id.clone(),
            ..Scope::default()
        }),
        cycle_name: "2026 Q4".to_owned(),
        report_name: "FR Y-14M".to_owned(),
        members: vec![Member { user_id: 10, role: WireRole::Tester.into() }],
        request_id: request_id(),
    };
    let lob_id = Uuid::new_v4().to_string();
    let lobs = SetLobsRequest {
        lobs: vec![Lob { lob_id, name: "Cards".to_owned(), ..Lob::default() }],
        reason: "as of this year".to_owned(),
        request_id: request_id(),
    };
    let (mut open, mut lobs) = (Request::new(open), Request::new(lobs));
    for metadata in [open.metadata_mut(), lobs.metadata_mut()] {
        metadata.insert("authorization", bearer.parse().unwrap());
    }
    client.open_workflow(open).await.unwrap();
    client.set_lobs(lobs).await.unwrap();
}

#[test]
fn a_system_that_runs_elsewhere_is_asked_at_its_gateway() {
    let Place { _folder, here, data, mut up, workflow } = Place::new();
    let (here, data) = (here.path(), data.as_str());
    block_on(known_to_the_gateway(&up, &workflow));
    let name = workflow.name();
    let gateway = format!("http://{}", up.endpoints()["gateway"].as_str().unwrap());
    let token = |role: &[&str]| {
        let named = [&["token", "--user", "90", "--data", data][..], role].concat();
        fs::write(here.join("token"), run_in(here, &named, 0).0).unwrap();
    };
    // Nothing of the data folder is looked at.
    let there = |words: &[&str], code| {
        let elsewhere = ["--gateway", &gateway, "--token-file", "token", "--data", "nowhere"];
        run_in(here, &[words, &elsewhere[..]].concat(), code)
    };

    token(&["--role", "auditor"]);
    for words in [
        &["head", "--all"][..],
        &["head", "--workflow", &name],
        &["verify", "--workflow", &name],
        &["export", "--workflow", &name, "--out", "-"],
        &["board", "--workflow", &name],
    ] {
        let (on_its_machine, _) = run_in(here, &[words, &["--data", data][..]].concat(), 0);
        // Heads are told with the time of asking.
        let told = |out: &str| -> Vec<String> {
            let of_line = |line: &str| match words[0] {
                "head" => line.split(' ').take(4).collect::<Vec<_>>().join(" "),
                _ => line.to_owned(),
            };
            out.lines().map(of_line).collect()
        };
        assert_eq!(told(&there(words, 0).0), told(&on_its_machine), "{words:?}");
    }
    there(&["metrics", "--workflow", &name], 0);

    let ask = ["verify", "--workflow", &name];
    token(&[]);
    assert!(there(&ask, 1).1.contains("PermissionDenied"));
    fs::write(here.join("token"), "no token").unwrap();
    assert!(there(&ask, 1).1.contains("Unauthenticated"));
    fs::remove_file(here.join("token")).unwrap();
    assert!(there(&ask, 1).1.contains("cannot read token"));
    assert_eq!(up.end("TERM"), Some(0));
    let (_, errors) = there(&ask, 1);
    assert!(errors.contains("the gateway is not to be reached at http://"), "{errors}");
}

#[test]
fn heads_are_kept_elsewhere_and_show_what_the_trail_cannot() {
    let Place { _folder, here, data, mut up, workflow } = Place::new();
    let (here, data) = (here.path(), data.as_str());
    block_on(known_to_the_gateway(&up, &workflow));
    let (name, file) = (workflow.name(), workflow.file());
    let house = format!("{0}/{0}", Uuid::nil());

    // One line for each trail that has a record, for people and for programs.
    let head = ["head", "--workflow", &name, "--data", data];
    let (out, errors) = run_in(here, &head, 0);
    assert_eq!(errors, "");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(
        lines.iter().map(|line| line[..3].join(" ")).collect::<Vec<_>>(),
        [format!("versioning {name} 3"), format!("gateway {name} 1"),]
    );
    let (hash, last) = (lines[0][3], format!("3:{}", lines[0][3]));
    let (out, _) =
        run_in(here, &[&head[..], &["--source", "gateway", "--output", "json"]].concat(), 0);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["heads"][0]["sequence"], &json["heads"][1]), (&json!(1), &Value::Null));
    assert_eq!(json["heads"][0]["hash"], lines[1][3]);
    let nobody = format!("{0}/{0}", Uuid::new_v4());
    let (_, errors) = run_in(here, &["head", "--workflow", &nobody, "--data", data], 1);
    assert!(errors.contains("no such trail has a record"), "{errors}");

    // All of them, in a file that grows only when they move.
    let keep = ["head", "--all", "--keep", "kept", "--data", data];
    let (out, _) = run_in(here, &keep, 0);
    let kept = fs::read_to_string(here.join("kept")).unwrap();
    assert_eq!(kept, out);
    assert_eq!((kept.lines().count(), kept.contains(&format!("gateway {house} 1 "))), (3, true));
    run_in(here, &keep, 0);
    assert_eq!(fs::read_to_string(here.join("kept")).unwrap(), kept);

    // What is there as it was, fits.
    run_in(here, &["export", "--workflow", &name, "--data", data], 0);
    let all = ["verify", "--heads", "kept", "--data", data];
    let (out, _) = run_in(here, &[&all[..], &["--output", "json"]].concat(), 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["intact"], report["trails"].as_array().unwrap().len()), (&json!(true), 3));
    let (out, _) = run_in(here, &["verify", &file, "--head", &last, "--head", &last], 0);
    assert!(out.contains("kept     2 heads\n  verdict  intact"), "{out}");
    run_in(here, &["verify", &file, "--heads", "kept"], 0);
    let ask = ["verify", "--workflow", &name, "--data", data];
    run_in(here, &[&ask[..], &["--heads", "kept"]].concat(), 0);
    run_in(here, &[&ask[..], &["--source", "versioning", "--head", &last]].concat(), 0);
    let (_, errors) = run_in(here, &["verify", &file, "--head", &format!("4:{hash}")], 1);
    assert!(errors.contains("record 4 (line 5): it is missing: the chain was cut"), "{errors}");
    let (_, errors) = run_in(here, &["verify", &file, "--head", &format!("2:{hash}")], 1);
    assert!(errors.contains("record 2") && errors.contains("was written anew"), "{errors}");
    fs::write(here.join("others"), format!("audit {name} 1 {hash}\n")).unwrap();
    let (_, errors) = run_in(here, &["verify", &file, "--heads", "others"], 1);
    assert!(errors.contains("others has no head of such a trail"), "{errors}");

    // A record that is written anew, with a hash that fits, shows against nothing else.
    let url = up.endpoints()["database"].as_str().unwrap().to_owned();
    let url = format!("{}/signoff_versioning", url.rsplit_once('/').unwrap().0);
    let deed = |deed: &str| {
        let deed = format!(
            "alter table trail disable trigger all; {deed}; alter table trail enable trigger all"
        );
        block_on(async {
            let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(deed)).execute(&mut admin).await.unwrap();
        });
    };
    deed(
        "update trail set canonical =
             convert_to(replace(convert_from(canonical, 'UTF8'), '/Open\"', '/Opem\"'), 'UTF8')
         where seq = 3;
         update trail set hash = sha256(
             '\\x7369676e6f66662d747261696c2d763100'::bytea || previous_hash || canonical)
         where seq = 3",
    );
    run_in(here, &ask, 0);
    let anew = "record 3: its hash is not that of the head that was kept";
    for command in [&[&ask[..], &["--heads", "kept"]].concat(), &all[..], &keep[..]] {
        let (_, errors) = run_in(here, command, 1);
        assert!(errors.contains(anew), "{command:?}: {errors}");
    }
    assert_eq!(fs::read_to_string(here.join("kept")).unwrap(), kept, "what fits did not move");

    // So does a tail that was cut.
    deed(
        "delete from trail where seq > 1; update phase_gates set attempt = 1, opened_attempt = null, \
          opened_at = null, opened_by = null",
    );
    run_in(here, &ask, 0);
    run_in(here, &["export", "--workflow", &name, "--data", data, "--force"], 0);
    for command in [
        &["verify", &file, "--head", &last][..],
        &["verify", &file, "--heads", "kept"],
        &[&ask[..], &["--source", "versioning", "--head", &last]].concat(),
        &keep,
    ] {
        let (_, errors) = run_in(here, command, 1);
        let cut =
            errors.contains("record 2") && errors.contains("it is missing: the chain was cut");
        assert!(cut, "{command:?}: {errors}");
    }
    assert_eq!(up.end("TERM"), Some(0));
}
