//! What an operator sets, by options or by environment variables. An option goes before its
//! variable.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use secrecy::SecretString;

use crate::identity::{AUDIENCE, KeySource, TokenOptions};
use crate::server::ServerOptions;

/// What every server is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "SIGNOFF_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where it is watched.
    #[command(flatten)]
    pub monitor: MonitorArgs,
    /// A file with the public keys of those who sign assertions (JSON Web Key Set). Several are
    /// separated by commas.
    #[arg(long, env = "SIGNOFF_JWKS", value_name = "FILE", value_delimiter = ',', required = true)]
    pub jwks: Vec<PathBuf>,
    /// How long open calls may go on after a shutdown was asked for.
    #[arg(long, env = "SIGNOFF_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
    /// Log one JSON object a line instead of text.
    #[arg(long, env = "SIGNOFF_LOG_JSON", value_parser = BoolishValueParser::new())]
    pub log_json: bool,
}

impl ServerArgs {
    /// The bounds of the server.
    pub fn server_options(&self) -> ServerOptions {
        ServerOptions { drain: Duration::from_secs(self.drain_seconds), ..ServerOptions::default() }
    }
}

/// Where a server is watched: an address that is nobody else's business.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct MonitorArgs {
    /// The address for plain HTTP, without tokens: `/metrics` for Prometheus, `/health/live` and
    /// `/health/ready`. It belongs on an internal network.
    #[arg(long, env = "SIGNOFF_HTTP_LISTEN", value_name = "ADDRESS:PORT")]
    pub http_listen: Option<SocketAddr>,
}

/// Who the company's identity provider is, if the server is told: issuer and keys come together.
#[derive(Clone, Debug, clap::Args)]
pub struct TokenArgs {
    /// The issuer of people's and services' own tokens.
    #[arg(long, env = "SIGNOFF_OIDC_ISSUER", value_name = "ISSUER", requires = "oidc_jwks")]
    pub oidc_issuer: Option<String>,
    /// The audience that they must be for.
    #[arg(long, env = "SIGNOFF_OIDC_AUDIENCE", value_name = "AUDIENCE", default_value = AUDIENCE)]
    pub oidc_audience: String,
    /// The issuer's public keys (JSON Web Key Set): a file, or an http or https URL.
    #[arg(long, env = "SIGNOFF_OIDC_JWKS", value_name = "FILE|URL", requires = "oidc_issuer")]
    pub oidc_jwks: Option<KeySource>,
}

impl TokenArgs {
    /// What tokens are believed, if any are.
    pub fn options(&self) -> Option<TokenOptions> {
        let (issuer, jwks) = (self.oidc_issuer.as_ref()?, self.oidc_jwks.as_ref()?);
        Some(TokenOptions::new(issuer, &self.oidc_audience, jwks.clone()))
    }
}

/// Where a service's database is. The URLs hold passwords: they are never logged, and better
/// given by environment variables, since options can be seen by others on the machine.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseArgs {
    /// The URL that the service works with: a role that owns nothing.
    #[arg(long, env = "SIGNOFF_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: SecretString,
    /// The URL of the database's owner, to migrate it at the start. Left out, the database is
    /// taken as it is.
    #[arg(long, env = "SIGNOFF_DATABASE_OWNER_URL", value_name = "URL", hide_env_values = true)]
    pub database_owner_url: Option<SecretString>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        server: ServerArgs,
        #[command(flatten)]
        tokens: TokenArgs,
        #[command(flatten)]
        database: DatabaseArgs,
    }

    const MANDATORY: [&str; 7] = [
        "server",
        "--listen",
        "127.0.0.1:0",
        "--jwks",
        "a.json,b.json",
        "--database-url",
        "postgres://user:secret@db/x",
    ];

    #[test]
    fn what_is_left_out_has_a_safe_default() {
        let command = Command::try_parse_from(MANDATORY).unwrap();
        assert_eq!(command.server.jwks, ["a.json", "b.json"].map(PathBuf::from));
        assert!(!command.server.log_json);
        assert!(command.server.monitor.http_listen.is_none());
        assert_eq!(command.server.server_options().drain, Duration::from_secs(10));
        assert!(command.database.database_owner_url.is_none());
    }

    #[test]
    fn everything_can_be_set() {
        let more = ["--log-json", "--drain-seconds", "3", "--database-owner-url", "u"];
        let more = more.into_iter().chain(["--http-listen", "127.0.0.1:7409"]);
        let command = Command::try_parse_from(MANDATORY.into_iter().chain(more)).unwrap();
        assert!(command.server.log_json);
        assert_eq!(command.server.server_options().drain, Duration::from_secs(3));
        assert_eq!(command.server.monitor.http_listen.unwrap().port(), 7409);
        assert_eq!(command.database.database_owner_url.unwrap().expose_secret(), "u");
    }

    #[test]
    fn an_identity_provider_has_a_name_and_keys() {
        let with = |more: &[&'static str]| {
            let line = MANDATORY.into_iter().chain(more.iter().copied());
            Command::try_parse_from(line).map(|command| command.tokens.options())
        };
        assert!(with(&[]).unwrap().is_none());
        assert!(with(&["--oidc-issuer", "https://idp"]).is_err());
        assert!(with(&["--oidc-jwks", "jwks.json"]).is_err());
        let file = with(&["--oidc-issuer", "https://idp", "--oidc-jwks", "jwks.json"]);
        let file = file.unwrap().unwrap();
        assert_eq!(file.jwks, KeySource::File("jwks.json".into()));
        assert_eq!((file.issuer.as_str(), file.audience.as_str()), ("https://idp", AUDIENCE));
        let url = ["--oidc-issuer=a", "--oidc-audience=b", "--oidc-jwks=https://idp/keys"];
        let url = with(&url).unwrap().unwrap();
        assert_eq!(url.jwks, KeySource::Url("https://idp/keys".to_owned()));
        assert_eq!((url.issuer.as_str(), url.audience.as_str()), ("a", "b"));
        assert!(url.refresh > file.refresh && url.cooldown > file.cooldown);
    }

    #[test]
    fn secrets_are_not_shown() {
        let command = Command::try_parse_from(MANDATORY).unwrap();
        assert!(!format!("{command:?}").contains("secret@"));
    }

    #[test]
    fn what_is_mandatory_or_unknown_is_refused() {
        assert!(Command::try_parse_from(["server"]).is_err());
        let unknown = MANDATORY.into_iter().chain(["--loud"]);
        assert!(Command::try_parse_from(unknown).is_err());
    }
}
