//! Making a status of a refusal, small enough to reach the client.
//!
//! gRPC clients bound the metadata that they accept: grpc-core, which Python and C++ use, starts
//! to refuse calls above 8 KiB in all (`grpc.max_metadata_size`) and refuses all above 16 KiB. The
//! details are sent in base64, a third larger than they are, and the message is sent twice: in the
//! details, and percent-encoded by itself.

use std::collections::HashMap;

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt as _};

use super::{DOMAIN, Parts, VIOLATIONS_TOTAL, reason_name};

/// The most that the encoded details of one status take, in bytes.
pub const MAX_DETAIL_BYTES: usize = 5 * 1024;

/// The most that a message takes, in bytes; at worst three times that when percent-encoded.
pub const MAX_MESSAGE_BYTES: usize = 256;

/// How long a single text in the details may be: tried in this order until all fits.
const TEXT_BYTES: [usize; 4] = [400, 200, 100, 60];

/// The status of a refusal. Long texts are cut first, then the end of the lists.
pub(super) fn status(refusal: &Parts) -> Status {
    let mut shown = Shown::of(refusal);
    for text in TEXT_BYTES {
        shown.text = text;
        let status = shown.status(refusal);
        if status.details().len() <= MAX_DETAIL_BYTES {
            return status;
        }
    }
    loop {
        let status = shown.status(refusal);
        if status.details().len() <= MAX_DETAIL_BYTES || !shown.drop_one() {
            return status;
        }
    }
}

/// How much of a refusal is shown.
struct Shown {
    text: usize,
    fields: usize,
    unmet: usize,
    metadata: usize,
}

impl Shown {
    fn of(refusal: &Parts) -> Self {
        let [text, ..] = TEXT_BYTES;
        Self {
            text,
            fields: refusal.violations.as_ref().map_or(0, |v| v.named().len()),
            unmet: refusal.unmet.len(),
            metadata: refusal.metadata.len(),
        }
    }

    /// Shows one entry less of the longest list; false if nothing is left to drop.
    fn drop_one(&mut self) -> bool {
        let longest = [&mut self.fields, &mut self.unmet, &mut self.metadata]
            .into_iter()
            .max_by_key(|length| **length);
        match longest {
            Some(length) if *length > 0 => {
                *length -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    fn status(&self, refusal: &Parts) -> Status {
        let mut details = ErrorDetails::new();
        let cut = |text: &str| cut(text, self.text).to_owned();

        let mut metadata: HashMap<String, String> = refusal
            .metadata
            .iter()
            .take(self.metadata)
            .map(|(key, value)| (cut(key), cut(value)))
            .collect();
        let total = refusal.unmet_total + refusal.violations.as_ref().map_or(0, |v| v.total());
        if total > 0 {
            metadata.insert(VIOLATIONS_TOTAL.to_owned(), total.to_string());
        }
        details.set_error_info(reason_name(refusal.reason), DOMAIN, metadata);

        if let Some(violations) = &refusal.violations {
            let named = violations.named().iter().take(self.fields);
            details.set_bad_request(
                named
                    .map(|v| FieldViolation::new(cut(&v.field), cut(&v.description)))
                    .collect::<Vec<_>>(),
            );
        }
        if !refusal.unmet.is_empty() {
            let reason = reason_name(refusal.reason);
            let unmet = refusal.unmet.iter().take(self.unmet);
            details.set_precondition_failure(
                unmet
                    .map(|u| {
                        PreconditionViolation::new(reason, cut(&u.subject), cut(&u.description))
                    })
                    .collect::<Vec<_>>(),
            );
        }
        if let Some((resource_type, name)) = &refusal.resource {
            details.set_resource_info(cut(resource_type), cut(name), "", "");
        }
        if refusal.retry_after.is_some() {
            details.set_retry_info(refusal.retry_after);
        }
        Status::with_error_details(refusal.code, message(&refusal.message), details)
    }
}

/// A message within its bounds, in one line.
fn message(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&line, MAX_MESSAGE_BYTES).to_owned()
}

/// The beginning of a text: as many whole characters as fit.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
