//! Which part of the code may know which.

use crate::tree::{File, file, files};

/// The folder of the services.
const SERVICES: &str = "services/";

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
            "crate::store",
            "crate::rpc",
            "async fn",
        ],
        "domain/ knows neither the wire nor the database",
    );
}

#[test]
fn statements_are_in_the_store() {
    let statements = ["sqlx::query", "raw_sql", "tonic::", "signoff_contract", "crate::rpc"];
    expect_unknown("/src/commands/", &statements, "commands/ runs no statements and knows no wire");
    expect_unknown("/src/rpc/", &["sqlx::query", "raw_sql"], "rpc/ runs no statements");
    expect_unknown(
        "/src/store/",
        &["tonic::", "signoff_contract", "crate::rpc", "crate::commands"],
        "store/ runs statements, and no more",
    );
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
