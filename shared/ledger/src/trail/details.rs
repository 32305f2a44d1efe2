//! The items that a command touched, in hashed chunks beside its record.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Details, Hash};

/// How long a chunk may be, in bytes.
pub const MAX_CHUNK: usize = 64 * 1024;

/// The end of a chunk: of its rows, and of itself.
const CLOSE: &[u8] = b"]}";

/// One chunk: `{"columns":[…],"rows":[[…],…]}`, and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailChunk {
    /// The SHA-256 of the body.
    pub hash: Hash,
    /// The chunk itself.
    pub body: Vec<u8>,
}

/// A finished table of details.
#[derive(Clone, Debug, Default)]
pub struct DetailRows {
    chunks: Vec<DetailChunk>,
    touched: i64,
}

impl DetailRows {
    /// How many rows it has.
    pub fn touched(&self) -> i64 {
        self.touched
    }

    /// Its chunks, in order.
    pub fn chunks(&self) -> &[DetailChunk] {
        &self.chunks
    }
}

/// Why a row was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DetailError {
    /// It is no JSON array, or cannot be written as JSON.
    #[error("a detail row must be an array")]
    NotAnArray,
    /// It does not fit into a chunk. Long payloads are referred to by id and hash.
    #[error("a detail row has {size} bytes; at most {limit} fit into a chunk")]
    TooLarge {
        /// The length in bytes.
        size: usize,
        /// What is left of a chunk beside the names of the columns.
        limit: usize,
    },
}

/// Writes rows into chunks, without a copy of the rows in memory.
#[derive(Debug)]
pub struct DetailWriter {
    open: Vec<u8>,
    chunk: Vec<u8>,
    /// How many rows are in `chunk`.
    open_rows: i64,
    done: DetailRows,
}

impl DetailWriter {
    /// A writer of rows with these columns.
    pub fn new(columns: &[&str]) -> Self {
        // Writing strings into memory cannot fail; an array of none would be seen at once.
        let columns = serde_json::to_string(columns).unwrap_or_else(|_| "[]".to_owned());
        let open = format!("{{\"columns\":{columns},\"rows\":[").into_bytes();
        Self { chunk: open.clone(), open, open_rows: 0, done: DetailRows::default() }
    }

    /// Adds one row: a slice of values or a tuple, one value for each column.
    ///
    /// # Errors
    /// The row is no array, or too long. It is then not added.
    pub fn row<T: Serialize + ?Sized>(&mut self, row: &T) -> Result<(), DetailError> {
        let mark = self.chunk.len();
        if mark > self.open.len() {
            self.chunk.push(b',');
        }
        let start = self.chunk.len();
        let written = serde_json::to_writer(&mut self.chunk, row);
        if written.is_err() || self.chunk.get(start) != Some(&b'[') {
            self.chunk.truncate(mark);
            return Err(DetailError::NotAnArray);
        }
        let size = self.chunk.len() - start;
        let limit = MAX_CHUNK.saturating_sub(self.open.len() + CLOSE.len());
        if size > limit {
            self.chunk.truncate(mark);
            return Err(DetailError::TooLarge { size, limit });
        }
        if self.chunk.len() + CLOSE.len() > MAX_CHUNK {
            let row = self.chunk.split_off(start);
            self.chunk.truncate(mark);
            self.close_chunk();
            self.chunk.extend_from_slice(&row);
        }
        self.open_rows += 1;
        self.done.touched += 1;
        Ok(())
    }

    /// The chunks that are full by now, for those who cannot keep a whole table in memory.
    pub fn take_full(&mut self) -> DetailRows {
        let full = DetailRows {
            chunks: std::mem::take(&mut self.done.chunks),
            touched: self.done.touched - self.open_rows,
        };
        self.done.touched = self.open_rows;
        full
    }

    /// The finished table. Without rows it has no chunks.
    pub fn finish(mut self) -> DetailRows {
        if self.chunk.len() > self.open.len() {
            self.close_chunk();
        }
        self.done
    }

