//! Output that is no protocol, or too much of it.

use crate::harness::{in_time, place, start};
use agent::{AgentEvent, Launch, Update};

/// The most memory this process ever held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn noise_and_an_endless_line_cost_little_and_change_nothing() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [
            { noise = "Debugger attached." },
            { noise = "{\"jsonrpc\":\"2.0\"}" },
            { noise = "[1, 2" },
            { flood_bytes = 67108864 },
            { say = "Still here." },
        ]"#,
    );
    let launch = Launch { max_line_bytes: 1024 * 1024, ..place.launch() };
    let mut agent = start(launch, 100).await;
    let session = agent.session(&place.folder("work")).await;
    let before = peak();
    assert_eq!(agent.take(&session, "1").await.unwrap().stop_reason, "end_turn");
    let grown = peak() - before;
    assert!(grown < 32 * 1024, "a line of 64 MiB cost {grown} KiB");
    let kinds: Vec<Update> = agent
        .reported()
        .into_iter()
        .map(|event| match event {
            AgentEvent::Update { session: of, kind, .. } if of == session => kind,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, [Update::Other("line_too_long".into()), Update::AgentText("Still here.".into())]);
    assert!(agent.process.stderr_tail().contains("[stdout] Debugger attached."));
    agent.process.stop().await;
}

#[tokio::test]
async fn a_burst_waits_for_whoever_reads_it() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ repeat = 3000, say = \"x\", every_ms = 0 }]");
    let mut agent = start(place.launch(), 1).await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    for _ in 0..3000 {
        assert_eq!(agent.heard().await, "x");
    }
    assert_eq!(in_time(turn).await.unwrap().unwrap().stop_reason, "end_turn");
    agent.process.stop().await;
}
