//! The text exposition format 0.0.4, as far as texts of several sources must become one: every
//! family once, with all of its samples together.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why a text is no exposition, or does not fit to what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A line is none of the format.
    #[error("line {0} is none of the exposition format")]
    Line(usize),
    /// A family has another type than before.
    #[error("{name} is a {here}, and was a {before} before")]
    Type {
        /// The family.
        name: String,
        /// Its type in this text.
        here: String,
        /// Its type before.
        before: String,
    },
}

/// Families of samples, by name.
#[derive(Clone, Debug, Default)]
pub struct Families {
    families: BTreeMap<String, Family>,
    /// The series that have a value: a second one would not be valid.
    series: HashSet<String>,
}

#[derive(Clone, Debug, Default)]
struct Family {
    kind: Option<String>,
    help: Option<String>,
    /// Whole lines.
    samples: Vec<String>,
}

impl Families {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds all that a text says, or nothing. Of a series that has a value already, the first one
    /// stays.
    ///
    /// # Errors
    /// The text is not of the format, or says of a family that it is something else.
    pub fn add(&mut self, text: &str) -> Result<(), Malformed> {
        let more = parse(text)?;
        for (name, family) in &more {
            let before = self.families.get(name).and_then(|family| family.kind.as_ref());
            if let (Some(before), Some(here)) = (before, &family.kind)
                && before != here
            {
                let (before, here) = (before.clone(), here.clone());
                return Err(Malformed::Type { name: name.clone(), here, before });
            }
        }
        for (name, family) in more {
            let known = self.families.entry(name).or_default();
            known.kind = known.kind.take().or(family.kind);
            known.help = known.help.take().or(family.help);
            for sample in family.samples {
                if self.series.insert(series_of(&sample).to_owned()) {
                    known.samples.push(sample);
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One without samples is still written: it says that there is such a family.
        for (name, family) in &self.families {
            if let Some(help) = &family.help {
                writeln!(f, "# HELP {name} {help}")?;
            }
            if let Some(kind) = &family.kind {
                writeln!(f, "# TYPE {name} {kind}")?;
            }
            for sample in &family.samples {
                writeln!(f, "{sample}")?;
            }
        }
        Ok(())
    }
}

/// The families of a text.
fn parse(text: &str) -> Result<BTreeMap<String, Family>, Malformed> {
    let mut families = BTreeMap::<String, Family>::new();
    // The samples after a type are of that family, with the suffixes that its type has.
    let mut current = None::<(String, String)>;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let wrong = || Malformed::Line(number);
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.trim_start().splitn(3, [' ', '\t']);
            let (what, name, rest) = (words.next(), words.next(), words.next());
            match (what, name, rest) {
                (Some("HELP"), Some(name), help) if is_name(name) => {
                    let family = families.entry(name.to_owned()).or_default();
                    family.help = family.help.take().or(help.map(str::to_owned));
                }
                (Some("TYPE"), Some(name), Some(kind)) if is_name(name) && is_kind(kind) => {
                    let family = families.entry(name.to_owned()).or_default();
                    if family.kind.as_deref().is_some_and(|before| before != kind) {
                        return Err(wrong());
                    }
                    family.kind = Some(kind.to_owned());
                    current = Some((name.to_owned(), kind.to_owned()));
                }
                (Some("HELP" | "TYPE"), ..) => return Err(wrong()),
                // A comment for people.
                _ => {}
            }
        } else if !line.is_empty() {
            let name = sample(line).ok_or_else(wrong)?;
            let family = match &current {
                Some((family, kind)) if belongs(name, family, kind) => family.as_str(),
                _ => name,
            };
            families.entry(family.to_owned()).or_default().samples.push(line.to_owned());
        }
    }
    Ok(families)
}

fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

fn is_kind(text: &str) -> bool {
    ["counter", "gauge", "histogram", "summary", "untyped"].contains(&text)
}

/// Whether a sample of this name is of the family.
fn belongs(name: &str, family: &str, kind: &str) -> bool {
    let suffixes: &[&str] = match kind {
        "histogram" => &["_bucket", "_sum", "_count"],
        "summary" => &["", "_sum", "_count"],
        _ => &[""],
    };
    name.strip_prefix(family).is_some_and(|suffix| suffixes.contains(&suffix))
}

/// The name of a sample's line, if it is one: a name, labels, a value, perhaps a time.
fn sample(line: &str) -> Option<&str> {
    let series = series_of(line);
    let name = series.split('{').next()?.trim_end();
    let mut values = line[series.len()..].split_ascii_whitespace();
    let value = values.next()?;
    let time = values.next().is_none_or(|time| time.parse::<i64>().is_ok());
    let whole = is_name(name) && has_sane_labels(&series[name.len()..]);
    (whole && value.parse::<f64>().is_ok() && time && values.next().is_none()).then_some(name)
}

/// The series of a sample's line: all before its value. What is in quotes may hold anything.
fn series_of(line: &str) -> &str {
    let (mut quoted, mut escaped, mut labelled) = (false, false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => labelled = true,
            '}' if !quoted => return &line[..=at],
            ' ' | '\t' if !quoted && !labelled => return &line[..at],
            _ => {}
        }
    }
    line
}

