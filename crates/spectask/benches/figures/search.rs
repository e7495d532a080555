//! Searching 10,000 tasks with 1,000,000 entries, on both databases, beside a plain scan of the same rows by LIKE.

use crate::filled::{self, Numbers, OWNER, size};
use crate::{ms, quantile};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use std::time::{Duration, Instant};
use store::{Query, SearchFilter, Store};

const ROUNDS: usize = 200;
const SCANS: usize = 3;
const NOW: i64 = 1_800_000_000_000;
const SCHEMA: &str = "spectask_bench_search";
/// What somebody types.
type Typed = fn(&mut Numbers) -> String;
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) async fn print() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let store = Store::open(&url).await.expect("a database");
    sqlx::any::install_default_drivers();
    let mut beside = AnyConnection::connect(&url).await.expect("the database answers");
    let bytes = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
    measure("SQLite", &store, &mut beside, bytes).await;
    store.close().await;

    let url = std::env::var("SPECTASK_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".to_owned());
    let Ok(mut beside) = AnyConnection::connect(&url).await else {
        println!("search: PostgreSQL does not answer at {url}; SPECTASK_TEST_POSTGRES names another one");
        return;
    };
    let drop = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
    run(&mut beside, &drop).await;
    let store = Store::open_in_schema(&url, Some(SCHEMA)).await.expect("a database");
    run(&mut beside, &format!("SET search_path = {SCHEMA}")).await;
    let bytes = "SELECT CAST(SUM(pg_total_relation_size(c.oid)) AS BIGINT) AS bytes FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'spectask_bench_search'";
    measure("PostgreSQL", &store, &mut beside, bytes).await;
    store.close().await;
    run(&mut beside, &drop).await;
}

async fn measure(name: &str, store: &Store, beside: &mut AnyConnection, bytes: &str) {
    let tasks = size("SPECTASK_BENCH_TASKS", 10_000);
    let entries = size("SPECTASK_BENCH_ENTRIES", 1_000_000);
    filled::begin(store, 10).await;
    let mut text = 0;
    for number in 0..tasks {
        let (task, bytes) = filled::task(number, 10, entries / tasks.max(1), NOW);
        text += bytes;
        store.put_rebuilt(task).await.expect("saved");
    }
    let before = number_of(beside, bytes).await;
    let begun = Instant::now();
    filled::index(store).await;
    let took = begun.elapsed();
    let grew = number_of(beside, bytes).await - before;
    let text = float(text) / MIB;
    println!(
        "search on {name}: {entries} entries, {text:.0} MiB of text, indexed in {:.1} s ({:.1} MiB/s); the index has {:.2} MiB for each MiB of text",
        took.as_secs_f64(),
        text / took.as_secs_f64(),
        grew / MIB / text
    );
    let mut scans = Vec::new();
    for _ in 0..SCANS {
        let begun = Instant::now();
        number_of(beside, "SELECT COUNT(*) AS bytes FROM session_log WHERE entry LIKE '%word19999%'").await;
        scans.push(begun.elapsed());
    }
    let scan = quantile(&mut scans, 0.5);
    let mut random = Numbers(7);
    let kinds: [(&str, Typed); 4] = [
        ("rare word", |random| format!("word{}", 2_000 + random.next(18_000))),
        ("common word", |random| format!("word{}", 3 + random.next(2))),
        ("two words and a beginning", |random| format!("{} {} read*", random.word(), random.word())),
        ("path", |random| format!("src/part{}/m{}", random.next(50), random.next(2_000))),
    ];
    for (kind, query) in kinds {
        let mut times: Vec<Duration> = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let filter = SearchFilter {
                owner: OWNER.into(),
                query: Query::parse(&query(&mut random)),
                source: None,
                project: None,
                task: None,
                archived: false,
                limit: 20,
                after: None,
            };
            let begun = Instant::now();
            let answer = store.search(&filter).await.expect("an answer");
            times.push(begun.elapsed());
            found += usize::from(answer.total > 0);
        }
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!(
            "search on {name}, {kind}: p50 {:.1} ms, p99 {:.1} ms, {found} of {ROUNDS} found something; a LIKE scan {:.0} ms (p50 is 1/{:.0} of it)",
            ms(p50),
            ms(p99),
            ms(scan),
            scan.as_secs_f64() / p50.as_secs_f64()
        );
    }
}

async fn run(beside: &mut AnyConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(beside).await.expect("the database answers");
}

async fn number_of(beside: &mut AnyConnection, sql: &str) -> f64 {
    let row: AnyRow = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(beside).await.expect("a row");
    let number: i64 = row.get("bytes");
    float(usize::try_from(number).unwrap_or(0))
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn float(many: usize) -> f64 {
    many as f64
}
