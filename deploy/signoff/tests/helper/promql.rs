//! Which metrics an expression of PromQL names.

use std::collections::BTreeSet;

/// Words that are neither metrics nor functions.
const KEYWORDS: [&str; 14] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "inf",
    "nan",
    "atan2",
];
/// Those of them before a list of labels.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The names of metrics in an expression: what is left of it without texts, labels, times, functions
/// and numbers. `label_values(metric, label)` of dashboards is one, too.
pub fn metrics(expression: &str) -> BTreeSet<String> {
    let bare = without(&without_texts(expression), '{', '}');
    let bare = without(&bare, '[', ']');
    let bare = match bare.trim().strip_prefix("label_values(") {
        Some(inner) => inner.split(',').next().unwrap_or_default().to_owned(),
        None => bare,
    };
    let mut found = BTreeSet::new();
    let mut rest = bare.as_str();
    let is_in = |c: char| c.is_ascii_alphanumeric() || "_:.$".contains(c);
    while let Some(at) = rest.find(is_in) {
        let (word, behind) =
            rest[at..].split_at(rest[at..].find(|c| !is_in(c)).unwrap_or(rest.len() - at));
        rest = behind;
        let lower = word.to_lowercase();
        if BEFORE_LABELS.contains(&lower.as_str()) && behind.trim_start().starts_with('(') {
            rest = behind.split_once(')').map_or("", |(_, behind)| behind);
        } else if word.starts_with(|c: char| c.is_ascii_alphabetic() || "_:".contains(c))
            && !KEYWORDS.contains(&lower.as_str())
            && !is_called(behind)
        {
            found.insert(word.to_owned());
        }
    }
    found
}

/// Whether what comes behind a word makes it a function or an aggregation.
fn is_called(behind: &str) -> bool {
    let behind = behind.trim_start();
    let word = behind.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    behind.starts_with('(') || ["by", "without"].contains(&word)
}

/// Without what is in quotes.
fn without_texts(expression: &str) -> String {
    let (mut kept, mut quote, mut escaped) = (String::new(), None, false);
    for c in expression.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if "\"'`".contains(c) => quote = Some(c),
            None => kept.push(c),
        }
    }
    kept
}

/// Without what is between these.
fn without(expression: &str, open: char, close: char) -> String {
    let mut depth = 0_usize;
    let kept = expression.chars().filter(|c| {
        if *c == open {
            depth += 1;
        }
        let kept = depth == 0;
        if *c == close {
            depth = depth.saturating_sub(1);
        }
        kept
    });
    kept.collect()
}
