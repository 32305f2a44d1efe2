//! The command line of `signoff serve`.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use secrecy::SecretString;

const MIGRATE: &str = "migrate";
/// The option of every service that names the database as its owner.
const OWNER_URL: &str = "database_owner_url";

/// `signoff serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which service.
    #[command(subcommand)]
    pub service: Service,
}

/// The services.
#[derive(Debug, Subcommand)]
pub enum Service {
    /// The six phases whose work is kept in versions
    Versioning(ServiceArgs<signoff_versioning::ServeArgs>),
    /// The three phases that are audited only
    Audit(ServiceArgs<signoff_audit::ServeArgs>),
    /// The door for people and browsers: identity, the dependency graph, one interface
    Gateway(Box<ServiceArgs<signoff_gateway::GatewayArgs>>),
    /// What the trails add up to
    Metrics(Box<ServiceArgs<signoff_metrics::MetricsArgs>>),
}

/// How one service is run.
#[derive(Debug, Args)]
pub struct ServiceArgs<S: Args> {
    /// Stop when standard input ends
    #[arg(long)]
    pub stop_with_stdin: bool,
    /// What to do.
    #[command(flatten)]
    pub job: Job<S>,
}

/// What a service's process is started for.
#[derive(Debug)]
pub enum Job<S> {
    /// `--migrate`: bring the database up to date as its owner, and end.
    Migrate {
        /// The database, as its owner.
        owner_url: SecretString,
    },
    /// Serve, as the service's own arguments say. These are required only here.
    Serve(S),
}

impl<S: Args> Args for Job<S> {
    fn augment_args(command: Command) -> Command {
        S::augment_args(command)
            .mut_args(|arg| {
                if arg.is_required_set() {
                    arg.required(false).required_unless_present(MIGRATE)
                } else {
                    arg
                }
            })
            .arg(
                Arg::new(MIGRATE)
                    .long("migrate")
                    .action(ArgAction::SetTrue)
                    .requires(OWNER_URL)
                    .help("Bring the database up to date, and end"),
            )
            .mut_arg(OWNER_URL, |arg| arg.visible_alias("owner-url"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Args> FromArgMatches for Job<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        if !matches.get_flag(MIGRATE) {
            return S::from_arg_matches(matches).map(Self::Serve);
        }
        match matches.get_one::<SecretString>(OWNER_URL) {
            Some(owner_url) => Ok(Self::Migrate { owner_url: owner_url.clone() }),
            None => Err(clap::Error::new(clap::error::ErrorKind::MissingRequiredArgument)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, error::ErrorKind};
    use signoff_chassis::config::DatabaseArgs;

    use super::*;

    #[derive(Debug, Args)]
    struct Own {
        #[arg(long)]
        needed: String,
        #[arg(long, default_value_t = 7)]
        other: u8,
        #[command(flatten)]
        database: DatabaseArgs,
    }

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        service: ServiceArgs<Own>,
    }

    fn parse(line: &str) -> Result<Job<Own>, ErrorKind> {
        Program::try_parse_from(line.split(' '))
            .map(|program| program.service.job)
            .map_err(|error| error.kind())
    }

    #[test]
    fn what_serving_needs_is_not_needed_for_migrating() {
        assert!(matches!(
            parse("x --needed n --database-url postgres://s@h/d"),
            Ok(Job::Serve(Own { needed, other: 7, .. })) if needed == "n"
        ));
        assert!(matches!(
            parse("x --migrate --owner-url postgres://o@h/d"),
            Ok(Job::Migrate { .. })
        ));
        assert!(matches!(
            parse("x --migrate --database-owner-url postgres://o@h/d"),
            Ok(Job::Migrate { .. })
        ));
        assert_eq!(parse("x").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("x --migrate").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("x --other 1").unwrap_err(), ErrorKind::MissingRequiredArgument);
    }
}
