//! What is kept for whoever repeats a request.

use prost::Message;

use crate::Fault;

/// What a change answers, as it is kept for whoever repeats the request.
pub trait Answer: Sized + Send {
    /// The bytes that are kept.
    fn to_bytes(&self) -> Vec<u8>;
    /// Reads them back.
    ///
    /// # Errors
    /// They are not such an answer.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Fault>;
}

impl<M: Message + Default> Answer for M {
    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        Self::decode(bytes).map_err(|error| Fault::Internal(format!("kept answer: {error}")))
    }
}
