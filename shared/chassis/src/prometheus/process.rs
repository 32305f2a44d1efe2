//! What is known of the process itself.

use metrics::{describe_gauge, gauge};

const BUILD: &str = "signoff_build_info";
const MEMORY: &str = "process_resident_memory_bytes";
const FILES: &str = "process_open_fds";
const STARTED: &str = "process_start_time_seconds";

pub(super) fn describe() {
    describe_gauge!(BUILD, "1, with the version that is running.");
    describe_gauge!(MEMORY, "Resident memory size in bytes.");
    describe_gauge!(FILES, "Number of open file descriptors.");
    describe_gauge!(STARTED, "Start time of the process since unix epoch in seconds.");
}

/// Looks at the process anew, for the server of this name.
pub(super) fn look(service: &'static str) {
    gauge!(BUILD, "service" => service, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    #[cfg(target_os = "linux")]
    look_into_proc(service);
}

/// What the kernel says. Where it says nothing, nothing is shown.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "the format has floating point numbers only")]
fn look_into_proc(service: &'static str) {
    let Ok(process) = procfs::process::Process::myself() else { return };
    if let Ok(status) = process.stat() {
        use procfs::WithCurrentSystemInfo as _;

        gauge!(MEMORY, "service" => service).set(status.rss_bytes().get() as f64);
        if let Ok(booted) = procfs::boot_time_secs() {
            let after = status.starttime as f64 / procfs::ticks_per_second() as f64;
            gauge!(STARTED, "service" => service).set(booted as f64 + after);
        }
    }
    if let Ok(open) = process.fd_count() {
        gauge!(FILES, "service" => service).set(open as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::prometheus::{install, render};

    #[test]
    fn the_process_is_as_it_is() {
        if !cfg!(target_os = "linux") {
            return;
        }
        install().unwrap();
        look("looked-at");
        let text = render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| {
                line.starts_with(&format!("{name}{{")) && line.contains("\"looked-at\"")
            });
            line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
        };
        assert_eq!(value(BUILD), 1.0);
        assert!(value(MEMORY) > 1e6);
        assert!(value(FILES) >= 3.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        // The boot time is in whole seconds.
        assert!((0.0..3600.0).contains(&(now + 2.0 - value(STARTED))), "{}", value(STARTED));
    }
}
