//! How far the record reaches, and filling a fresh database from it.

use crate::contract::{admitted, create};
use crate::database::on_both;
use serde_json::json;
use store::{RebuiltTask, Recorded, SessionRun, Store};
use workflow::{Millis, ShortId, Task};

/// Everything a task has in a database, as its record gives it back.
async fn taken_out(store: &Store, task: &Task) -> RebuiltTask {
    let mut logs = Vec::new();
    for session in &task.sessions {
        logs.push((session.id.clone(), store.read_log(&session.id, 0, 100).await.expect("read")));
    }
    let run = SessionRun { agent_sessions: vec!["a1".to_owned()], ..SessionRun::default() };
    RebuiltTask {
        task: task.clone(),
        events: store.task_events(&task.id, 0, 100).await.expect("read"),
        logs,
        revisions: Vec::new(),
        runs: task.sessions.iter().map(|session| (session.id.clone(), run.clone())).collect(),
        instance: None,
        next: None,
    }
}

on_both! {
    /// What is new is known until it is recorded, and again when something is added.
    async fn what_is_not_recorded_is_known(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let session = task.sessions[0].id.clone();
        let behind = store.unrecorded().await.expect("read");
        assert_eq!(behind.len(), 1);
        assert_eq!((&behind[0].task, behind[0].since), (&task.id, task.created_at));
        let recorded = Recorded {
            attachments: Vec::new(),
            task: task.id.clone(),
            at: Millis(7),
            commit: "c1".to_owned(),
            events: store.last_event(&task.id).await.expect("read"),
            logs: vec![(session.clone(), store.log_tail(&session).await.expect("read"))],
        };
        store.put_recorded(recorded.clone()).await.expect("saved");
        assert!(store.unrecorded().await.expect("read").is_empty());
        assert!(!store.is_unrecorded(&task.id).await.expect("read"));
        assert_eq!(store.recorded(&task.id).await.expect("read"), Some((Millis(7), "c1".to_owned())));
        assert_eq!(store.recorded_log(&session).await.expect("read"), recorded.logs[0].1);
        store.append_log(&session, Millis(8), vec![json!({ "kind": "notice" }).into()]).await.expect("saved");
        let behind = store.unrecorded().await.expect("read");
        assert_eq!(behind.iter().map(|one| one.since).collect::<Vec<_>>(), [Millis(7)]);
        store.forget_recorded(&task.project).await.expect("saved");
        assert_eq!(store.recorded(&task.id).await.expect("read"), None);
        assert_eq!(store.recorded_log(&session).await.expect("read"), 0);
    }

    /// A task that was taken out and put in is the same, and its numbers go on where they were.
    async fn a_task_is_put_in_as_it_was(place: &Place) {
        let store = place.open().await;
        let mut task = admitted(&store, 1).await;
        assert!(!store.begin_rebuild().await.expect("read"), "a database in use is left alone");
        let rebuilt = taken_out(&store, &task).await;
        let other = crate::database::Place::new(place.kind());
        let fresh = other.open().await;
        assert!(fresh.begin_rebuild().await.expect("read"));
        assert!(fresh.is_being_rebuilt().await.expect("read"));
        let (session, rows) = rebuilt.logs[0].clone();
        for _ in ["interrupted", "again"] {
            fresh.clear_rebuilt_log(&session).await.expect("saved");
            for row in &rows {
                fresh.put_rebuilt_log(&session, vec![row.clone()]).await.expect("saved");
            }
        }
        let without_logs = RebuiltTask { logs: Vec::new(), ..rebuilt.clone() };
        assert!(fresh.put_rebuilt(without_logs).await.expect("saved"));
        assert!(fresh.begin_rebuild().await.expect("read"), "an interrupted one goes on");
        assert!(!fresh.put_rebuilt(rebuilt.clone()).await.expect("saved"), "what is there stays");
        fresh.end_rebuild().await.expect("saved");
        assert!(!fresh.is_being_rebuilt().await.expect("read"));
        task.short_id = Some(ShortId::new("SPEC", 1));
        assert_eq!(fresh.task(&task.id).await.expect("read"), Some(task.clone()));
        assert_eq!(fresh.task_events(&task.id, 0, 100).await.expect("read"), rebuilt.events);
        let session = &task.sessions[0].id;
        assert_eq!(fresh.read_log(session, 0, 100).await.expect("read"), rebuilt.logs[0].1);
        assert_eq!(fresh.task_of_session(session).await.expect("read"), Some(task.id.clone()));
        let run = fresh.session_run(session).await.expect("read").expect("a run");
        assert_eq!(run.agent_sessions, ["a1"]);
        let added = fresh.append_log(session, Millis(9), vec![json!({ "kind": "notice" }).into()]).await.expect("saved");
        assert_eq!(added[0].seq, rebuilt.logs[0].1.len() as u64 + 1);
        create(&fresh, 2, false).await;
        other.remove().await;
    }
}
