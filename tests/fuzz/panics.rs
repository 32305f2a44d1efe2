//! Panics of the services, which run in the process of the tests: nobody else hears of them.

use std::panic::{self, PanicHookInfo};
use std::sync::{Mutex, Once};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on, panics outside of the tests are remembered.
pub(crate) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_of_a_test(info) {
                SEEN.lock().expect("nobody panics here").push(info.to_string());
            }
            before(info);
        }));
    });
}

/// What a test itself says when it fails.
fn is_of_a_test(info: &PanicHookInfo<'_>) -> bool {
    info.location().is_none_or(|at| at.file().contains("tests/"))
}

/// Those that were seen since somebody asked.
pub(crate) fn seen() -> Vec<String> {
    std::mem::take(&mut *SEEN.lock().expect("nobody panics here"))
}
