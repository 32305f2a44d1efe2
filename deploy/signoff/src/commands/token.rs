//! `signoff token`: a token for a person or a program, as the local identity provider signs it.

use anyhow::Result;
use clap::{CommandFactory, error::ErrorKind};
use signoff_chassis::identity::TokenClaims;
use signoff_workflow::{Role, Workflow};

use super::data_folder;
use crate::{
    cli::{Cli, TokenArgs},
    output,
    stack::provider_key,
};

/// Prints the token, alone.
pub(crate) fn run(args: TokenArgs) -> Result<()> {
    if let Some(reason) = args.roles.iter().find_map(|role| not_given(*role)) {
        let mut command = Cli::command();
        command.build();
        let error = match command.find_subcommand_mut("token") {
            Some(token) => token.error(ErrorKind::InvalidValue, reason),
            None => command.error(ErrorKind::InvalidValue, reason),
        };
        return Err(error.into());
    }
    let key = provider_key(&data_folder(args.data)?)?;
    let claims = TokenClaims::new(args.user, format!("user-{}", args.user), args.ttl);
    let claims = claims.with_roles(args.roles);
    let claims = match args.workflow {
        Some((cycle_id, report_id)) => claims.on(Workflow { cycle_id, report_id }),
        None => claims,
    };
    output::line(&key.sign_token(&claims)?);
    Ok(())
}

/// Why no token gives this role, if none does.
fn not_given(role: Role) -> Option<String> {
    if role.is_held_on_a_report() {
        return Some(format!(
            "no token gives the role {role}: it comes from the members of a report (SetMembers at \
             the gateway)"
        ));
    }
    (role == Role::Gateway).then(|| {
        "no token gives the role gateway: the gateway has a key of its own, and who may do what on a \
         report comes from its members (SetMembers at the gateway)"
            .to_owned()
    })
}
