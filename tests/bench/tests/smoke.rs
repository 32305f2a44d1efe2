//! Every workload runs, and measures something. Speed is not looked at here.

use std::path::PathBuf;

use signoff_bench::run;
use signoff_bench::workloads::{ALL, Size};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_workload_runs_and_measures() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bench"));
    let report = run::run(program, ALL, Size::Small, |step| println!("{step}")).await.unwrap();
    println!("{}", report.table());
    for workload in ALL {
        assert!(
            report.lines.iter().any(|line| line.workload == workload.name),
            "{}",
            workload.name
        );
    }
    for line in &report.lines {
        let values = [&line.grpc, &line.floor, &line.copying].map(|samples| samples.values());
        assert!(!values[0].is_empty(), "{}: {}", line.workload, line.what);
        for value in values.concat() {
            assert!(value.is_finite() && value >= 0.0, "{}: {value}", line.workload);
        }
    }
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(document["facts"]["settings"]["synchronous_commit"], "on");
    assert_eq!(document["lines"].as_array().unwrap().len(), report.lines.len());
}
