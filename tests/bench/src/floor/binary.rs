//! Rows for `COPY … (format binary)`: nothing has to be parsed or escaped.

/// Rows under way.
#[derive(Debug)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    columns: i16,
}

impl Rows {
    /// None so far, of so many columns.
    pub(super) fn new(columns: i16) -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        // Flags, and the length of an extension.
        bytes.extend_from_slice(&[0; 8]);
        Self { bytes, columns }
    }

    /// A new row.
    pub(super) fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self
    }

    /// A value, as the database's `recv` function takes it.
    pub(super) fn value(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(&length(value.len()).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }

    /// JSON: its version goes before it.
    pub(super) fn json(&mut self, json: &str) -> &mut Self {
        self.bytes.extend_from_slice(&length(json.len() + 1).to_be_bytes());
        self.bytes.push(1);
        self.bytes.extend_from_slice(json.as_bytes());
        self
    }

    /// Whether it is time to send what there is.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() > 256 * 1024
    }

    /// What there is to send.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let room = Vec::with_capacity(self.bytes.capacity());
        std::mem::replace(&mut self.bytes, room)
    }

    /// The end of all rows.
    pub(super) fn end(&mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.take()
    }
}

fn length(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// Microseconds since 2000, as the database counts them.
pub(super) fn timestamp(at: chrono::DateTime<chrono::Utc>) -> [u8; 8] {
    const EPOCH: i64 = 946_684_800_000_000;
    (at.timestamp_micros() - EPOCH).to_be_bytes()
}
