//! PostgreSQL's binary COPY format (PostgreSQL manual, "COPY", section "Binary Format").

use uuid::Uuid;

/// How a stream of rows begins: signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How it ends.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The version of `jsonb`'s binary form: the text follows.
const JSONB: u8 = 1;

/// Rows, without what is around them: those of several can be put together.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<u8>);

impl Rows {
    /// Begins a row of so many columns.
    pub(super) fn row(&mut self, columns: i16) {
        self.0.extend_from_slice(&columns.to_be_bytes());
    }

    /// A null.
    pub(super) fn null(&mut self) {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    /// A `boolean`.
    pub(super) fn flag(&mut self, value: bool) {
        self.bytes(&[value.into()]);
    }

    /// A `smallint`.
    pub(super) fn small(&mut self, value: i16) {
        self.bytes(&value.to_be_bytes());
    }

    /// An `integer`.
    pub(super) fn integer(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    /// A `uuid`.
    pub(super) fn id(&mut self, value: Uuid) {
        self.bytes(value.as_bytes());
    }

    /// A `text`, or the bytes of a `bytea`.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.length(value.len());
        self.0.extend_from_slice(value);
    }

    /// A `jsonb`.
    pub(super) fn json(&mut self, value: &serde_json::Value) {
        // The length is known only behind the text.
        let start = self.0.len();
        self.length(0);
        self.0.push(JSONB);
        // Writing a value into memory cannot fail.
        let _ = serde_json::to_writer(&mut self.0, value);
        let length = self.0.len() - start - size_of::<i32>();
        let length = i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes();
        self.0[start..start + length.len()].copy_from_slice(&length);
    }

    /// Something, or null.
    pub(super) fn or_null<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => put(self, value),
            None => self.null(),
        }
    }

    /// How long they are, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them as one stream.
    pub(super) fn stream(batches: &[Self]) -> Vec<u8> {
        let length = batches.iter().map(Self::len).sum::<usize>() + HEADER.len() + TRAILER.len();
        let mut stream = Vec::with_capacity(length);
        stream.extend_from_slice(HEADER);
        batches.iter().for_each(|batch| stream.extend_from_slice(&batch.0));
        stream.extend_from_slice(&TRAILER);
        stream
    }

    // A row comes out of a message, whose size is bounded far below.
    fn length(&mut self, length: usize) {
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_as_the_manual_says() {
        let mut rows = Rows::default();
        rows.row(3);
        rows.small(-2);
        rows.null();
        rows.json(&json!({"a": 1}));
        let expected = [
            b"PGCOPY\n\xff\r\n\0".as_slice(),
            &[0, 0, 0, 0, 0, 0, 0, 0],
            &[0, 3],
            &[0, 0, 0, 2, 0xff, 0xfe],
            &[0xff, 0xff, 0xff, 0xff],
            &[0, 0, 0, 8, 1],
            br#"{"a":1}"#,
            &[0xff, 0xff],
        ];
        assert_eq!(Rows::stream(&[rows]), expected.concat());
    }
}
