//! The people of the story, each with a token of their own.

use std::time::Duration;

use anyhow::{Context, Result};
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::gateway::v1::Member;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, Role, Workflow};
use tonic::transport::Channel;

use super::audit::AuditDesk;
use super::desk::Desk;
use crate::connection::{Bearer, Connection};

/// How long the tokens of the story are valid.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// Somebody with a token.
pub(super) struct Person {
    /// What they are called.
    pub(super) name: &'static str,
    /// Who they are.
    pub(super) user_id: i64,
    /// The report that they work on.
    pub(super) workflow: Workflow,
    /// The gateway, for them.
    pub(super) gateway: Connection,
}

impl Person {
    /// Their place in a phase, where they call the service from.
    pub(super) fn at(&self, phase: Phase) -> Desk {
        Desk::new(self, phase)
    }

    /// Their place in a phase that is audited only.
    pub(super) fn audit_at(&self, phase: Phase) -> AuditDesk {
        AuditDesk::new(self, phase)
    }
}

/// Everybody in the story.
pub(super) struct Cast {
    /// The admin, who opens the report and says who works on it.
    pub(super) adam: Person,
    /// The tester.
    pub(super) tess: Person,
    /// A program that recommends what a language model proposes, on the tester's behalf.
    pub(super) llm: Person,
    /// The test lead.
    pub(super) lena: Person,
    /// The report owner.
    pub(super) owen: Person,
    /// A report owner too, who stands in for him.
    pub(super) olga: Person,
    /// The test executive.
    pub(super) eve: Person,
    /// Who owns the data of consumer cards, at first.
    pub(super) dora: Person,
    /// Who takes them over.
    pub(super) dina: Person,
    /// Who owns the data of small business cards.
    pub(super) sam: Person,
    /// Who owns the data of private labels.
    pub(super) paul: Person,
    /// The auditor, who reads.
    pub(super) ada: Person,
}

impl Cast {
    /// The user id of the admin.
    const ADAM: i64 = 2;
    /// The user id of the recommending program.
    const LLM: i64 = 5;
    /// The user id of the tester.
    pub(super) const TESS: i64 = 10;
    /// The user id of the test lead.
    const LENA: i64 = 11;
    /// The user id of the report owner.
    pub(super) const OWEN: i64 = 20;
    /// The user id of who stands in for him.
    const OLGA: i64 = 21;
    /// The user id of the auditor.
    const ADA: i64 = 30;
    /// The user id of the test executive.
    const EVE: i64 = 40;
    /// The user ids of the data owners.
    const DORA: i64 = 51;
    const DINA: i64 = 52;
    const SAM: i64 = 53;
    const PAUL: i64 = 54;

    /// Who works on a report, and as what. Data owners are no members: it is their assignment that
    /// lets them in.
    const MEMBERS: [(i64, Role); 5] = [
        (Self::TESS, Role::Tester),
        (Self::LENA, Role::TestLead),
        (Self::OWEN, Role::ReportOwner),
        (Self::OLGA, Role::ReportOwner),
        (Self::EVE, Role::TestExecutive),
    ];

    /// Everybody, working on one report over one connection to the gateway.
    ///
    /// # Errors
    /// A token cannot be signed.
    pub(super) fn new(key: &SigningKey, gateway: &Channel, workflow: Workflow) -> Result<Self> {
        let signed = |name: &'static str, user_id: i64, roles: &[Role], on_behalf_of| {
            let claims = TokenClaims::new(user_id, name.to_lowercase(), TOKEN_LIFE)
                .with_roles(roles.iter().copied());
            let token = key.sign_token(&claims).with_context(|| format!("a token for {name}"))?;
            let gateway = Connection::new(gateway.clone(), Bearer::new(&token, on_behalf_of)?);
            anyhow::Ok(Person { name, user_id, workflow, gateway })
        };
        let everywhere = |name, user_id, role| signed(name, user_id, &[role], None);
        // What they may do comes from the report's members, or from an assignment.
        let person = |name, user_id| signed(name, user_id, &[], None);
        Ok(Self {
            adam: everywhere("Adam", Self::ADAM, Role::Admin)?,
            tess: person("Tess", Self::TESS)?,
            llm: signed("LLM", Self::LLM, &[Role::Service], Some(Self::TESS))?,
            lena: person("Lena", Self::LENA)?,
            owen: person("Owen", Self::OWEN)?,
            olga: person("Olga", Self::OLGA)?,
            eve: person("Eve", Self::EVE)?,
            dora: person("Dora", Self::DORA)?,
            dina: person("Dina", Self::DINA)?,
            sam: person("Sam", Self::SAM)?,
            paul: person("Paul", Self::PAUL)?,
            ada: everywhere("Ada", Self::ADA, Role::Auditor)?,
        })
    }

    /// Who works on a report, with these beside.
    pub(super) fn members(more: &[(i64, Role)]) -> Vec<Member> {
        let member = |&(user_id, role): &(i64, Role)| Member {
            user_id,
            role: shared::Role::from(role).into(),
        };
        Self::MEMBERS.iter().chain(more).map(member).collect()
    }

    /// What somebody with this user id is called; nothing for 0, which is nobody.
    pub(super) fn name_of(user_id: i64) -> String {
        match user_id {
            0 => String::new(),
            Self::ADAM => "Adam".to_owned(),
            Self::LLM => "LLM".to_owned(),
            Self::TESS => "Tess".to_owned(),
            Self::LENA => "Lena".to_owned(),
            Self::OWEN => "Owen".to_owned(),
            Self::OLGA => "Olga".to_owned(),
            Self::EVE => "Eve".to_owned(),
            Self::DORA => "Dora".to_owned(),
            Self::DINA => "Dina".to_owned(),
            Self::SAM => "Sam".to_owned(),
            Self::PAUL => "Paul".to_owned(),
            Self::ADA => "Ada".to_owned(),
            other => format!("user {other}"),
        }
    }
}
