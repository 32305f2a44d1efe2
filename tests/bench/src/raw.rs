//! Messages that are made before the clock runs, and answers that nobody has to read: the client
//! must not be what is measured.

use anyhow::{Context as _, Result};
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use signoff_tests::connection::Connection;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status, Streaming};

/// A connection that sends bytes.
#[derive(Clone)]
pub struct Raw(Connection);

impl Raw {
    /// Over somebody's connection.
    pub fn new(connection: Connection) -> Self {
        Self(connection)
    }

    async fn ready(&self) -> Result<tonic::client::Grpc<Connection>> {
        let mut client = tonic::client::Grpc::new(self.0.clone())
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(64 << 20);
        client.ready().await.context("the service is away")?;
        Ok(client)
    }

    /// Calls a method with one message.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn unary(&self, path: &'static str, message: Bytes) -> Result<Bytes> {
        let path = PathAndQuery::from_static(path);
        Ok(self.ready().await?.unary(Request::new(message), path, AsBytes).await?.into_inner())
    }

    /// Sends messages as a stream.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn upload(&self, path: &'static str, messages: Vec<Bytes>) -> Result<Bytes> {
        let messages = Request::new(tokio_stream::iter(messages));
        let path = PathAndQuery::from_static(path);
        Ok(self.ready().await?.client_streaming(messages, path, AsBytes).await?.into_inner())
    }

    /// Asks for a stream.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn download(&self, path: &'static str, message: Bytes) -> Result<Streaming<Bytes>> {
        let path = PathAndQuery::from_static(path);
        let mut client = self.ready().await?;
        Ok(client.server_streaming(Request::new(message), path, AsBytes).await?.into_inner())
    }
}

/// How many messages a message holds in its field 1, without a look into them.
///
/// # Errors
/// It is no message.
pub fn count_field_1(mut message: Bytes) -> Result<usize> {
    let mut found = 0;
    while message.has_remaining() {
        let key = prost::encoding::decode_varint(&mut message)?;
        let length = usize::try_from(prost::encoding::decode_varint(&mut message)?)?;
        anyhow::ensure!(key & 7 == 2 && length <= message.remaining(), "a field of another kind");
        message.advance(length);
        found += usize::from(key >> 3 == 1);
    }
    Ok(found)
}

/// Leaves messages as they are.
#[derive(Clone, Copy, Debug)]
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use signoff_contract::versioning::v1 as wire;

    use super::*;

    #[test]
    fn decisions_are_counted_without_reading_them() {
        let decisions = vec![wire::Decision::default(), crate_decision(), crate_decision()];
        let answer = wire::ExportDecisionsResponse { decisions };
        assert_eq!(count_field_1(answer.encode_to_vec().into()).unwrap(), 3);
        assert_eq!(count_field_1(Bytes::new()).unwrap(), 0);
        assert!(count_field_1(Bytes::from_static(&[0x0a, 0x05, 0x01])).is_err());
    }

    fn crate_decision() -> wire::Decision {
        wire::Decision { item_key: "S-1".repeat(100), ..Default::default() }
    }
}
