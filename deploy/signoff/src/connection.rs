//! A connection to the gateway that shows a token with every call.

use anyhow::Result;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A connection with a token.
pub(crate) type Connection = InterceptedService<Channel, Bearer>;

/// Shows a token with every call, and for whom a program acts.
#[derive(Clone)]
pub(crate) struct Bearer {
    token: MetadataValue<Ascii>,
    on_behalf_of: Option<i64>,
}

impl Bearer {
    /// Of a token; of a service's, for somebody.
    ///
    /// # Errors
    /// The token is no text of a header.
    pub(crate) fn new(token: &str, on_behalf_of: Option<i64>) -> Result<Self> {
        let mut token: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
        token.set_sensitive(true);
        Ok(Self { token, on_behalf_of })
    }

    /// Shows it with one call.
    pub(crate) fn show(&self, metadata: &mut MetadataMap) {
        metadata.insert("authorization", self.token.clone());
        if let Some(person) = self.on_behalf_of {
            metadata.insert("on-behalf-of", person.into());
        }
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.show(request.metadata_mut());
        Ok(request)
    }
}