    fn close_chunk(&mut self) {
        let mut body = std::mem::replace(&mut self.chunk, self.open.clone());
        body.extend_from_slice(CLOSE);
        let hash = Sha256::digest(&body).into();
        self.done.chunks.push(DetailChunk { hash, body });
        self.open_rows = 0;
    }
}

/// The root of a record's details, from chunks as they come to somebody else.
#[derive(Clone, Debug, Default)]
pub struct DetailsRoot {
    chunks: i32,
    root: Sha256,
}

impl DetailsRoot {
    /// Takes in the next chunk. Whether its hash is that of its body.
    pub fn add(&mut self, body: &[u8], hash: &[u8]) -> bool {
        self.chunks += 1;
        self.root.update(hash);
        *Sha256::digest(body) == *hash
    }

    /// The root, as the record names it; nothing, if there were no chunks.
    pub fn finish(self) -> Option<Hash> {
        (self.chunks > 0).then(|| self.root.finalize().into())
    }
}

/// What a record will say about its tables, while they are being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    chunks: i32,
    touched: i64,
    root: Sha256,
}

impl Summary {
    /// How many chunks there are so far: the number of the next one.
    pub(crate) fn chunks(&self) -> i32 {
        self.chunks
    }

    /// One more table, or a part of one.
    pub(crate) fn add(&mut self, table: &DetailRows) {
        self.touched += table.touched;
        for chunk in &table.chunks {
            self.chunks += 1;
            self.root.update(chunk.hash);
        }
    }

