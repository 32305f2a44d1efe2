//! The files of the repository, and which of their lines are tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 5] = [".git", "target", "node_modules", ".venv", "__pycache__"];

/// A text file.
pub(crate) struct File {
    /// Its path from the top, with slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
    /// Where its tests begin, in bytes: its length if it has none, 0 if it is all test.
    tests_at: usize,
}

impl File {
    /// Whether its name ends so.
    pub(crate) fn is_a(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    /// What is in it beside tests.
    pub(crate) fn product(&self) -> &str {
        &self.text[..self.tests_at]
    }

    /// Its tests.
    pub(crate) fn tests(&self) -> &str {
        &self.text[self.tests_at..]
    }

    /// The lines in a part of it that hold one of these texts, as `path:line: text`.
    pub(crate) fn found(&self, part: &str, wanted: &[&str]) -> Vec<String> {
        // A part is the beginning of the text, or its end.
        let skipped = if self.text.starts_with(part) { 0 } else { self.text.len() - part.len() };
        let first = self.text[..skipped].lines().count() + 1;
        part.lines()
            .zip(first..)
            .filter(|(line, _)| wanted.iter().any(|text| line.contains(text)))
            .map(|(line, number)| format!("{}:{number}: {}", self.path, line.trim()))
            .collect()
    }
}

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All text files, by path.
pub(crate) fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(read);
    &FILES
}

/// The file at a path.
pub(crate) fn file(path: &str) -> &'static File {
    files().iter().find(|file| file.path == path).ok_or_else(|| format!("no {path}")).unwrap()
}

fn read() -> Vec<File> {
    let top = top();
    let (mut files, mut folders) = (Vec::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                if !FOREIGN.iter().any(|name| entry.file_name() == *name) {
                    folders.push(path);
                }
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(&path)
            {
                let path = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                let tests_at = text.len();
                files.push(File { path, text, tests_at });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let all_test = test_files(&files);
    for file in &mut files {
        file.tests_at = if all_test.contains(&file.path) {
            0
        } else if file.is_a(".rs") {
            inline_tests(&file.text).unwrap_or(file.text.len())
        } else {
            file.text.len()
        };
    }
    files
}

/// Where a module of tests begins that stands at the end of a file.
fn inline_tests(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().map_or("", |next| next.trim());
        if line == "#[cfg(test)]\n" && next.starts_with("mod ") && next.ends_with('{') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// The files that are nothing but tests: those in folders of tests, and the modules that are
/// compiled for tests only, with their own modules.
fn test_files(files: &[File]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = files
        .iter()
        .map(|file| &file.path)
        .filter(|path| {
            path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("_tests.rs")
        })
        .cloned()
        .collect();
    loop {
        let before = found.len();
        for file in files.iter().filter(|file| file.is_a(".rs")) {
            let folder = module_folder(&file.path);
            let mut for_tests = found.contains(&file.path);
            for line in file.text.lines() {
                let declared = line.strip_suffix(';').and_then(|line| line.split_once("mod "));
                if let Some((_, module)) = declared
                    && for_tests
                {
                    found.insert(format!("{folder}/{module}.rs"));
                    found.insert(format!("{folder}/{module}/mod.rs"));
                }
                for_tests = found.contains(&file.path) || line == "#[cfg(test)]";
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The folder in which the modules of a file lie.
fn module_folder(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    if ["lib.rs", "main.rs", "mod.rs"].contains(&name) {
        folder
    } else {
        path.strip_suffix(".rs").unwrap_or(path)
    }
}

#[test]
fn tests_are_told_from_the_product() {
    let inline = "fn a() {}\n#[cfg(test)]\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(inline_tests(inline), inline.find("#[cfg(test)]\nmod"));
    assert_eq!(inline_tests("#[cfg(test)]\nmod tests;\n"), None);
    assert_eq!(module_folder("a/src/lib.rs"), "a/src");
    assert_eq!(module_folder("a/src/b.rs"), "a/src/b");

    assert_eq!(file("tests/tidy/tree.rs").product(), "");
    // Declared as `#[cfg(test)] mod tests;` in verifier.rs.
    assert_eq!(file("shared/ledger/src/trail/verifier/tests.rs").product(), "");
    let queue = file("shared/ledger/src/queue.rs");
    assert!(queue.product().contains("fn members") && queue.tests().contains("#[tokio::test]"));
}
