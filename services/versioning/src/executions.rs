//! What the audit service says of test executions, which observations name.
//!
//! It is asked over the wire, before a command and outside of its transaction. What it does not say
//! is not taken for granted: where it is away, so is this part of the service.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use signoff_contract::audit::v1 as wire;
use signoff_contract::audit::v1::test_execution_service_client::TestExecutionServiceClient;
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::Workflow;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::domain::error::Error;

/// How many executions it is asked for at once: as many as it answers.
pub(crate) const BATCH: usize = 1_000;
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How often an idle connection is tried while a call is open, and how long that may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Longest answer: so many executions with all their texts.
const MAX_ANSWER: usize = 128 * 1024 * 1024;

const AWAY: &str = "the audit service is away: try again";
const NOT_SET_UP: &str = "this server was not told of an audit service, which must know the test \
                          executions of an observation";

/// How the audit service is asked.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AuditArgs {
    /// The replicas of the audit service, which knows test executions: `http://HOST:PORT`, separated
    /// by commas. Without it, no observation is taken that names one.
    #[arg(long, env = "SIGNOFF_AUDIT_URL", value_name = "URL", value_parser = http_url)]
    #[arg(value_delimiter = ',', requires = "service_token_file")]
    pub audit_url: Vec<Uri>,
    /// A file with a token of the role SERVICE, by which the audit service knows us. It is read for
    /// each call, and may be replaced at any time.
    #[arg(long, env = "SIGNOFF_SERVICE_TOKEN_FILE", value_name = "FILE", requires = "audit_url")]
    pub service_token_file: Option<PathBuf>,
}

fn http_url(given: &str) -> Result<Uri, String> {
    let url: Uri = given.parse().map_err(|error| format!("is no URL: {error}"))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http"), Some(_)) => Ok(url),
        _ => Err("is not of the form http://HOST:PORT".to_owned()),
    }
}

/// Test executions, as the audit service knows them.
#[derive(Clone)]
pub struct Executions(Option<Audit>);

#[derive(Clone)]
struct Audit {
    replicas: Vec<TestExecutionServiceClient<Channel>>,
    /// Who is asked first: whoever answered last.
    first: Arc<AtomicUsize>,
    token_file: PathBuf,
}

impl fmt::Debug for Executions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Executions").field(&self.0.as_ref().map(|of| &of.token_file)).finish()
    }
}

impl Executions {
    /// Where nobody can be asked.
    pub fn unknown() -> Self {
        Self(None)
    }

    /// Asked of the audit service, which need not be there yet.
    ///
    /// # Errors
    /// There is no token to ask with.
    pub fn asked_as(args: AuditArgs) -> anyhow::Result<Self> {
        let Some(token_file) = args.service_token_file.filter(|_| !args.audit_url.is_empty())
        else {
            return Ok(Self::unknown());
        };
        std::fs::read_to_string(&token_file)
            .map_err(|error| error.to_string())
            .and_then(|token| bearer(&token.into()))
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("the service's token: {}", token_file.display()))?;
        let replicas = args.audit_url.into_iter().map(client).collect();
        Ok(Self(Some(Audit { replicas, first: Arc::default(), token_file })))
    }

    /// Which of these executions the workflow has, and whether each is concluded. They are asked for
    /// in batches.
    ///
    /// # Errors
    /// [`Error::AuditAway`], whatever the reason: the log has it.
    pub(crate) async fn concluded(
        &self,
        workflow: Workflow,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, bool>, Error> {
        let Some(audit) = &self.0 else {
            tracing::warn!("an observation names executions, and there is no SIGNOFF_AUDIT_URL");
            return Err(Error::AuditAway(NOT_SET_UP));
        };
        let mut found = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            for execution in audit.batch(workflow, batch).await? {
                let concluded = execution.result != 0;
                let id = Uuid::try_parse(&execution.execution_id);
                found.extend(id.ok().map(|id| (id, concluded)));
            }
        }
        Ok(found)
    }
}

