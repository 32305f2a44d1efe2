//! A running system as those see it who watch it, and what they are given for it: alerts for
//! Prometheus, a dashboard for Grafana.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod helper;

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path};

use helper::{Up, http::get, kill, open_folder, promql, until};
use serde_json::Value;
use signoff_chassis::prometheus::Families;

/// The names of all samples that a text has or, by the types that it declares, may have: who counts
/// nothing yet still says what there is to be counted.
fn names(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut names: BTreeSet<String> =
        lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect();
    for declared in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = declared.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    names
}

/// The lines of services of `up` that begin so, with their values.
fn up_of(http: &str, service: &str) -> Option<String> {
    let (status, text) = get(http, "/metrics")?;
    assert_eq!(status, 200);
    let line = format!("up{{service=\"{service}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
}

#[test]
fn one_address_shows_the_whole_system() {
    let folder = open_folder();
    let mut up = Up::start(&folder.path().join("data"));
    let endpoints = up.endpoints();
    let http = endpoints["http"].as_str().unwrap().to_owned();
    assert_eq!(up.printed["http"], *http);
    let services: Vec<String> =
        up.endpoints()["pids"].as_object().unwrap().keys().cloned().collect();
    let services: Vec<&str> = services
        .iter()
        .map(String::as_str)
        .filter(|process| !["signoff", "postgres"].contains(process))
        .collect();
    assert!(services.len() >= 3, "{services:?}");

    let (status, text) = get(&http, "/metrics").unwrap();
    assert_eq!(status, 200);
    let mut families = Families::new();
    families.add(&text).unwrap();
    assert_eq!(families.to_string(), text, "each family is there once");
    for service in &services {
        for line in [
            format!("up{{service=\"{service}\"}} 1\n"),
            format!("signoff_build_info{{service=\"{service}\",version="),
            format!("process_resident_memory_bytes{{service=\"{service}\"}} "),
            format!("process_open_fds{{service=\"{service}\"}} "),
            format!("process_start_time_seconds{{service=\"{service}\"}} "),
            format!("signoff_db_pool_connections_max{{service=\"{service}\"}} "),
            format!("grpc_server_started_total{{service=\"{service}\",grpc_service=\""),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
    assert_eq!(get(&http, "/health/live").unwrap().0, 200);
    assert_eq!(get(&http, "/else").unwrap().0, 404);
    let (status, ready) = get(&http, "/health/ready").unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["ready"]), (200, &Value::Bool(true)));
    let named: Vec<&String> = ready["services"].as_object().unwrap().keys().collect();
    assert_eq!(named, services);

    // One that hangs is not there, the others are. Killed, it is back as another. It hangs before it
    // dies, since it may be back before anybody looks.
    let killed = up.pid("audit");
    kill(killed, "STOP");
    let (_, text) = get(&http, "/metrics").unwrap();
    assert!(
        text.contains("up{service=\"audit\"} 0\n") && text.contains("up{service=\"gateway\"} 1\n")
    );
    assert!(!text.contains("process_open_fds{service=\"audit\"}"), "nothing old is shown");
    let (status, ready) = get(&http, "/health/ready").unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["services"]["audit"]["ready"]), (503, &Value::Bool(false)));
    assert_eq!(ready["services"]["versioning"]["ready"], Value::Bool(true));
    kill(killed, "KILL");
    until("audit is back", || (up_of(&http, "audit")? == "1").then_some(()));
    until("all are ready", || (get(&http, "/health/ready")?.0 == 200).then_some(()));
    until("it is another", || {
        (up.endpoints()["pids"]["audit"].as_u64()? != u64::from(killed)).then_some(())
    });

    assert_eq!(up.end("TERM"), Some(0));
    assert!(TcpListener::bind(&http).is_ok(), "{http} is still taken");
}

/// All files beside the product that name metrics, and all expressions in them.
fn expressions() -> Vec<(&'static str, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| fs::read_to_string(top.join(path)).unwrap();
    let alerts = read("prometheus/alerts.yml");
    let dashboard: Value = serde_json::from_str(&read("grafana/signoff.json")).unwrap();
    let mut found = Vec::new();
    let rules = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    found.extend(rules.map(|expression| ("alerts.yml", expression.to_owned())));
    assert_eq!(found.len(), alerts.matches("- alert: ").count(), "an expression is one line");
    let mut drawn = Vec::new();
    collect(&dashboard, &mut drawn);
    assert!(drawn.len() > 40, "{drawn:?}");
    found.extend(drawn.into_iter().map(|expression| ("signoff.json", expression)));
    found
}

/// The expressions of panels and variables.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if name == "expr" || name == "definition" => {
                        found.push(text.to_owned());
                    }
                    _ => collect(member, found),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        _ => {}
    }
}

/// Whatever is shown by a running system.
fn shown() -> BTreeSet<String> {
    let folder = open_folder();
    let mut up = Up::start(&folder.path().join("data"));
    let http = up.endpoints()["http"].as_str().unwrap().to_owned();
    let names = names(&get(&http, "/metrics").unwrap().1);
    assert_eq!(up.end("TERM"), Some(0));
    names
}

#[test]
fn alerts_and_dashboard_name_what_is_there() {
    let there = shown();
    let mut named = BTreeSet::new();
    for (file, expression) in expressions() {
        let metrics = promql::metrics(&expression);
        assert!(!metrics.is_empty(), "{file}: nothing is found in {expression}");
        for metric in metrics {
            assert!(there.contains(&metric), "{file}: there is no {metric} ({expression})");
            named.insert(metric);
        }
    }
    // What the product itself counts is looked at: all of it.
    for metric in there.iter().filter(|metric| metric.starts_with("signoff_feed_")) {
        assert!(named.contains(metric), "nobody looks at {metric}");
    }
}

#[test]
fn names_are_found_in_expressions() {
    let of = |expression: &str| promql::metrics(expression).into_iter().collect::<Vec<_>>();
    assert_eq!(of("up == 0"), ["up"]);
    assert_eq!(
        of(r#"sum by (a, b) (rate(x_total{c="sum(y)", d!~"z[.]{2}"}[5m])) > 0.1"#),
        ["x_total"]
    );
    assert_eq!(of("sum(rate(x_total[$__rate_interval])) by (le)"), ["x_total"]);
    assert_eq!(of("a{b=\"c\\\"}\"} >= ignoring (state) group_left(d) e offset 5m"), ["a", "e"]);
    assert_eq!(
        of("histogram_quantile(0.95, sum without(x)(rate(y_bucket[5m:1m]))) * 1e3"),
        ["y_bucket"]
    );
    assert_eq!(of("(a unless a offset 15m) or absent(b) and c > 3 * 24"), ["a", "b", "c"]);
    assert_eq!(of("label_values(a_total{x=\"y\"}, service)"), ["a_total"]);
    assert_eq!(of("a > bool 1 and b < +Inf"), ["a", "b"]);
    assert_eq!(of("topk(10, ns:a:rate5m)"), ["ns:a:rate5m"]);
}
