//! What detail chunks say, as [`commands`](crate::commands) wrote them.

use serde::Deserialize;

/// What one chunk says.
pub(super) enum Claim {
    /// Contents that were put forward or edited.
    Contents(Vec<Content>),
    /// Rulings, removals and confirmations.
    Rulings(Vec<Ruling>),
    /// Rulings that a draft began with.
    Restated(Vec<Restated>),
    /// Pieces of what a version says about itself.
    Description(Vec<Piece>),
}

/// The schema of payloads that no column speaks of: whoever writes a later one has to say so.
const fn first_schema() -> i16 {
    1
}

/// A content.
#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) item_no: i32,
    pub(super) rev: i32,
    pub(super) item_key: String,
    pub(super) content_hash: String,
    pub(super) source: String,
    pub(super) contributed: bool,
    #[serde(default = "first_schema")]
    pub(super) schema: i16,
    #[serde(default)]
    pub(super) metadata_hash: Option<String>,
    #[serde(default)]
    pub(super) edit_of_rev: Option<i32>,
    pub(super) reason_hash: Option<String>,
    pub(super) ended_ruling: Option<i32>,
}

/// A ruling.
#[derive(Deserialize)]
pub(super) struct Ruling {
    pub(super) item_no: i32,
    pub(super) seq: i32,
    pub(super) rev: i32,
    pub(super) state: String,
    pub(super) notes_hash: Option<String>,
    pub(super) change_hash: Option<String>,
    #[serde(default = "first_schema")]
    pub(super) schema: i16,
    pub(super) accepted_without_finding: bool,
    pub(super) reason_hash: Option<String>,
    pub(super) ended_ruling: Option<i32>,
}

/// A ruling that is stated again, or a removal.
#[derive(Deserialize)]
pub(super) struct Restated {
    pub(super) item_no: i32,
    pub(super) seq: i32,
    pub(super) rev: i32,
    pub(super) restated_from: Option<i32>,
    pub(super) ended_ruling: Option<i32>,
}

/// A piece of a long text.
#[derive(Deserialize)]
pub(super) struct Piece {
    pub(super) field: String,
    pub(super) piece: usize,
    pub(super) json: String,
}

/// A ruling that was ended: the item, and its number.
pub(super) type Ended = (i32, i32);

impl Claim {
    /// The rulings that it says were ended.
    pub(super) fn ended(&self) -> Vec<Ended> {
        let pair = |item_no: i32, ended: Option<i32>| ended.map(|seq| (item_no, seq));
        match self {
            Self::Contents(all) => {
                all.iter().filter_map(|one| pair(one.item_no, one.ended_ruling)).collect()
            }
            Self::Rulings(all) => {
                all.iter().filter_map(|one| pair(one.item_no, one.ended_ruling)).collect()
            }
            Self::Restated(all) => {
                all.iter().filter_map(|one| pair(one.item_no, one.ended_ruling)).collect()
            }
            Self::Description(_) => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<serde_json::Value>>,
}

impl Claim {
    /// Reads a chunk; the columns tell what it is.
    ///
    /// # Errors
    /// It is none of these.
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let table: Table = serde_json::from_slice(body)?;
        let has = |name: &str| table.columns.iter().any(|column| column == name);
        if has("content_hash") {
            table.into_rows().map(Self::Contents)
        } else if has("notes_hash") {
            table.into_rows().map(Self::Rulings)
        } else if has("restated_from") {
            table.into_rows().map(Self::Restated)
        } else {
            table.into_rows().map(Self::Description)
        }
    }
}

impl Table {
    fn into_rows<T: serde::de::DeserializeOwned>(self) -> Result<Vec<T>, serde_json::Error> {
        let Self { columns, rows } = self;
        rows.into_iter()
            .map(|row| {
                let fields = columns.iter().cloned().zip(row).collect();
                serde_json::from_value(serde_json::Value::Object(fields))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_what_its_columns_say() {
        let contents =
            br#"{"columns":["item_no","rev","item_key","content_hash","source","contributed"],
            "rows":[[1,2,"S-1","ab","tester",false]]}"#;
        let Claim::Contents(contents) = Claim::read(contents).unwrap() else { panic!() };
        assert_eq!((contents[0].item_no, contents[0].rev), (1, 2));
        assert_eq!(contents[0].item_key, "S-1");
        let restated =
            br#"{"columns":["item_no","seq","rev","restated_from"],"rows":[[1,2,1,null]]}"#;
        let Claim::Restated(restated) = Claim::read(restated).unwrap() else { panic!() };
        assert_eq!(restated[0].restated_from, None);
        assert!(Claim::read(br#"{"columns":["x"],"rows":[[1]]}"#).is_err());
    }
}
