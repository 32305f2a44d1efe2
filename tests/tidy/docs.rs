//! What the documents say is there.

use std::collections::BTreeSet;
use std::path::Path;

use signoff_contract::workflow::v1::ErrorReason;

use crate::tree::{File, file, files, top};

const DECISIONS: &str = "docs/decisions/";

fn documents() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.is_a(".md"))
}

/// The targets of a document's links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|behind| behind.split_once(')')).map(|(link, _)| link)
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let folder = top().join(Path::new(&document.path).parent().unwrap());
        for link in links(&document.text) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || target.is_empty();
            if !elsewhere && !folder.join(target).exists() {
                dead.push(format!("{}: {link}", document.path));
            }
        }
    }
    assert!(dead.is_empty(), "links to what is not there:\n{}", dead.join("\n"));
}

#[test]
fn every_decision_is_numbered_once_and_in_the_index() {
    let index: BTreeSet<&str> = links(&file("docs/decisions/README.md").text).collect();
    let records: Vec<(&str, &File)> = documents()
        .filter_map(|file| Some((file.path.strip_prefix(DECISIONS)?, file)))
        .filter(|(name, _)| *name != "README.md")
        .collect();
    for (number, (name, record)) in (1..).zip(&records) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is not number {number}");
        assert!(record.text.starts_with(&format!("# {number}. ")), "{name} has another title");
        for part in ["**Context.**", "**Decision.**", "**Consequences.**"] {
            assert!(record.text.contains(part), "{name} has no {part}");
        }
    }
    assert_eq!(index, records.iter().map(|(name, _)| *name).collect());
}

#[test]
fn the_code_map_names_every_crate() {
    let map = &file("ARCHITECTURE.md").text;
    let members = file("Cargo.toml").text.split("members = [").nth(1).unwrap();
    let members: Vec<&str> =
        members.split(']').next().unwrap().split('"').skip(1).step_by(2).collect();
    assert!(members.contains(&"shared/workflow"), "{members:?}");
    for member in members {
        assert!(map.contains(&format!("`{member}/")), "ARCHITECTURE.md does not name {member}/");
    }
}

#[test]
fn every_reason_is_explained() {
    let known: BTreeSet<&str> = (1..1000)
        .map_while(|number| ErrorReason::try_from(number).ok())
        .map(|reason| reason.as_str_name().trim_start_matches("ERROR_REASON_"))
        .collect();
    let page = &file("docs/errors.md").text;
    let explained: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).collect();
    assert_eq!(explained.iter().copied().collect::<BTreeSet<_>>(), known);
    assert_eq!(explained.len(), known.len(), "a reason is explained twice");
}

#[test]
fn every_setting_is_in_the_readme() {
    let readme = &file("README.md").text;
    let settings: BTreeSet<&str> = files()
        .iter()
        .filter(|file| file.is_a(".rs"))
        .flat_map(|file| file.product().split("env = \"").skip(1))
        .filter_map(|behind| behind.split('"').next())
        .collect();
    assert!(settings.contains("SIGNOFF_LISTEN"), "{settings:?}");
    for setting in settings.into_iter().chain(["SIGNOFF_LOG", "SIGNOFF_PG_BIN"]) {
        assert!(readme.contains(&format!("`{setting}`")), "README.md does not name {setting}");
    }
}
