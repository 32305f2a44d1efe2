//! Points in time.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use signoff_workflow::Violations;

/// 0001-01-01T00:00:00Z, where `google.protobuf.Timestamp` begins; seconds since 1970.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, where it ends.
const LAST_SECOND: i64 = 253_402_300_799;

/// A time from the wire, to the nanosecond; `None` with a note if it is outside the years 1 to
/// 9999 or its nanoseconds are none.
pub fn time_from_wire(
    time: Timestamp,
    path: impl Display,
    violations: &mut Violations,
) -> Option<DateTime<Utc>> {
    let taken = u32::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)
        .filter(|_| (FIRST_SECOND..=LAST_SECOND).contains(&time.seconds))
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
    if taken.is_none() {
        violations.add(path.to_string(), "is not a time between the years 1 and 9999");
    }
    taken
}

/// A time for the wire.
pub fn time_to_wire(time: DateTime<Utc>) -> Timestamp {
    // A leap second has 1 to 2 billion nanoseconds in chrono; on the wire it is the next second.
    let nanos = time.timestamp_subsec_nanos();
    Timestamp {
        seconds: time.timestamp() + i64::from(nanos / 1_000_000_000),
        nanos: i32::try_from(nanos % 1_000_000_000).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_went() {
        for (seconds, nanos) in [(0, 0), (-1, 999_999_999), (LAST_SECOND, 1), (FIRST_SECOND, 0)] {
            let wire = Timestamp { seconds, nanos };
            let mut violations = Violations::default();
            let time = time_from_wire(wire, "at", &mut violations).unwrap();
            assert_eq!(time_to_wire(time), wire);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (seconds, nanos) in [
            (0, -1),
            (0, 1_000_000_000),
            (LAST_SECOND + 1, 0),
            (FIRST_SECOND - 1, 0),
            (i64::MIN, 0),
        ] {
            let mut violations = Violations::default();
            assert_eq!(time_from_wire(Timestamp { seconds, nanos }, "at", &mut violations), None);
            assert_eq!(violations.total(), 1);
        }
    }
}