    /// What the record says; nothing, if no row is in any table.
    pub(crate) fn finish(self) -> Option<Details> {
        (self.chunks > 0).then(|| Details {
            chunks: self.chunks,
            root: self.root.finalize().into(),
            touched: self.touched,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rows_are_split_into_chunks_that_stand_alone() {
        let mut writer = DetailWriter::new(&["item_key", "verdict", "note"]);
        for row in 0..100_000 {
            writer.row(&(format!("item-{row:06}"), "approved", None::<&str>)).unwrap();
        }
        let rows = writer.finish();
        assert_eq!(rows.touched(), 100_000);
        let mut next = 0;
        for chunk in rows.chunks() {
            assert!(chunk.body.len() <= MAX_CHUNK);
            assert_eq!(chunk.hash, <Hash>::from(Sha256::digest(&chunk.body)));
            let body: Value = serde_json::from_slice(&chunk.body).unwrap();
            assert_eq!(body["columns"], json!(["item_key", "verdict", "note"]));
            for row in body["rows"].as_array().unwrap() {
                assert_eq!(*row, json!([format!("item-{next:06}"), "approved", null]));
                next += 1;
            }
        }
        assert_eq!(next, 100_000);
        // Every chunk but the last is as full as it can be.
        let row = r#"["item-000000","approved",null],"#.len();
        let (_, full) = rows.chunks().split_last().unwrap();
        assert!(full.iter().all(|chunk| chunk.body.len() + row > MAX_CHUNK));
    }

    #[test]
    fn a_row_fits_to_the_last_byte_or_is_refused_and_leaves_nothing() {
        let mut writer = DetailWriter::new(&["a"]);
        let frame = r#"{"columns":["a"],"rows":[]}"#.len() + r#"[""]"#.len();
        writer.row(&["x"]).unwrap();
        writer.row(&["x".repeat(MAX_CHUNK - frame)]).unwrap();
        let error = writer.row(&["x".repeat(MAX_CHUNK - frame + 1)]).unwrap_err();
        assert!(matches!(error, DetailError::TooLarge { .. }), "{error}");
        assert!(matches!(writer.row("text"), Err(DetailError::NotAnArray)));
        writer.row(&["y"]).unwrap();
        let rows = writer.finish();
        assert_eq!(rows.touched(), 3);
        assert_eq!(rows.chunks().len(), 3);
        assert_eq!(rows.chunks()[1].body.len(), MAX_CHUNK);
        assert_eq!(rows.chunks()[2].body, br#"{"columns":["a"],"rows":[["y"]]}"#);
    }

    #[test]
    fn a_chunk_is_filled_to_the_last_byte() {
        let frame = r#"{"columns":["a"],"rows":[["x"],[""]]}"#.len();
        for (longer, chunks) in [(0, 1), (1, 2), (2, 2)] {
            let mut writer = DetailWriter::new(&["a"]);
            writer.row(&["x"]).unwrap();
            writer.row(&["y".repeat(MAX_CHUNK - frame + longer)]).unwrap();
            let rows = writer.finish();
            assert_eq!(rows.chunks().len(), chunks, "{longer}");
            assert!(rows.chunks().iter().all(|chunk| chunk.body.len() <= MAX_CHUNK), "{longer}");
        }
    }

    #[test]
    fn no_rows_are_no_details() {
        let empty = DetailWriter::new(&["a"]).finish();
        assert!(empty.chunks().is_empty());
        let mut summary = Summary::default();
        summary.add(&empty);
        assert_eq!(summary.finish(), None);
    }

    #[test]
    fn a_table_that_is_taken_bit_by_bit_is_the_same_table() {
        let row = |number: i32| (number, "x".repeat(1000));
        let mut whole = DetailWriter::new(&["n", "text"]);
        let (mut parts, mut taken) = (DetailWriter::new(&["n", "text"]), Vec::new());
        for number in 0..500 {
            whole.row(&row(number)).unwrap();
            parts.row(&row(number)).unwrap();
            if number % 7 == 0 {
                taken.push(parts.take_full());
            }
        }
        taken.push(parts.finish());
        let whole = whole.finish();
        let chunks: Vec<_> = taken.iter().flat_map(DetailRows::chunks).cloned().collect();
        assert_eq!(chunks, whole.chunks());
        assert_eq!(taken.iter().map(DetailRows::touched).sum::<i64>(), 500);
        assert_eq!(taken[0].touched(), 0, "its chunk is not full");
        let early: usize = taken[..40].iter().map(|part| part.chunks().len()).sum();
        assert!(early > 1, "what is full is given away");
        let (mut at_once, mut bit_by_bit) = (Summary::default(), Summary::default());
        at_once.add(&whole);
        taken.iter().for_each(|part| bit_by_bit.add(part));
        assert_eq!(bit_by_bit.finish(), at_once.finish());
    }

    /// A table of two chunks, and one of one.
    fn tables() -> [DetailRows; 2] {
        [2, 1].map(|rows| {
            let mut writer = DetailWriter::new(&["n", "text"]);
            for number in 0..rows {
                writer.row(&(number, "x".repeat(40_000))).unwrap();
            }
            writer.finish()
        })
    }

    #[test]
    fn a_record_says_how_much_there_is_and_its_root() {
        let tables = tables();
        let (mut summary, mut root) = (Summary::default(), Sha256::new());
        for (table, chunks) in tables.iter().zip([2, 3]) {
            summary.add(table);
            assert_eq!(summary.chunks(), chunks);
            table.chunks().iter().for_each(|chunk| root.update(chunk.hash));
        }
        let root = root.finalize().into();
        assert_eq!(summary.finish(), Some(Details { chunks: 3, touched: 3, root }));
    }

    #[test]
    fn whoever_reads_the_chunks_comes_to_the_same_root() {
        assert_eq!(DetailsRoot::default().finish(), None);
        let tables = tables();
        let (mut written, mut read) = (Summary::default(), DetailsRoot::default());
        for table in &tables {
            written.add(table);
            assert!(table.chunks().iter().all(|chunk| read.add(&chunk.body, &chunk.hash)));
        }
        assert_eq!(read.finish(), written.finish().map(|details| details.root));
        let chunk = &tables[0].chunks()[0];
        assert!(!DetailsRoot::default().add(&chunk.body, &tables[0].chunks()[1].hash));
        assert!(!DetailsRoot::default().add(b"", &chunk.hash));
    }
}
