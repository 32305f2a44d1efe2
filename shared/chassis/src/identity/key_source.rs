//! Where the identity provider's keys are, and how they are fetched.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tonic::codegen::Bytes;

use super::KeyError;
use super::key::file_error;

/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How large a key set may be. Providers have a few keys of a few hundred bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Where a key set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// At an `http` or `https` URL.
    Url(String),
}

impl FromStr for KeySource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        Ok(if is_url { Self::Url(text.to_owned()) } else { Self::File(text.into()) })
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Fetches a key set.
pub(super) enum Fetcher {
    /// From a file.
    File(PathBuf),
    /// From a URL.
    Url(Box<HttpClient>, Uri),
}

impl Fetcher {
    /// One for this source.
    pub(super) fn new(source: &KeySource) -> Result<Self, KeyError> {
        let url = match source {
            KeySource::File(path) => return Ok(Self::File(path.clone())),
            KeySource::Url(url) => url,
        };
        let failed = |reason: String| KeyError::Fetch { url: url.clone(), reason };
        let uri: Uri = url.parse().map_err(|e| failed(format!("not a URL: {e}")))?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| failed(e.to_string()))?;
        let config = if url.starts_with("https:") {
            let trusting = config.with_native_roots();
            trusting.map_err(|e| failed(format!("this machine trusts no certificates: {e}")))?
        } else {
            config.with_root_certificates(RootCertStore::empty())
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self::Url(Box::new(client), uri))
    }

    /// The set, as it is now.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::File(path) => {
                let mut text = Vec::new();
                let read = async {
                    let file = tokio::fs::File::open(path).await?;
                    file.take(MAX_BYTES as u64).read_to_end(&mut text).await
                };
                read.await.map_err(|e| file_error(path, e))?;
                Ok(text)
            }
            Self::Url(client, uri) => {
                let answer = tokio::time::timeout(TIMEOUT, get(client, uri)).await;
                let answer = answer.unwrap_or_else(|_elapsed| {
                    Err(format!("no whole answer within {} seconds", TIMEOUT.as_secs()))
                });
                answer.map_err(|reason| KeyError::Fetch { url: uri.to_string(), reason })
            }
        }
    }
}

/// Redirects are not followed: the operator names the place itself.
async fn get(client: &HttpClient, uri: &Uri) -> Result<Vec<u8>, String> {
    let request = Request::get(uri.clone()).header(ACCEPT, "application/json").body(Empty::new());
    let answer = client.request(request.map_err(|e| e.to_string())?).await;
    let answer = answer.map_err(|e| with_causes(&e))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answers {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
    Ok(body.map_err(|e| with_causes(&*e))?.to_bytes().to_vec())
}

/// An error and what caused it: the client's own errors say "client error (Connect)".
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
