//! Values of the wire in words.

use chrono::{DateTime, SecondsFormat};
use prost_types::Timestamp;

/// A value of one of the wire's enums: `in_progress`.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

/// A time (RFC 3339, in milliseconds); none if it is out of all bounds.
pub(crate) fn moment(time: Timestamp) -> Option<String> {
    let nanos = u32::try_from(time.nanos).ok()?;
    let time = DateTime::from_timestamp(time.seconds, nanos)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use signoff_contract::{versioning::v1 as wire, workflow::v1 as shared};

    use super::*;

    #[test]
    fn enum_values_become_words() {
        let state = shared::PhaseState::InProgress;
        assert_eq!(word(state.as_str_name(), "PHASE_STATE_"), "in_progress");
        let source = wire::RecommendationSource::CarriedForward;
        assert_eq!(word(source.as_str_name(), "RECOMMENDATION_SOURCE_"), "carried_forward");
    }

    #[test]
    fn times_are_written_in_milliseconds() {
        let time = Timestamp { seconds: 1, nanos: 2_000_000 };
        assert_eq!(moment(time).as_deref(), Some("1970-01-01T00:00:01.002Z"));
        assert_eq!(moment(Timestamp { seconds: i64::MAX, nanos: 0 }), None);
    }
}