/// Whether this is nothing, or labels in braces: `{name="text",other="text"}`.
fn has_sane_labels(text: &str) -> bool {
    let Some(inner) = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return text.trim().is_empty();
    };
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let Some((name, value)) = rest.split_once('=') else { return false };
        let Some(value) = value.trim_start().strip_prefix('"') else { return false };
        let Some(end) = end_of_text(value) else { return false };
        if !is_name(name.trim()) || name.contains(':') {
            return false;
        }
        rest = value[end + 1..].trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => {}
            None => return false,
        }
    }
    true
}

/// Where the quotes close.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| match c {
        _ if escaped => {
            escaped = false;
            None
        }
        '\\' => {
            escaped = true;
            None
        }
        '"' => Some(at),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
        calls_total{service=\"one\"} 1\n\
        # TYPE took_seconds histogram\n\
        took_seconds_bucket{service=\"one\",le=\"1\"} 1\n\
        took_seconds_bucket{service=\"one\",le=\"+Inf\"} 1\n\
        took_seconds_sum{service=\"one\"} 0.5\ntook_seconds_count{service=\"one\"} 1\n";

    fn merged(texts: &[&str]) -> String {
        let mut families = Families::new();
        for text in texts {
            families.add(text).unwrap();
        }
        families.to_string()
    }

    #[test]
    fn every_family_is_there_once_with_its_samples_together() {
        let two = ONE.replace("\"one\"", "\"two\"");
        let expected = "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
            calls_total{service=\"one\"} 1\ncalls_total{service=\"two\"} 1\n\
            # TYPE took_seconds histogram\n\
            took_seconds_bucket{service=\"one\",le=\"1\"} 1\n\
            took_seconds_bucket{service=\"one\",le=\"+Inf\"} 1\n\
            took_seconds_sum{service=\"one\"} 0.5\ntook_seconds_count{service=\"one\"} 1\n\
            took_seconds_bucket{service=\"two\",le=\"1\"} 1\n\
            took_seconds_bucket{service=\"two\",le=\"+Inf\"} 1\n\
            took_seconds_sum{service=\"two\"} 0.5\ntook_seconds_count{service=\"two\"} 1\n";
        assert_eq!(merged(&[ONE, &two]), expected);
        assert_eq!(merged(&[expected]), expected, "what is merged can be merged again");
    }

    #[test]
    fn a_series_has_one_value() {
        assert_eq!(merged(&[ONE, &ONE.replace("} 1\n", "} 2\n")]), merged(&[ONE]));
    }

    #[test]
    fn a_summary_has_quantiles_a_sum_and_a_count() {
        let text = "# TYPE age_seconds summary\nage_seconds{quantile=\"0.5\"} NaN\n\
            age_seconds_sum 0\nage_seconds_count 0\n";
        let other = "# TYPE age_seconds_other gauge\nage_seconds_other 1\n";
        assert_eq!(merged(&[other, text]), format!("{text}{other}"));
    }

    #[test]
    fn a_family_without_samples_is_kept() {
        let text = "# HELP things_total Things.\n# TYPE things_total counter\n";
        assert_eq!(merged(&[text]), text);
        let sample = "things_total 1\n";
        assert_eq!(merged(&[text, &format!("{text}{sample}")]), format!("{text}{sample}"));
    }

    #[test]
    fn texts_in_labels_may_hold_anything() {
        let line = r#"odd{a="} 1 \"x\\",b="é{,"} +Inf 1395066363000"#;
        assert_eq!(merged(&[line]), format!("{line}\n"));
        for line in
            ["up 1", "up{} 1", "up{a=\"b\",} -Inf", "up{ a = \"b\" } NaN", "# a comment", ""]
        {
            assert!(Families::new().add(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_of_the_format_is_refused_whole() {
        for wrong in [
            "up",
            "up one",
            "1up 1",
            "up{a=\"b\" 1",
            "up{a=b} 1",
            "up{a:b=\"c\"} 1",
            "up{a=\"b\"c=\"d\"} 1",
            "up 1 2 3",
            "up 1 soon",
            "# TYPE up thing",
            "# TYPE up",
            "# TYPE up gauge\n# TYPE up counter",
            "<html>",
        ] {
            let mut families = Families::new();
            let refused = families.add(&format!("fine 1\n{wrong}\n"));
            assert!(matches!(refused, Err(Malformed::Line(2..))), "{wrong}: {refused:?}");
            assert_eq!(families.to_string(), "");
        }
    }

    #[test]
    fn a_family_is_of_one_type() {
        let mut families = Families::new();
        families.add(ONE).unwrap();
        let refused = families.add("# TYPE calls_total gauge\ncalls_total 3\nother 1\n");
        assert!(matches!(refused, Err(Malformed::Type { .. })));
        assert!(!families.to_string().contains("other"));
    }
}
