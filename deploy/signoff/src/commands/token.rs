//! `signoff token`: an assertion for a person or a program, signed with the local key.

use anyhow::Result;
use clap::{CommandFactory, error::ErrorKind};
use signoff_chassis::identity::Claims;
use signoff_workflow::Workflow;

use super::data_folder;
use crate::{
    cli::{Cli, TokenArgs},
    output,
    stack::signing_key,
};

/// Prints the token, alone.
pub(crate) fn run(args: TokenArgs) -> Result<()> {
    let on_a_report = args.roles.iter().find(|role| role.is_held_on_a_report());
    if let (Some(role), None) = (on_a_report, args.workflow) {
        let message = format!(
            "the role {role} is held on a report: name it with --workflow CYCLE_ID/REPORT_ID"
        );
        let mut command = Cli::command();
        command.build();
        let token = command.find_subcommand_mut("token");
        return Err(match token {
            Some(token) => token.error(ErrorKind::MissingRequiredArgument, message).into(),
            None => command.error(ErrorKind::MissingRequiredArgument, message).into(),
        });
    }
    let key = signing_key(&data_folder(args.data)?)?;
    let subject = format!("user-{}", args.user);
    let claims = Claims::new(args.user, subject, args.ttl).with_roles(args.roles);
    let claims = match args.workflow {
        Some((cycle_id, report_id)) => claims.on(Workflow { cycle_id, report_id }),
        None => claims,
    };
    output::line(&key.sign(&claims)?);
    Ok(())
}
