//! Who works on a report.

use chrono::{DateTime, Utc};
use signoff_backend::Fault;
use signoff_workflow::{Role, Workflow};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::member::{Member, Membership, MembershipEnd};

/// Of which memberships a list is.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// Those at this time; now, if there is none.
    At(Option<DateTime<Utc>>),
    /// All that ever were.
    Ever,
}

/// Who made a change, when and why.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: i64,
    /// Why.
    pub reason: &'a str,
}

/// Who holds which role now.
pub async fn current(conn: &mut PgConnection, workflow: Workflow) -> Result<Vec<Member>, Fault> {
    let rows = sqlx::query(
        "select user_id, role from members
         where cycle_id = $1 and report_id = $2 and ended_at is null order by number",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_all(conn)
    .await?;
    rows.iter().map(member).collect()
}

/// Memberships after number `after`, in their order.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    held: Held,
    after: i64,
    limit: i64,
) -> Result<Vec<Membership>, Fault> {
    let (ever, at) = match held {
        Held::Ever => (true, None),
        Held::At(at) => (false, at),
    };
    let rows = sqlx::query(
        "select * from members
         where cycle_id = $1 and report_id = $2 and number > $3
             and ($4 or case when $5::timestamptz is null then ended_at is null
                     else given_at <= $5 and (ended_at is null or ended_at > $5) end)
         order by number limit $6",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(after)
    .bind(ever)
    .bind(at)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(membership).collect()
}

/// Gives roles.
pub async fn give(
    conn: &mut PgConnection,
    workflow: Workflow,
    members: &[Member],
    made: Made<'_>,
) -> Result<(), Fault> {
    let users: Vec<i64> = members.iter().map(|member| member.user_id).collect();
    let roles: Vec<&str> = members.iter().map(|member| member.role.name()).collect();
    sqlx::query(
        "insert into members (cycle_id, report_id, number, user_id, role, given_at, given_by, reason)
         select $1, $2, n.last + g.at, g.user_id, g.role, $5, $6, $7
         from unnest($3::bigint[], $4::text[]) with ordinality as g (user_id, role, at),
             (select coalesce(max(number), 0) as last from members
                 where cycle_id = $1 and report_id = $2) n",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(users)
    .bind(roles)
    .bind(made.at)
    .bind(made.by)
    .bind(made.reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes roles that are held now.
pub async fn take(
    conn: &mut PgConnection,
    workflow: Workflow,
    members: &[Member],
    made: Made<'_>,
) -> Result<(), Fault> {
    let users: Vec<i64> = members.iter().map(|member| member.user_id).collect();
    let roles: Vec<&str> = members.iter().map(|member| member.role.name()).collect();
    sqlx::query(
        "update members m set ended_at = $5, ended_by = $6, end_reason = $7
         from unnest($3::bigint[], $4::text[]) as t (user_id, role)
         where m.cycle_id = $1 and m.report_id = $2 and m.ended_at is null
             and m.user_id = t.user_id and m.role = t.role",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(users)
    .bind(roles)
    .bind(made.at)
    .bind(made.by)
    .bind(made.reason)
    .execute(conn)
    .await?;
    Ok(())
}

fn member(row: &PgRow) -> Result<Member, Fault> {
    let role: &str = row.try_get("role")?;
    let role: Role =
        role.parse().map_err(|error| Fault::Internal(format!("a member's role: {error}")))?;
    Ok(Member { user_id: row.try_get("user_id")?, role })
}

fn membership(row: &PgRow) -> Result<Membership, Fault> {
    let ended_at: Option<DateTime<Utc>> = row.try_get("ended_at")?;
    let end = match ended_at {
        Some(at) => Some(MembershipEnd {
            at,
            by: row.try_get("ended_by")?,
            reason: row.try_get("end_reason")?,
        }),
        None => None,
    };
    Ok(Membership {
        member: member(row)?,
        number: row.try_get("number")?,
        given_at: row.try_get("given_at")?,
        given_by: row.try_get("given_by")?,
        reason: row.try_get("reason")?,
        end,
    })
}
