//! Facts that outlive approval: rows beside a closed version.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use signoff_backend::Fault;
use uuid::Uuid;

use super::error::Error;

/// How far the remedy of an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remediation {
    /// 1, 2, 3 … with each update.
    pub revision: i32,
    /// The version by whose decision the item was named.
    pub number: i32,
    /// In words of the client's choice.
    pub status: String,
    /// Until when it is due.
    pub deadline: Option<NaiveDate>,
    /// Why it was updated.
    pub reason: Option<String>,
    /// Who said so.
    pub updated_by: i64,
    /// When.
    pub updated_at: DateTime<Utc>,
}

impl Remediation {
    /// The opaque tag that changes with every update: "0" before the first one.
    pub fn etag(latest: Option<&Self>) -> String {
        latest.map_or(0, |latest| latest.revision).to_string()
    }

    /// # Errors
    /// A tag was given and is not the latest's.
    pub fn expect_etag(latest: Option<&Self>, given: Option<&str>) -> Result<(), Error> {
        Ok(Fault::expect_etag(given, Self::etag(latest))?)
    }

    /// What the trail says of it.
    pub fn summary(&self) -> Value {
        json!({
            "revision": self.revision,
            "number": self.number,
            "remediation_status": self.status,
            "remediation_deadline": self.deadline.map(|date| date.to_string()),
            "reason": self.reason,
            "updated_by": self.updated_by,
            "updated_at": self.updated_at,
        })
    }
}

/// The rendered document of an approved version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalDocument {
    /// Its id, wherever it is kept.
    pub document_id: Uuid,
    /// Of the document.
    pub sha256: Vec<u8>,
    /// Who attached it.
    pub attached_by: i64,
    /// When.
    pub attached_at: DateTime<Utc>,
}

impl FinalDocument {
    /// What the trail says of it.
    pub fn summary(&self) -> Value {
        json!({
            "document_id": self.document_id,
            "sha256": hex::encode(&self.sha256),
            "attached_by": self.attached_by,
            "attached_at": self.attached_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_that_of_the_latest_update() {
        let second = Remediation {
            revision: 2,
            number: 1,
            status: "under way".to_owned(),
            deadline: None,
            reason: None,
            updated_by: 20,
            updated_at: DateTime::UNIX_EPOCH,
        };
        assert!(Remediation::expect_etag(None, Some("0")).is_ok());
        assert!(Remediation::expect_etag(None, Some("1")).is_err());
        assert!(Remediation::expect_etag(Some(&second), Some("2")).is_ok());
        let stale = Remediation::expect_etag(Some(&second), Some("0"));
        assert!(
            matches!(stale, Err(Error::Fault(Fault::EtagMismatch { current })) if current == "2")
        );
    }

    #[test]
    fn the_trail_says_all_of_a_remedy_and_of_a_document() {
        let remediation = Remediation {
            revision: 2,
            number: 3,
            status: "under way".to_owned(),
            deadline: NaiveDate::from_ymd_opt(2026, 12, 31),
            reason: Some("the source was wrong".to_owned()),
            updated_by: 20,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let told = json!({
            "revision": 2,
            "number": 3,
            "remediation_status": "under way",
            "remediation_deadline": "2026-12-31",
            "reason": "the source was wrong",
            "updated_by": 20,
            "updated_at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(remediation.summary(), told);
        let document = FinalDocument {
            document_id: Uuid::from_u128(7),
            sha256: vec![0xab, 0x01],
            attached_by: 30,
            attached_at: DateTime::UNIX_EPOCH,
        };
        let told = json!({
            "document_id": "00000000-0000-0000-0000-000000000007",
            "sha256": "ab01",
            "attached_by": 30,
            "attached_at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(document.summary(), told);
    }
}