impl Audit {
    async fn batch(&self, workflow: Workflow, ids: &[Uuid]) -> Result<Vec<wire::Execution>, Error> {
        let request = wire::BatchGetExecutionsRequest {
            scope: Some(Scope {
                cycle_id: workflow.cycle_id.to_string(),
                report_id: workflow.report_id.to_string(),
                phase: 0,
            }),
            execution_ids: ids.iter().map(Uuid::to_string).collect(),
        };
        let token = self.token().await?;
        let (count, first) = (self.replicas.len(), self.first.load(Ordering::Relaxed));
        let mut refused = None;
        for at in (first..first + count).map(|at| at % count) {
            let Some(client) = self.replicas.get(at) else { continue };
            match ask(client.clone(), request.clone(), token.clone()).await {
                Ok(executions) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(executions);
                }
                Err(status) => refused = Some(no_answer(&status)),
            }
        }
        Err(refused.unwrap_or(Error::AuditAway(AWAY)))
    }

    /// The token as it is now.
    async fn token(&self) -> Result<MetadataValue<Ascii>, Error> {
        let read = tokio::fs::read_to_string(&self.token_file).await;
        let token = read.map_err(|error| error.to_string());
        token.and_then(|token| bearer(&token.into())).map_err(|error| {
            let file = self.token_file.display();
            tracing::warn!(%file, error, "the token for the audit service cannot be read");
            Error::AuditAway(AWAY)
        })
    }
}

fn client(url: Uri) -> TestExecutionServiceClient<Channel> {
    let channel = Endpoint::from(url)
        .connect_timeout(CONNECT_WITHIN)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .connect_lazy();
    TestExecutionServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER)
}

/// Asks one replica.
async fn ask(
    mut client: TestExecutionServiceClient<Channel>,
    request: wire::BatchGetExecutionsRequest,
    token: MetadataValue<Ascii>,
) -> Result<Vec<wire::Execution>, Status> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("authorization", token);
    request.set_timeout(DEADLINE);
    // A connection that is being made counts, too.
    let answer = tokio::time::timeout(DEADLINE, client.batch_get_executions(request)).await;
    let answer = answer.unwrap_or_else(|_late| Err(Status::deadline_exceeded("too late")));
    Ok(answer?.into_inner().executions)
}

/// A token as it is sent. What is wrong with it is said without it.
fn bearer(token: &SecretString) -> Result<MetadataValue<Ascii>, String> {
    let token = token.expose_secret().trim();
    if token.is_empty() {
        return Err("there is nothing in it".to_owned());
    }
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {token}").parse().map_err(|_| "it is no token".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whatever the audit service answers instead of an answer, callers can do nothing about it.
fn no_answer(status: &Status) -> Error {
    let (code, message) = (status.code(), status.message());
    match code {
        Code::Unauthenticated | Code::PermissionDenied => {
            tracing::warn!(?code, message, "the audit service refuses our token");
        }
        _ => tracing::warn!(?code, message, "the audit service does not answer"),
    }
    Error::AuditAway(AWAY)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        audit: AuditArgs,
    }

    #[test]
    fn both_settings_come_together_or_not_at_all() {
        let parse = |line: &str| Command::try_parse_from(line.split(' '));
        let both = "x --audit-url http://127.0.0.1:7402 --service-token-file t";
        assert_eq!(parse(both).unwrap().audit.audit_url[0].port_u16(), Some(7402));
        let two = format!("{both} --audit-url http://a:1,http://b:2");
        assert_eq!(parse(&two).unwrap().audit.audit_url.len(), 3);
        assert!(parse("x").unwrap().audit.audit_url.is_empty());
        assert!(parse("x --audit-url http://127.0.0.1:7402").is_err());
        assert!(parse("x --service-token-file t").is_err());
        for wrong in ["https://h:1", "h:1", "ftp://h", "/x"] {
            assert!(parse(&format!("x --service-token-file t --audit-url {wrong}")).is_err());
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let sent = bearer(&SecretString::from(" of.a.service \n")).unwrap();
        assert_eq!(sent.to_str().unwrap(), "Bearer of.a.service");
        assert!(!format!("{sent:?}").contains("service"));
        for wrong in ["", " \n", "a\u{7}b"] {
            assert!(!bearer(&SecretString::from(wrong)).unwrap_err().contains("\u{7}"));
        }
    }

    #[test]
    fn without_a_token_there_is_no_service() {
        let args = AuditArgs {
            audit_url: vec![Uri::from_static("http://127.0.0.1:1")],
            service_token_file: Some(PathBuf::from("/nowhere/token")),
        };
        let error = Executions::asked_as(args).unwrap_err();
        assert!(error.to_string().contains("/nowhere/token"), "{error}");
    }
}
