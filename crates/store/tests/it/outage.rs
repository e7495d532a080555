//! PostgreSQL goes away in mid-work: requests fail or wait, nothing is lost or doubled, and writing resumes by itself.

use crate::contract::{admitted, create};
use crate::database::{Kind, Place};
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use store::{Fault, Lease, Store, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use workflow::{Millis, SessionId};

/// What the proxy does to its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Clear,
    /// Every packet comes late.
    Slow,
    /// Connections are cut, and none is accepted.
    Cut,
    /// The database's side is closed, the client's stays open.
    HalfClosed,
    /// A connection is cut when its client asked for a commit, before the answer comes.
    CommitLost,
}

/// Stands between a store and PostgreSQL.
struct Proxy {
    url: String,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    async fn before(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (authority, database) = rest.split_once('/').expect("a database");
        let (user, host) = authority.rsplit_once('@').unwrap_or(("postgres", authority));
        let target = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (weather, seen) = watch::channel(Weather::Clear);
        tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                if *seen.borrow() == Weather::Cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&target).await else { continue };
                tokio::spawn(carry(client, server, seen.clone()));
            }
        });
        // What is asked is read on its way, so it is not encrypted.
        Self { url: format!("{scheme}://{user}@{address}/{database}?sslmode=disable"), weather }
    }

    fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Carries bytes both ways until the weather or an end stops it.
async fn carry(mut client: TcpStream, mut server: TcpStream, mut weather: watch::Receiver<Weather>) {
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let now = *weather.borrow_and_update();
        match now {
            Weather::Cut => return,
            Weather::HalfClosed => {
                // Nothing more is sent to the client, who may go on sending.
                let _ = client.shutdown().await;
                while client.read(&mut from_client).await.is_ok_and(|read| read > 0) {}
                return;
            }
            Weather::Slow => tokio::time::sleep(Duration::from_millis(15)).await,
            Weather::Clear | Weather::CommitLost => {}
        }
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                let asked = &from_client[..read];
                if server.write_all(asked).await.is_err() {
                    return;
                }
                if now == Weather::CommitLost && asked.windows(6).any(|word| word == b"COMMIT") {
                    // The database answers, and the answer goes nowhere.
                    let _ = server.read(&mut from_server).await;
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                if client.write_all(&from_server[..read]).await.is_err() {
                    return;
                }
            }
            _ = weather.changed() => {}
        }
    }
}

