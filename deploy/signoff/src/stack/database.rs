//! The databases of the services, and the roles that use them.

use anyhow::{Context, Result};
use secrecy::SecretString;
use signoff_ledger::{Login, Provision, migrate, provision};
use sqlx::migrate::Migration;

use super::folder::Passwords;

/// Makes a service's database and roles as far as they are missing, brings the database up to
/// date, and answers with the service's URL.
pub(crate) async fn prepare(
    admin_url: &SecretString,
    service: &str,
    migrations: Vec<Migration>,
    passwords: Passwords,
) -> Result<SecretString> {
    let database = format!("signoff_{service}");
    let owner = Login { role: format!("{database}_owner"), password: passwords.owner.into() };
    let serving = Login { role: format!("{database}_service"), password: passwords.service.into() };
    let wanted = Provision { database, owner, service: serving };
    let urls = provision(admin_url, &wanted)
        .await
        .with_context(|| format!("cannot make the database of {service}"))?;
    migrate(&urls.owner, migrations)
        .await
        .with_context(|| format!("cannot bring the database of {service} up to date"))?;
    Ok(urls.service)
}
