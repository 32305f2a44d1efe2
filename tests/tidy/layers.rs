//! Which part of the code may know which.

use crate::tree::{File, file, files};

/// The folder of the services.
const SERVICES: &str = "services/";
/// The crate of what services share.
const BACKEND: &str = "shared/backend/src/";
/// The shared crates, and which of them each may know.
const SHARED: [(&str, &[&str]); 5] = [
    ("workflow", &[]),
    ("contract", &["workflow"]),
    ("ledger", &["workflow"]),
    ("chassis", &["contract", "workflow"]),
    ("backend", &["chassis", "contract", "ledger", "workflow"]),
];

fn below(folder: &'static str) -> impl Iterator<Item = &'static File> {
    files().iter().filter(move |file| {
        file.is_a(".rs") && file.path.starts_with(SERVICES) && file.path.contains(folder)
    })
}

#[track_caller]
fn expect_unknown(folder: &'static str, unknown: &[&str], rule: &str) {
    assert!(below(folder).next().is_some(), "no service has {folder}");
    let found: Vec<String> =
        below(folder).flat_map(|file| file.found(file.product(), unknown)).collect();
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    expect_unknown(
        "/src/domain/",
        &[
            "tonic::",
            "sqlx::",
            "tokio::",
            "signoff_contract",
            "signoff_backend::rpc",
            "signoff_backend::serve",
            "crate::store",
            "crate::rpc",
            "async fn",
        ],
        "domain/ knows neither the wire nor the database",
    );
}

#[test]
fn statements_are_in_the_store() {
    let statements = [
        "sqlx::query",
        "raw_sql",
        "tonic::",
        "signoff_contract",
        "signoff_backend::rpc",
        "crate::rpc",
    ];
    expect_unknown("/src/commands/", &statements, "commands/ runs no statements and knows no wire");
    expect_unknown("/src/rpc/", &["sqlx::query", "raw_sql"], "rpc/ runs no statements");
    expect_unknown(
        "/src/store/",
        &["tonic::", "signoff_contract", "signoff_backend::rpc", "crate::rpc", "crate::commands"],
        "store/ runs statements, and no more",
    );
}

#[test]
fn what_services_share_runs_no_statements_and_knows_tonic_in_rpc_only() {
    let shared = || files().iter().filter(|file| file.path.starts_with(BACKEND));
    assert!(shared().next().is_some(), "nothing is in {BACKEND}");
    let statements =
        shared().flat_map(|file| file.found(file.product(), &["sqlx::query", "raw_sql"]));
    let wire = shared()
        .filter(|file| !file.path[BACKEND.len()..].starts_with("rpc/"))
        .flat_map(|file| file.found(file.product(), &["tonic::"]));
    let found: Vec<String> = statements.chain(wire).collect();
    assert!(
        found.is_empty(),
        "statements are in stores, the wire is in rpc/\n{}",
        found.join("\n")
    );
}

#[test]
fn shared_crates_know_each_other_in_one_order() {
    for (name, may_know) in SHARED {
        let manifest = file(&format!("shared/{name}/Cargo.toml"));
        let product = manifest.text.split("[dev-dependencies]").next().unwrap_or_default();
        let dependencies = product.split("[dependencies]").nth(1).unwrap_or_default();
        let unknown: Vec<String> = SHARED
            .iter()
            .filter(|(other, _)| !may_know.contains(other))
            .map(|(other, _)| format!("signoff-{other}"))
            .collect();
        let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
        let found = manifest.found(dependencies, &unknown);
        assert!(found.is_empty(), "shared/{name} knows too much:\n{}", found.join("\n"));
    }
}

#[test]
fn dependencies_go_one_way() {
    let pure = ["tonic", "sqlx", "tokio", "axum", "signoff-contract"];
    let manifest = file("shared/workflow/Cargo.toml");
    let dependencies = manifest.text.split("[dependencies]").nth(1).unwrap_or_default();
    let found = manifest.found(dependencies, &pure);
    assert!(found.is_empty(), "shared/workflow is pure:\n{}", found.join("\n"));

    let services: Vec<String> = files()
        .iter()
        .filter_map(|file| file.path.strip_prefix(SERVICES)?.strip_suffix("/Cargo.toml"))
        .map(|name| format!("signoff-{name}"))
        .collect();
    assert!(!services.is_empty());
    for manifest in files().iter().filter(|file| file.is_a("Cargo.toml")) {
        let product = manifest.text.split("[dev-dependencies]").next().unwrap_or_default();
        let above = ["signoff-embedded", "signoff-tests"];
        let upward = match manifest.path.split('/').next() {
            Some("shared") => {
                [services.iter().map(String::as_str).collect(), above.to_vec()].concat()
            }
            Some("services") => services
                .iter()
                .map(String::as_str)
                .filter(|name| !product.contains(&format!("name = \"{name}\"")))
                .chain(above)
                .collect(),
            _ => Vec::new(),
        };
        let found = manifest.found(product, &upward);
        assert!(found.is_empty(), "a dependency that goes up or aside:\n{}", found.join("\n"));
    }
}