/// Waits until a write succeeds again.
async fn wait_until_writable(store: &Store, session: &SessionId) {
    let begun = std::time::Instant::now();
    while let Err(error) = store.append_log(session, Millis(1), vec![json!({ "kind": "probe" }).into()]).await
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written any more: {error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_too_many_connections_says_so() {
    let place = Place::new(Kind::Postgres);
    let role = format!("spectask_full_{}", std::process::id());
    place.sql(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")).await;
    let (scheme, rest) =
        place.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a URL");
    let host = rest.rsplit_once('@').map_or(rest.as_str(), |(_, host)| host);
    let opened = Store::open(&format!("{scheme}://{role}@{host}")).await;
    place.sql(&format!("DROP ROLE {role}")).await;
    let Err(store::OpenError::Connect(error)) = opened else { panic!("it was opened") };
    assert!(error.to_string().contains("too many connections"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_connections_lose_and_double_nothing() {
    let place = Place::new(Kind::Postgres);
    place.open().await.close().await;
    let name = format!("outage_{}", std::process::id());
    let store = place.open_at(&format!("{}?application_name={name}", place.url())).await;
    let killing = Arc::new(AtomicBool::new(true));
    let kills = Arc::new(AtomicU32::new(0));
    let killer = tokio::spawn({
        let (killing, kills, url) = (killing.clone(), kills.clone(), place.url());
        async move {
            let mut admin = PgConnection::connect(&url).await.expect("the database answers");
            let sql = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
            );
            while killing.load(Ordering::Relaxed) {
                let ended = sqlx::raw_sql(AssertSqlSafe(&*sql)).execute(&mut admin).await;
                ended.expect("it may end its own connections");
                kills.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(120)).await;
            }
        }
    });
    let writers = (0..4_u32).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let session = SessionId(format!("stws_{writer}"));
            let mut unconfirmed = 0;
            for number in 0..40_u32 {
                let entry = json!({ "number": number });
                while let Err(error) = store.append_log(&session, Millis(1), vec![entry.clone().into()]).await
                {
                    assert_eq!(error.fault(), Some(Fault::Unavailable), "{error:?}");
                    unconfirmed += usize::from(is_unconfirmed(&error));
                }
            }
            (session, unconfirmed)
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        let (session, unconfirmed) = writer.await.expect("no panic");
        let rows = store_rows(&store, &session).await;
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in &rows {
            *times.entry(entry["number"].as_u64().expect("a number")).or_default() += 1;
        }
        assert_eq!(times.len(), 40, "what was acknowledged is there");
        assert!(rows.len() <= 40 + unconfirmed, "only what was not confirmed may be there again");
    }
    killing.store(false, Ordering::Relaxed);
    killer.await.expect("no panic");
    assert!(kills.load(Ordering::Relaxed) > 1, "connections were ended");
    store.close().await;
    place.remove().await;
}

fn is_unconfirmed(error: &StoreError) -> bool {
    match error {
        StoreError::Unconfirmed(_) => true,
        StoreError::NotCommitted(cause) => is_unconfirmed(cause),
        _ => false,
    }
}

/// A session's entries, whose numbers have no gaps.
async fn store_rows(store: &Store, session: &SessionId) -> Vec<serde_json::Value> {
    let begun = std::time::Instant::now();
    let rows = loop {
        match store.read_log(session, 0, 1_000).await {
            Ok(rows) => break rows,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error:?}"),
        }
    };
    let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gap and no double");
    rows.into_iter().map(|row| row.entry.into()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_connection_is_replaced_and_a_lost_commit_is_not_doubled() {
    let place = Place::new(Kind::Postgres);
    let proxy = Proxy::before(&place.url()).await;
    let store = place.open_at(&proxy.url).await;
    let session = SessionId::from("stws_1");
    let mut number = 1;
    for weather in [Weather::Slow, Weather::Cut, Weather::HalfClosed] {
        proxy.set(weather);
        let written = store.append_log(&session, Millis(1), vec![json!({ "kind": "notice" }).into()]).await;
        match weather {
            Weather::Slow => drop(written.expect("late, but written")),
            _ => assert_eq!(written.expect_err("cut off").fault(), Some(Fault::Unavailable), "{weather:?}"),
        }
        proxy.set(Weather::Clear);
        wait_until_writable(&store, &session).await;
        // A task that was acknowledged is there, through whatever connection it is read.
        let task = create(&store, number, false).await;
        assert_eq!(store.task(&task.id).await.expect("read"), Some(task));
        number += 1;
    }

    // The commit is made and its answer is lost: the store says that it does not know.
    let task = admitted(&store, number).await;
    proxy.set(Weather::CommitLost);
    let lease = Lease { worker: "one".to_owned(), now: Millis(2_000), until: Millis(3_000) };
    let claimed = store.claim_effects(lease, 10).await;
    assert!(matches!(claimed, Err(StoreError::Unconfirmed(_))), "{claimed:?}");
    proxy.set(Weather::Clear);
    wait_until_writable(&store, &session).await;
    let lease = Lease { worker: "one".to_owned(), now: Millis(2_500), until: Millis(3_500) };
    assert!(store.claim_effects(lease, 10).await.expect("read").is_empty(), "it is claimed already");
    let found = store.claims_until("one", Millis(3_000)).await.expect("read");
    assert_eq!(found.len(), 1, "the claim that nobody knows of is found: {task:#?}");
    assert!(store.reclaim_effect(&found[0].fence(), Millis(9_000)).await.expect("written"));
    assert!(!store.finish_effect(&found[0].fence()).await.expect("written"), "the lost claim cannot report");
    assert!(store.claims_until("one", Millis(3_000)).await.expect("read").is_empty());

    // What is asked for again after a lost commit is there once.
    proxy.set(Weather::CommitLost);
    let lost = crate::contract::try_create(&store, 90).await;
    assert!(matches!(lost, Err(StoreError::Unconfirmed(_))), "{lost:?}");
    proxy.set(Weather::Clear);
    wait_until_writable(&store, &session).await;
    let again = crate::contract::try_create(&store, 90).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    store.close().await;
    place.remove().await;
}
