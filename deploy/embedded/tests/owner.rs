//! What happens to a cluster when the process that owns it goes, and as another user.
//!
//! The owner is this test program itself, started again with one of its tests (`owner`) that does
//! nothing unless a variable tells it to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod helper;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use helper::{kill, query_one, until};
use signoff_embedded::{Cluster, Options};

const ROLE: &str = "SIGNOFF_TEST_OWNER_OF";

/// The owner's part: opens what the variable names, tells about it, and stays.
#[tokio::test]
async fn owner() {
    let Ok(what) = std::env::var(ROLE) else {
        return;
    };
    let cluster = match what.as_str() {
        "temporary" => Cluster::temporary().await.unwrap(),
        path => {
            println!("OPENING");
            Cluster::open(path, Options::default()).await.unwrap()
        }
    };
    let answer = query_one(&cluster, "SELECT 'answered'").await;
    let folder = cluster.folder().display();
    println!("OWNER {answer} {} {} {folder}", cluster.port(), cluster.pid().unwrap());
    std::future::pending::<()>().await;
}

struct Owner {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

struct Owned {
    port: u16,
    server: u32,
    folder: PathBuf,
}

impl Owner {
    fn start(program: &Path, what: &str, uid: Option<u32>) -> Self {
        let mut command = Command::new(program);
        command
            .args(["--exact", "owner", "--nocapture"])
            .env(ROLE, what)
            .env("TMPDIR", "/tmp")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid).current_dir("/");
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn wait_for(&mut self, word: &str) -> String {
        self.lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.split_once(word).map(|(_, rest)| rest.trim().to_owned()))
            .expect("the owner ended early")
    }

    fn owned(&mut self) -> Owned {
        let line = self.wait_for("OWNER answered");
        let fields: Vec<&str> = line.splitn(3, ' ').collect();
        Owned {
            port: fields[0].parse().unwrap(),
            server: fields[1].parse().unwrap(),
            folder: fields[2].into(),
        }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

async fn gone(owned: &Owned) {
    until("the port is closed", || TcpStream::connect(("127.0.0.1", owned.port)).is_err()).await;
    // A dead process that nobody has reaped yet has no command line any more.
    let command_line = format!("/proc/{}/cmdline", owned.server);
    until("the server is gone", || fs::read(&command_line).unwrap_or_default().is_empty()).await;
}

fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_killed_owner_takes_its_temporary_cluster_along() {
    let mut owner = Owner::start(&this_program(), "temporary", None);
    let owned = owner.owned();
    owner.kill();
    gone(&owned).await;
    until("the folder is gone", || !owned.folder.exists()).await;
}

#[tokio::test]
async fn a_killed_owner_and_guard_still_take_the_server_along() {
    let mut owner = Owner::start(&this_program(), "temporary", None);
    let owned = owner.owned();
    let status = fs::read_to_string(format!("/proc/{}/status", owned.server)).unwrap();
    let guard = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim();
    kill(guard.parse().unwrap(), "KILL");
    owner.kill();
    gone(&owned).await;
    fs::remove_dir_all(&owned.folder).unwrap();
}

#[tokio::test]
async fn ctrl_c_does_not_reach_the_server_before_its_owner() {
    let mut owner = Owner::start(&this_program(), "temporary", None);
    let owned = owner.owned();
    let group = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let rest = stat.rsplit(')').next().unwrap().to_owned();
        rest.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_ne!(group(owned.server), group(owner.process.id()));
    owner.kill();
    gone(&owned).await;
}

#[tokio::test]
async fn a_killed_owners_cluster_opens_again() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let mut owner = Owner::start(&this_program(), path.to_str().unwrap(), None);
    let owned = owner.owned();
    owner.kill();
    let cluster = Cluster::open(&path, Options::default()).await.unwrap();
    assert_ne!(cluster.pid().unwrap(), owned.server);
    assert_eq!(query_one(&cluster, "SELECT 'again'").await, "again");
}

#[tokio::test]
async fn an_owner_killed_while_making_leaves_a_folder_that_opens() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let mut owner = Owner::start(&this_program(), path.to_str().unwrap(), None);
    owner.wait_for("OPENING");
    until("a cluster is being made", || path.join("making/PG_VERSION").exists()).await;
    owner.kill();
    let cluster = Cluster::open(&path, Options::default()).await.unwrap();
    assert_eq!(query_one(&cluster, "SELECT 'made'").await, "made");
}

#[tokio::test]
async fn an_ordinary_user_has_clusters_too() {
    // Only root can become somebody else; for an ordinary user every other test shows this.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let outer = open_folder();
    // The build's folder may be closed to others.
    let program = outer.path().join("program");
    fs::copy(this_program(), &program).unwrap();
    let home = outer.path().join("home");
    fs::create_dir(&home).unwrap();
    let uid = 65_534;
    std::os::unix::fs::chown(&home, Some(uid), Some(uid)).unwrap();

    let mut temporary = Owner::start(&program, "temporary", Some(uid));
    let path = home.join("database");
    let mut persistent = Owner::start(&program, path.to_str().unwrap(), Some(uid));
    let (first, second) = (temporary.owned(), persistent.owned());
    for owned in [&first, &second] {
        assert_eq!(fs::metadata(format!("/proc/{}", owned.server)).unwrap().uid(), uid);
    }
    temporary.kill();
    persistent.kill();
    gone(&first).await;
    gone(&second).await;
    until("the folder is gone", || !first.folder.exists()).await;

    // Root opens it as its owner, and leaves it to its owner.
    let cluster = Cluster::open(&path, Options::default()).await.unwrap();
    let server = cluster.pid().unwrap();
    assert_eq!(fs::metadata(format!("/proc/{server}")).unwrap().uid(), uid);
    cluster.stop().await.unwrap();
    drop(cluster);
    let mut again = Owner::start(&program, path.to_str().unwrap(), Some(uid));
    let third = again.owned();
    again.kill();
    gone(&third).await;
}

#[tokio::test]
async fn root_is_told_which_folder_blocks() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let closed = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = closed.path().join("inner/database");
    let refused = Cluster::open(&path, Options::default()).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("cannot enter {}", closed.path().display())), "{refused}");
}
