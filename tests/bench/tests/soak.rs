//! The soak runs, and notes something. Whether anything grows in a few seconds is not looked at.

use std::path::PathBuf;

use signoff_bench::soak::{self, SoakArgs};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_holds_a_load_and_ends_with_nothing_left() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bench"));
    let args =
        SoakArgs { minutes: 0.1, load: 0.5, search_seconds: 6.0, every_seconds: 0.5, people: 4 };
    let report = soak::run(program, &args, |step| println!("{step}")).await.unwrap();
    println!("{}", report.table());
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(document["quarters"].as_array().unwrap().len(), 4);
    for quarter in document["quarters"].as_array().unwrap() {
        // Unset where a slow machine answered nobody.
        assert!(quarter["p99"].as_f64() >= quarter["p50"].as_f64());
        assert_eq!(quarter["refused"], 0, "{}", document["samples"]);
        for service in ["versioning", "audit", "gateway", "metrics"] {
            assert!(quarter["needs"][service]["memory"].as_f64().unwrap() > 1024.0);
            assert!(quarter["needs"][service]["files"].as_u64().unwrap() > 3);
        }
    }
    assert!(document["caught_up_after"].is_number(), "{document}");
    assert!(report.answered() > 0);
    // Half of what it can is answered as it is asked.
    let (rate, answered) = (document["rate"].as_f64().unwrap(), report.answered());
    assert!(f64::from(u32::try_from(answered).unwrap()) > rate * 6.0 * 0.5, "{answered}, {rate}");
}
