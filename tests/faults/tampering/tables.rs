//! The tables that are tampered with: a copy of each as it was, and what the deeds may do.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use signoff_workflow::Workflow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

/// How the rows of a table are those of a workflow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// By its ids.
    Workflow,
    /// By a line of versions.
    Line,
    /// Of none: the gateway's own.
    House,
}

/// A table of a service.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static [&'static str],
    of: Of,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// A column.
pub(super) struct Column {
    pub(super) name: String,
    kind: String,
    /// The words that its checks know.
    words: Vec<String>,
}

/// A row as it was.
pub(super) struct Row {
    /// As PostgreSQL writes it: by this it is found.
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) workflow: Workflow,
}

impl Row {
    pub(super) fn int(&self, column: &str) -> i64 {
        self.json[column].as_i64().unwrap()
    }

    pub(super) fn text(&self, column: &str) -> &str {
        self.json[column].as_str().unwrap()
    }

    pub(super) fn is_null(&self, column: &str) -> bool {
        self.json[column].is_null()
    }
}

/// The bytes that JSON has of a `bytea`.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("\\x")).unwrap()
}

const LEDGER: [(&str, &[&str], Of); 5] = [
    ("trail", &["cycle_id", "report_id", "seq"], Of::Workflow),
    ("trail_details", &["cycle_id", "report_id", "seq", "chunk"], Of::Workflow),
    ("phase_gates", &["cycle_id", "report_id", "phase"], Of::Workflow),
    ("phase_holds", &["cycle_id", "report_id", "phase", "holder"], Of::Workflow),
    ("closed_workflows", &["cycle_id", "report_id"], Of::Workflow),
];
const VERSIONING: [(&str, &[&str], Of); 10] = [
    ("lines", &["cycle_id", "report_id", "phase", "line_no"], Of::Workflow),
    ("versions", &["line_no", "number", "version_id"], Of::Line),
    ("items", &["line_no", "item_no", "rev"], Of::Line),
    ("modifications", &["line_no", "item_no", "modification_no"], Of::Line),
    ("rulings", &["line_no", "item_no", "seq"], Of::Line),
    ("makers", &["line_no", "user_id"], Of::Line),
    ("artifacts", &["cycle_id", "report_id", "phase", "number"], Of::Workflow),
    ("sign_offs", &["line_no", "number", "sign_off_no", "sign_off_id"], Of::Line),
    ("remediations", &["line_no", "item_no", "revision"], Of::Line),
    ("final_documents", &["line_no", "number"], Of::Line),
];
const AUDIT: [(&str, &[&str], Of); 9] = [
    ("history", &["cycle_id", "report_id", "record_no", "id"], Of::Workflow),
    ("assignments", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("test_plans", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("test_cases", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("submissions", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("executions", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("actions", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("records", &["cycle_id", "report_id", "id"], Of::Workflow),
    ("lanes", &["cycle_id", "report_id", "lob_id"], Of::Workflow),
];
const GATEWAY: [(&str, &[&str], Of); 3] = [
    ("workflows", &["cycle_id", "report_id"], Of::Workflow),
    ("members", &["cycle_id", "report_id", "number"], Of::Workflow),
    ("lobs", &["lob_id"], Of::House),
];

/// What no record speaks of, column by column: derived for speed, read by nobody, or where a record stands
/// in the feed.
pub(super) const SILENT: [(&str, &[&str]); 6] = [
    ("trail", &["epoch", "txid"]),
    ("closed_workflows", &["txid"]),
    ("lines", &["line_id", "items_while_submitted", "self_approval", "recorded_at"]),
    ("items", &["counted", "previous_version"]),
    ("modifications", &["counted"]),
    ("history", &["history_id"]),
];

/// Takes the triggers away from a service's tables, and keeps a copy of each.
pub(super) async fn read(superuser: &mut PgConnection, service: &str) -> Vec<Table> {
    sqlx::raw_sql(
        "create schema kept; set session_replication_role = replica; set timezone = 'UTC'",
    )
    .execute(&mut *superuser)
    .await
    .unwrap();
    let own: &[_] = match service {
        "versioning" => &VERSIONING,
        "audit" => &AUDIT,
        _ => &GATEWAY,
    };
    let mut tables = Vec::new();
    for (name, key, of) in LEDGER.iter().chain(own) {
        let sql = format!(
            "alter table {name} disable trigger all; create table kept.{name} as table {name}"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *superuser).await.unwrap();
        let (columns, rows) = (columns(superuser, name).await, rows(superuser, name, *of).await);
        tables.push(Table { name, key, of: *of, columns, rows });
    }
    tables
}

async fn columns(superuser: &mut PgConnection, table: &str) -> Vec<Column> {
    sqlx::query(
        "select column_name, udt_name, array(
             select distinct word[1] from pg_constraint c,
                 regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') as word
             where c.conrelid = table_name::regclass and c.contype = 'c'
                 and pg_get_constraintdef(c.oid) ~ ('\\m' || column_name || '\\M')) as words
         from information_schema.columns
         where table_schema = 'public' and table_name = $1 order by ordinal_position",
    )
    .bind(table)
    .fetch_all(superuser)
    .await
    .unwrap()
    .iter()
    .map(|row| Column { name: row.get(0), kind: row.get(1), words: row.get(2) })
    .collect()
}

async fn rows(superuser: &mut PgConnection, table: &str, of: Of) -> Vec<Row> {
    let sql = match of {
        Of::Workflow => format!("select t::text, to_jsonb(t), cycle_id, report_id from {table} t"),
        Of::Line => format!(
            "select t::text, to_jsonb(t), l.cycle_id, l.report_id
             from {table} t join lines l using (line_no)"
        ),
        Of::House => format!(
            "select t::text, to_jsonb(t), id, id
             from {table} t, (values ('00000000-0000-0000-0000-000000000000'::uuid)) as house (id)"
        ),
    };
    sqlx::query(AssertSqlSafe(format!("{sql} order by to_jsonb(t)")))
        .fetch_all(superuser)
        .await
        .unwrap()
        .iter()
        .map(|row| Row {
            text: row.get(0),
            json: row.get(1),
            workflow: Workflow { cycle_id: row.get(2), report_id: row.get(3) },
        })
        .collect()
}

impl Table {
    /// Whether some record tells of a column.
    pub(super) fn is_told(&self, column: &str) -> bool {
        !SILENT.iter().any(|(table, columns)| *table == self.name && columns.contains(&column))
    }

    /// Rows of one workflow, in the order of their keys.
    pub(super) fn of(&self, workflow: Workflow) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.workflow == workflow).collect();
        rows.sort_by_key(|row| {
            let number = |column: &&'static str| row.json[*column].as_i64();
            self.key.iter().map(number).collect::<Vec<_>>()
        });
        rows
    }

    /// The condition that a row is of the workflow whose ids are `$1` and `$2`.
    pub(super) fn of_workflow(&self) -> &'static str {
        match self.of {
            Of::Workflow => "cycle_id = $1 and report_id = $2",
            Of::Line => {
                "line_no in (select line_no from lines where cycle_id = $1 and report_id = $2)"
            }
            Of::House => "$1::uuid = $2::uuid",
        }
    }

    /// What a forged copy of a row has otherwise, so that the keys of the table let it in; nothing where it
    /// cannot be one of the same workflow.
    pub(super) fn forged(&self, row: &Row, rng: &mut ChaCha8Rng) -> Option<Value> {
        let id = Uuid::from_u128(rng.random());
        Some(match self.name {
            "lines" => serde_json::json!({"phase": "forged", "line_id": id, "line_no": 900_000}),
            "versions" => serde_json::json!({"number": 900, "version_id": id}),
            "items" if row.int("rev") == 1 => {
                serde_json::json!({"item_no": 9_000, "item_key": "forged"})
            }
            "items" => serde_json::json!({"rev": 900}),
            "modifications" => serde_json::json!({"modification_no": 900}),
            "rulings" => serde_json::json!({"seq": 900, "to_version": 900}),
            "makers" => serde_json::json!({"user_id": 9_000}),
            "artifacts" => {
                serde_json::json!({"number": 900, "superseded_at": row.json["approved_at"]})
            }
            // One that counts for nothing: of those that do, there is one for each role.
            "sign_offs" => serde_json::json!({
                "sign_off_no": 900, "sign_off_id": id, "status": "voided", "void_reason": "forged",
                "voided_at": row.json["requested_at"],
            }),
            "remediations" => serde_json::json!({"revision": 900}),
            "final_documents" | "members" => serde_json::json!({"number": 900}),
            "phase_gates" => serde_json::json!({"phase": "forged"}),
            "phase_holds" => serde_json::json!({"holder": "forged"}),
            "history" if row.int("revision") == 1 => serde_json::json!({"id": id}),
            "assignments" => serde_json::json!({"id": id, "lob_id": Uuid::from_u128(rng.random())}),
            "test_plans" | "executions" => serde_json::json!({"id": id, "number": 900}),
            "test_cases" => serde_json::json!({"id": id, "sample_item_key": "forged"}),
            "submissions" if row.text("submission_type") == "initial" => {
                serde_json::json!({"id": id, "chain_id": id, "main_chain_id": id})
            }
            "actions" | "records" => serde_json::json!({"id": id}),
            "lanes" | "lobs" => serde_json::json!({"lob_id": id}),
            _ => return None,
        })
    }
}

impl Column {
    /// What the column could be set to instead, as SQL over the row: some of it may be refused by checks.
    pub(super) fn other(&self, is_null: bool, rng: &mut ChaCha8Rng) -> String {
        let name = &self.name;
        let by = [1_i64, -1, 7, 1000].choose(rng).unwrap();
        let (other, instead_of_null) = match self.kind.as_str() {
            "text" => {
                let word = self.words.choose(rng).map_or("forged", String::as_str);
                let longer = self.words.is_empty().then(|| format!("{name} || 'x'"));
                (longer.unwrap_or_else(|| format!("'{word}'")), format!("'{word}'"))
            }
            "int2" | "int4" | "int8" => (format!("{name} + ({by})"), "1".to_owned()),
            "uuid" => {
                let id = format!("'{}'::uuid", Uuid::from_u128(rng.random()));
                (id.clone(), id)
            }
            "timestamptz" => {
                let seconds = [1, -1, 86_400].choose(rng).unwrap();
                (format!("{name} + interval '{seconds} seconds'"), "now()".to_owned())
            }
            "date" => (format!("{name} + 1"), "'2030-01-01'".to_owned()),
            "bool" => (format!("not {name}"), "true".to_owned()),
            "bytea" => {
                let place: u32 = rng.random_range(0..1 << 16);
                let at = format!("{place} % octet_length({name})");
                let byte = format!("(get_byte({name}, {at}) + 1) % 256");
                (format!("set_byte({name}, {at}, {byte})"), "sha256('x')".to_owned())
            }
            "jsonb" => {
                let object = "'{\"forged\": 1}'::jsonb";
                let other = format!(
                    "case jsonb_typeof({name}) when 'object' then {name} || {object} else '[]' end"
                );
                (other, object.to_owned())
            }
            "_int8" => (format!("{name} || 99::bigint"), "'{99}'".to_owned()),
            "_text" => (format!("{name} || 'test_lead'::text"), "'{test_lead}'".to_owned()),
            other => panic!("{name} is {other}"),
        };
        if is_null { instead_of_null } else { other }
    }
}
