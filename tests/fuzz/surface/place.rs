//! Where the messages go: a whole house with whoever counts, and everybody who may call.

use std::net::SocketAddr;
use std::time::Duration;

use signoff_chassis::identity::Claims;
use signoff_tests::house::{ADMIN, AUDITOR, SERVICE};
use signoff_tests::lanes::OWNERS;
use signoff_tests::world::connect;
use signoff_tests::{Counting, House, Person};
use signoff_workflow::{Role, Workflow};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Somebody, and what is known of them.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) person: Person,
    /// For a failed test.
    pub(crate) name: String,
    /// Whether they show something that is good.
    pub(crate) is_known: bool,
    /// Or at a backend.
    pub(crate) is_at_gateway: bool,
}

/// A house of its own.
pub(crate) struct Place {
    pub(crate) house: House,
    pub(crate) counting: Counting,
    /// The gateway that knows whoever counts.
    pub(crate) gateway: SocketAddr,
    /// Ends it.
    shutdown: CancellationToken,
    /// A connection to each.
    channels: Channels,
}

struct Channels {
    gateway: Channel,
    versioning: Channel,
    audit: Channel,
    metrics: Channel,
}

/// A service that is asked directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Versioning,
    Audit,
    Metrics,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let house = House::new().await;
        let counting = Counting::of(&house).await;
        let metrics: tonic::transport::Uri =
            format!("http://{}", counting.address).parse().unwrap();
        // Nothing is refused because there is too much: that is another test.
        let (gateway, shutdown) = house.replica_with(|args| args.metrics_url = vec![metrics]).await;
        let channels = Channels {
            gateway: connect(gateway).await,
            versioning: house.versioning.channel().await,
            audit: house.audit.channel().await,
            metrics: counting.channel().await,
        };
        Self { house, counting, gateway, shutdown, channels }
    }

    /// Ends all of it: the next house needs the connections to the database.
    pub(crate) async fn end(self) {
        let Self { house, counting, shutdown, .. } = self;
        shutdown.cancel();
        house.shutdown.cancel();
        counting.stop().await;
        let House { versioning, audit, .. } = house;
        versioning.stop().await;
        audit.stop().await;
    }

    /// Everybody who calls the gateway.
    pub(crate) fn people(&self) -> Vec<Caller> {
        let mut people: Vec<(i64, &[Role])> = vec![
            (ADMIN, &[Role::Admin]),
            (AUDITOR, &[Role::Auditor]),
            (SERVICE, &[Role::Service]),
            (999, &[]),
        ];
        people.extend([10, 11, 12, 20, 21, 30].map(|member| (member, &[][..])));
        people.extend(OWNERS.map(|owner| (owner, &[][..])));
        let known = people.into_iter().map(|(user_id, roles)| {
            let token = self.house.token(user_id, roles);
            Caller { name: format!("user {user_id}"), ..self.with_token(&token) }
        });
        let channel = || self.channels.gateway.clone();
        let strangers = [
            ("nobody", Person::unknown(channel())),
            ("a bad token", Person::with_token("e30.e30.e30", channel(), 1)),
        ];
        let strangers = strangers.map(|(name, person)| Caller {
            person,
            name: name.to_owned(),
            is_known: false,
            is_at_gateway: true,
        });
        known.chain(strangers).collect()
    }

    /// Whoever has this token.
    pub(crate) fn with_token(&self, token: &str) -> Caller {
        let person = Person::with_token(token, self.channels.gateway.clone(), 0);
        Caller { person, name: "as heard".to_owned(), is_known: true, is_at_gateway: true }
    }

    /// Somebody who comes round the gateway with roles.
    pub(crate) fn direct(
        &self,
        at: Backend,
        user_id: i64,
        workflow: Workflow,
        roles: &[Role],
    ) -> Caller {
        let claims = Claims::new(user_id, format!("user-{user_id}"), Duration::ZERO);
        let claims = claims.with_roles(roles.iter().copied()).on(workflow);
        let channel = match at {
            Backend::Versioning => &self.channels.versioning,
            Backend::Audit => &self.channels.audit,
            Backend::Metrics => &self.channels.metrics,
        };
        let key = &self.house.versioning.key;
        let person = Person::with_claims(key, channel.clone(), claims);
        let name = format!("user {user_id} with {roles:?} at {at:?}");
        Caller { person, name, is_known: true, is_at_gateway: false }
    }
}

/// Where a method may be asked for directly.
pub(crate) fn backends_of(path: &str) -> &'static [Backend] {
    let of = |package: &str| path.starts_with(package);
    if of("/signoff.versioning.") {
        &[Backend::Versioning]
    } else if of("/signoff.audit.") {
        &[Backend::Audit]
    } else if of("/signoff.metrics.") {
        &[Backend::Metrics]
    } else if of("/signoff.feed.") {
        &[Backend::Versioning, Backend::Audit]
    } else {
        &[]
    }
}
