//! `signoff up` from start to stop, and what happens when somebody is killed.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::{Command, Stdio},
};

use helper::{Up, kill, open_folder, processes_about, run, runs, signoff, until};
use serde_json::Value;
use signoff_chassis::identity::{AUDIENCE, KeySource, LOCAL_ISSUER, TokenOptions, TokenVerifier};
use signoff_contract::feed::v1::{
    GetTrailRequest, Source, trail_service_client::TrailServiceClient,
};
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::Role;
use tonic::{Code, Request, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Whether the service at an address says that it serves.
fn serves(address: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let Ok(channel) = endpoint.connect().await else { return false };
        let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
        answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
    })
}

fn is_free(address: &str) -> bool {
    TcpListener::bind(address).is_ok()
}

#[test]
fn up_serves_and_leaves_nothing_when_stopped() {
    let folder = open_folder();
    let data = folder.path().join("data");
    for signal in ["TERM", "INT"] {
        let mut up = Up::start(&data);
        let endpoints = up.endpoints();
        let addresses = ["versioning", "audit", "gateway", "metrics"]
            .map(|name| endpoints[name].as_str().unwrap().to_owned());
        assert!(addresses.iter().all(|address| serves(address)), "{endpoints}");

        let mode = fs::metadata(data.join("endpoints.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(endpoints["pids"]["signoff"], up.process.id());
        let pids = ["signoff", "versioning", "audit", "gateway", "metrics", "postgres"]
            .map(|name| up.pid(name));
        assert!(pids.iter().all(|pid| runs(*pid)));

        // What is printed has no password; the file's URL works.
        assert_eq!(up.printed["versioning"], endpoints["versioning"]);
        let printed = up.printed["database"].as_str().unwrap();
        assert!(printed.starts_with("postgres://postgres@127.0.0.1:"), "{printed}");
        let answer = query(endpoints["database"].as_str().unwrap());
        assert_eq!(
            answer,
            ["signoff_audit", "signoff_gateway", "signoff_metrics", "signoff_versioning"]
        );

        assert_eq!(up.end(signal), Some(0));
        assert!(pids.iter().all(|pid| !runs(*pid)));
        assert!(addresses.iter().all(|address| is_free(address)));
        assert!(!data.join("endpoints.json").exists());
        assert!(processes_about(data.to_str().unwrap()).is_empty());
    }
}

/// The names of the services' databases, asked as administrator.
fn query(url: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let mut admin = sqlx::PgConnection::connect(url).await.unwrap();
        let name = "SELECT datname::text FROM pg_database WHERE datname LIKE 'signoff%' ORDER BY 1";
        sqlx::query_scalar(name).fetch_all(&mut admin).await.unwrap()
    })
}

#[test]
fn up_that_is_killed_takes_everything_along_and_starts_again() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut up = Up::start(&data);
    let pids = ["versioning", "audit", "gateway", "postgres"].map(|name| up.pid(name));
    assert_eq!(up.end("KILL"), None);
    until("the service and PostgreSQL are gone", || {
        (!pids.iter().any(|pid| runs(*pid))).then_some(())
    });
    until("nobody is left", || processes_about(data.to_str().unwrap()).is_empty().then_some(()));

    let mut again = Up::start(&data);
    assert!(serves(again.endpoints()["versioning"].as_str().unwrap()));
    assert_eq!(again.end("TERM"), Some(0));
}

/// The server is young when it is asked to go: a signal that it does not hear yet is sent again.
#[test]
fn up_that_is_interrupted_while_it_starts_leaves_nobody() {
    let folder = open_folder();
    for (n, made) in ["postgres", "postgres/making", "postgres/pgdata"].into_iter().enumerate() {
        let data = folder.path().join(format!("data-{n}"));
        let mut up = signoff();
        up.args(["up", "--ports", "auto", "--data"]).arg(&data);
        let mut up = up.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        until("the start has come so far", || data.join(made).exists().then_some(()));
        kill(up.id(), "KILL");
        up.wait().unwrap();
        let data = data.to_str().unwrap();
        until("nobody is left", || processes_about(data).is_empty().then_some(()));
    }
}

#[test]
fn a_killed_service_is_restarted_at_its_address() {
    let folder = open_folder();
    let mut up = Up::start(&folder.path().join("data"));
    let address = up.endpoints()["versioning"].as_str().unwrap().to_owned();
    let first = up.pid("versioning");
    kill(first, "KILL");
    let second = until("a new process is published", || {
        let pid = up.endpoints()["pids"]["versioning"].as_u64()?;
        (pid != u64::from(first)).then_some(u32::try_from(pid).unwrap())
    });
    assert!(runs(second));
    assert!(serves(&address));
    assert_eq!(up.endpoints()["versioning"], *address);
    assert_eq!(up.end("TERM"), Some(0));
    assert!(!runs(second));
}

#[test]
fn up_notices_that_postgresql_is_gone() {
    let folder = open_folder();
    // One that is killed cannot take its process id away.
    for signal in ["QUIT", "KILL"] {
        let mut up = Up::start(&folder.path().join("data"));
        let versioning = up.pid("versioning");
        kill(up.pid("postgres"), signal);
        assert_eq!(up.process.wait().unwrap().code(), Some(1));
        assert!(!runs(versioning));
        assert!(!up.data.join("endpoints.json").exists());
    }
}

