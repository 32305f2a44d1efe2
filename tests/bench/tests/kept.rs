//! The page and the curves that the README shows are those of the kept measurements.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use signoff_bench::page::{REPORT, files, kept};

#[test]
fn the_kept_pictures_are_those_of_the_kept_report() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bench");
    let mut expected = BTreeSet::from([REPORT.to_owned()]);
    for (name, content) in files(&kept(&folder).unwrap()).unwrap() {
        let there = fs::read_to_string(folder.join(&name)).unwrap();
        assert!(
            there == content,
            "{name} is not fresh: cargo run -p signoff-bench -- draw docs/bench"
        );
        expected.insert(name);
    }
    let there = fs::read_dir(&folder).unwrap();
    let there: BTreeSet<String> =
        there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, expected);
}
