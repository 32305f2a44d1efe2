//! A gateway in front of a service.

use std::time::Duration;

use anyhow::Result;
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::gateway::v1 as wire;
use signoff_embedded::Cluster;
use signoff_tests::connection::Connection;
use signoff_tests::house::listed;
use signoff_tests::people::request_id;
use signoff_tests::{Person, world};
use signoff_workflow::{Role, Workflow};

use crate::child::Child;
use crate::raw::Raw;
use crate::system::System;
use crate::{OWNER, TESTER};

/// How long tokens are good for.
const LIFE: Duration = Duration::from_secs(60 * 60);
/// Who opens workflows.
const ADMIN: i64 = 90;

/// A gateway, and whose tokens it believes.
#[derive(Debug)]
pub struct Door {
    /// Its process.
    pub gateway: Child,
    provider: SigningKey,
}

impl Door {
    /// A gateway in front of a service.
    ///
    /// # Errors
    /// It does not start.
    pub async fn before(system: &System, cluster: &Cluster) -> Result<Self> {
        let (gateway, provider) = system.gateway(cluster).await?;
        Ok(Self { gateway, provider })
    }

    fn token(&self, user_id: i64, roles: &[Role]) -> Result<String> {
        let claims = TokenClaims::new(user_id, format!("user-{user_id}"), LIFE);
        Ok(self.provider.sign_token(&claims.with_roles(roles.iter().copied()))?)
    }

    /// Tells it who works on a report that is open at the service already.
    ///
    /// # Errors
    /// It refuses.
    pub async fn open(&self, workflow: Workflow) -> Result<()> {
        let channel = world::connect(self.gateway.address).await;
        let admin = Person::with_token(&self.token(ADMIN, &[Role::Admin])?, channel, ADMIN);
        let request = wire::OpenWorkflowRequest {
            scope: Some(world::whole(workflow)),
            cycle_name: "bench".to_owned(),
            report_name: "bench".to_owned(),
            members: listed(&[(TESTER, Role::Tester), (OWNER, Role::ReportOwner)]),
            request_id: request_id(),
        };
        admin.call(request).await?;
        Ok(())
    }

    /// The tester's connection to it.
    ///
    /// # Errors
    /// No token can be signed.
    pub async fn raw(&self) -> Result<Raw> {
        let channel = world::connect(self.gateway.address).await;
        Ok(Raw::new(Connection::with_token(channel, &self.token(TESTER, &[])?)))
    }
}