#[test]
fn a_second_up_on_a_folder_is_refused() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut up = Up::start(&data);
    let before = up.endpoints();
    let second = run(&["up", "--ports", "auto", "--data", data.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("another `signoff` runs on the data folder"), "{message}");
    assert_eq!(up.endpoints(), before);
    assert!(serves(before["versioning"].as_str().unwrap()));
    assert_eq!(up.end("TERM"), Some(0));
}

#[test]
fn a_taken_port_is_named() {
    let folder = open_folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = folder.path().join("data");
    let output = signoff()
        .args(["up", "--ports", &(port - 1).to_string(), "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(&format!("port {port} ")), "{message}");
    assert!(message.contains("versioning"), "{message}");
    assert!(processes_about(data.to_str().unwrap()).is_empty());
}

#[test]
fn up_uses_a_database_that_is_there() {
    let folder = open_folder();
    let mut host = Up::start(&folder.path().join("host"));
    let url = host.endpoints()["database"].as_str().unwrap().to_owned();
    let data = folder.path().join("guest");
    // The same server, as a guest: what the host made is found and used.
    let mut guest = Up::start_with(&data, &["--database-url", &url]);
    let endpoints = guest.endpoints();
    assert!(serves(endpoints["versioning"].as_str().unwrap()));
    assert_eq!(endpoints["database"], *url);
    assert_eq!(endpoints["pids"]["postgres"], Value::Null);
    assert!(!data.join("postgres").exists());
    assert_eq!(guest.end("TERM"), Some(0));
    assert!(runs(host.pid("postgres")));
    assert_eq!(host.end("TERM"), Some(0));
}

#[test]
fn an_ordinary_user_runs_it_too() {
    // Only root can become somebody else; for an ordinary user every other test shows this.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let folder = open_folder();
    // The build's folder may be closed to others.
    let program = folder.path().join("signoff");
    fs::copy(env!("CARGO_BIN_EXE_signoff"), &program).unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let uid = 65_534;
    std::os::unix::fs::chown(&home, Some(uid), Some(uid)).unwrap();
    let mut command = Command::new(&program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", &home);
    command.uid(uid).gid(uid).current_dir("/").args(["up", "--ports", "auto", "--output", "json"]);

    let mut up = Up::spawn(command, &home.join(".local/share/signoff"));
    let endpoints = up.endpoints();
    assert!(serves(endpoints["versioning"].as_str().unwrap()));
    for name in ["signoff", "versioning", "audit", "gateway", "postgres"] {
        let process = fs::metadata(format!("/proc/{}", up.pid(name))).unwrap();
        assert_eq!(process.uid(), uid, "{name}");
    }
    assert_eq!(up.end("TERM"), Some(0));
}

#[test]
fn tokens_are_verified_with_the_public_key_of_the_folder() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut up = Up::start(&data);
    let address = up.endpoints()["versioning"].as_str().unwrap().to_owned();
    let data_text = data.to_str().unwrap();
    let id = |last| format!("0190b5c8-0000-7000-8000-00000000000{last}");
    let workflow = format!("{}/{}", id(1), id(2));
    let token = |user: &str, more: &[&str]| {
        let output = run(&[&["token", "--user", user, "--data", data_text], more].concat());
        assert_eq!(output.status.code(), Some(0));
        let token = String::from_utf8(output.stdout).unwrap();
        assert_eq!(token.lines().count(), 1, "the token alone");
        token.trim_end().to_owned()
    };
    let narrowed = ["--role", "service,auditor", "--workflow", &workflow, "--ttl", "15m"];
    let service = token("42", &narrowed);

    let jwks = KeySource::File(data.join("provider-jwks.json"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let principal = runtime.block_on(async {
        let options = TokenOptions::new(LOCAL_ISSUER, AUDIENCE, jwks);
        TokenVerifier::open(options).await.unwrap().verify(&service).await.unwrap()
    });
    assert_eq!((principal.user_id, principal.subject.as_str()), (42, "user-42"));
    assert_eq!(principal.roles, [Role::Auditor, Role::Service]);
    assert_eq!(principal.workflow.unwrap().to_string(), workflow);

    // The service takes it for its report, and refuses whoever has none, or goes past the gateway.
    let of = |last| Scope { cycle_id: id(1), report_id: id(last), phase: 0 };
    assert_eq!(read_trail(&address, of(2), Some(&service)), Code::Ok);
    assert_eq!(read_trail(&address, of(3), Some(&service)), Code::Unauthenticated);
    assert_eq!(read_trail(&address, of(2), None), Code::Unauthenticated);
    let person = token("43", &["--role", "auditor,admin"]);
    assert_eq!(read_trail(&address, of(2), Some(&person)), Code::Unauthenticated);
    assert_eq!(up.end("TERM"), Some(0));
}

/// Asks for the trail of a workflow.
fn read_trail(address: &str, scope: Scope, token: Option<&str>) -> Code {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = format!("http://{address}");
        let mut trail = TrailServiceClient::connect(address).await.unwrap();
        let wanted = GetTrailRequest {
            scope: Some(scope),
            source: Source::Versioning.into(),
            ..GetTrailRequest::default()
        };
        let mut request = Request::new(wanted);
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        trail.get_trail(request).await.map_or_else(|status| status.code(), |_answer| Code::Ok)
    })
}
