//! A system in a value, as the demo and other tests use it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::PathBuf;

use signoff::stack::{Home, Logs, Ports, Stack, UpOptions, provider_key, signing_key};

fn options(home: Home) -> UpOptions {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_signoff"));
    UpOptions { home, ports: Ports::Auto, program, logs: Logs::Files }
}

#[tokio::test]
async fn a_temporary_system_leaves_nothing() {
    let stack = Stack::start(options(Home::Temporary)).await.unwrap();
    let data = stack.data().to_owned();
    assert!(data.join("endpoints.json").is_file());
    assert!(data.join("versioning.token").is_file());
    for service in ["versioning", "audit", "gateway"] {
        assert!(stack.endpoints().service(service).is_some(), "{service}");
        assert!(data.join(format!("{service}.log")).is_file(), "{service}");
    }
    assert_eq!(signing_key(&data).unwrap().kid(), stack.key().kid());
    assert_ne!(provider_key(&data).unwrap().kid(), stack.key().kid());
    stack.stop().await.unwrap();
    assert!(!data.exists());
}

#[tokio::test]
async fn a_program_that_does_not_serve_is_told() {
    let broken = UpOptions { program: "/bin/false".into(), ..options(Home::Temporary) };
    let error = format!("{:#}", Stack::start(broken).await.err().unwrap());
    assert!(error.contains("ended before it served"), "{error}");
}
