//! Services say that they are not ready when their database has gone, and no more than that.

use std::net::{Ipv4Addr, SocketAddr};

use signoff_audit::commands::Engine as Audit;
use signoff_backend::serve::{Served as _, Service};
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_embedded::Cluster;
use signoff_gateway::{GatewayArgs, Service as Gateway};
use signoff_ledger::with_ledger;
use signoff_tests::plain::get;
use signoff_tests::wait::until;
use signoff_tests::{database, world};
use tokio_util::sync::CancellationToken;

const FREE: Option<SocketAddr> =
    Some(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0));

async fn audit(cluster: &Cluster, folder: &std::path::Path) -> Service<Audit> {
    let (urls, _) = database::fresh_in::<Audit>(cluster).await;
    let mut args = world::serve_args(&urls, folder.join("jwks.json"), ());
    args.server.monitor.http_listen = FREE;
    Service::prepare(args).await.unwrap()
}

async fn gateway(cluster: &Cluster, folder: &std::path::Path) -> Gateway {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        gateway: GatewayArgs,
    }

    let migrations = with_ledger(signoff_gateway::migrations());
    let (urls, _) = database::fresh_for(cluster, "gateway", migrations).await;
    let jwks = folder.join("jwks.json").display().to_string();
    let key = folder.join("gateway.key").display().to_string();
    let line = ["gateway", "--listen=127.0.0.1:0", "--database-url=x"].map(str::to_owned);
    let more = [
        format!("--oidc-jwks={jwks}"),
        format!("--gateway-key={key}"),
        "--oidc-issuer=x".to_owned(),
        "--versioning-url=http://127.0.0.1:1".to_owned(),
        "--audit-url=http://127.0.0.1:1".to_owned(),
        "--metrics-url=http://127.0.0.1:1".to_owned(),
    ];
    let cli: Cli = clap::Parser::try_parse_from(line.into_iter().chain(more)).unwrap();
    let mut args = cli.gateway;
    args.database.database_url = urls.service;
    args.monitor.http_listen = FREE;
    Gateway::prepare(args).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_its_database_is_alive_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate().unwrap();
    Jwks::of([&key]).save(&folder.path().join("jwks.json")).unwrap();
    key.save(&folder.path().join("gateway.key")).unwrap();
    let cluster = Cluster::temporary().await.unwrap();
    let (audit, gateway) =
        (audit(&cluster, folder.path()).await, gateway(&cluster, folder.path()).await);
    let watched = [
        (Audit::SOURCE.name(), audit.monitored_at().unwrap()),
        ("gateway", gateway.monitored_at().unwrap()),
    ];
    let shutdown = CancellationToken::new();
    let running =
        [tokio::spawn(audit.run(shutdown.clone())), tokio::spawn(gateway.run(shutdown.clone()))];

    for (service, address) in watched {
        assert_eq!(get(address, "/health/ready").await, (200, "ready\n".to_owned()), "{service}");
        let (status, text) = get(address, "/metrics").await;
        assert_eq!(status, 200);
        for line in [
            format!("signoff_db_pool_connections_max{{service=\"{service}\"}} 6\n"),
            format!("signoff_db_pool_connections{{service=\"{service}\",state=\"idle\"}} "),
            format!("signoff_db_pool_connections{{service=\"{service}\",state=\"used\"}} "),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }

    cluster.stop().await.unwrap();
    for (service, address) in watched {
        let gone = until("the database is missed", || async {
            let answer = get(address, "/health/ready").await;
            (answer.0 != 200).then_some(answer)
        });
        let expected = (503, "not ready: the database does not answer\n".to_owned());
        assert_eq!(gone.await, expected, "{service}");
        assert_eq!(get(address, "/health/live").await.0, 200);
        assert_eq!(get(address, "/metrics").await.0, 200, "numbers are still there");
    }
    shutdown.cancel();
    for ended in running {
        ended.await.unwrap().unwrap();
    }
}
