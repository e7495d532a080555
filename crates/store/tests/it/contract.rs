//! The promises that everything above the store is built on.

use crate::database::on_both;
use protocol::FeedMessage;
use protocol::LogEntry;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Advanced, BaseBranch, Claimed, FeedEntry, Lease, LogAppend, Outcome, Project, Store, TaskFilter,
};
use workflow::{
    Complexity, Context, Effect, Failure, FailureClass, Ids, Input, Millis, NewTask, Priority, ProjectId,
    Rejected, SessionId, ShortId, Task, TaskId, TaskKind, TaskStatus, UserId,
};

/// Identifiers that count up.
struct Counting(u32);

impl Ids for Counting {
    fn next(&mut self, prefix: &str) -> String {
        self.0 += 1;
        format!("{prefix}_{:026}", self.0)
    }
}

fn new_task(number: u32) -> NewTask {
    NewTask {
        id: TaskId(format!("spt_{number:026}")),
        project: ProjectId::from("prj_1"),
        owner: UserId::from(if number.is_multiple_of(2) { "usr_even" } else { "usr_odd" }),
        short_id: None,
        takes_title: false,
        name: format!("Task {number}"),
        description: String::new(),
        kind: TaskKind::Feature,
        priority: if number.is_multiple_of(3) { Priority::High } else { Priority::Low },
        complexity: Complexity::Complex,
        prompt: format!("Do thing {number} 100% well"),
        spec_agent: "a".to_owned(),
        implementation_agent: "b".to_owned(),
        base_branch: "main".to_owned(),
        labels: vec![format!("label{}", number % 2)],
        depends_on: Vec::new(),
        budget: None,
        workspace_config: None,
        agent_options: Vec::new(),
        max_parallel: 2,
        planned: true,
        isolation: workflow::Isolation::Worktree,
        config: None,
        template: None,
        opening_session: None,
    }
}

fn lease(worker: &str, now: i64, until: i64) -> Lease {
    Lease { worker: worker.to_owned(), now: Millis(now), until: Millis(until) }
}

pub(crate) fn entry(topic: &str, number: u32) -> FeedEntry {
    FeedEntry {
        topic: topic.to_owned(),
        message: FeedMessage::read("test", json!({ "number": number })).into(),
    }
}

fn outcome(step: workflow::Step) -> Outcome {
    let feed = vec![entry("fleet:x", 0), entry(&format!("task:{}", step.task.id), 0)];
    let logs = step
        .task
        .sessions
        .iter()
        .map(|session| LogAppend { session: session.id.clone(), entry: json!({ "kind": "test" }).into() })
        .collect();
    Outcome { step, feed, logs, deliveries: Vec::new() }
}

/// A project of the owner of tasks with odd numbers.
pub(crate) fn project(id: &str, name: &str) -> Project {
    Project {
        id: id.into(),
        owner: "usr_odd".into(),
        name: name.to_owned(),
        key: String::new(),
        repository_path: format!("/srv/{id}"),
        clone_url: None,
        default_branch: "main".to_owned(),
        settings: json!({}),
        created_at: Millis(1),
        updated_at: Millis(1),
    }
}

/// Creates a task of the project `prj_1` with a short id, which may fail.
pub(crate) async fn create_in(
    store: &Store,
    number: u32,
    short_id: Option<ShortId>,
) -> Result<Task, store::StoreError> {
    let mut ids = Counting(number * 1000);
    let mut context = Context { now: Millis(i64::from(number)), ids: &mut ids };
    let step = Task::create(NewTask { short_id, ..new_task(number) }, false, &mut context).expect("a task");
    Ok(store.create_task(outcome(step), None).await?.task)
}

/// Creates a task, which may fail.
pub(crate) async fn try_create(store: &Store, number: u32) -> Result<Task, store::StoreError> {
    let mut ids = Counting(number * 1000);
    let mut context = Context { now: Millis(i64::from(number)), ids: &mut ids };
    let step = Task::create(new_task(number), false, &mut context).expect("a task");
    Ok(store.create_task(outcome(step), None).await?.task)
}

pub(crate) async fn create(store: &Store, number: u32, start: bool) -> Task {
    let mut ids = Counting(number * 1000);
    let step =
        Task::create(new_task(number), start, &mut Context { now: Millis(i64::from(number)), ids: &mut ids });
    store.create_task(outcome(step.expect("a task")), None).await.expect("saved").task
}

pub(crate) async fn advance(store: &Store, task: &TaskId, seed: u32, input: Input) -> Advanced {
    let decide = move |task: &Task| {
        let mut ids = Counting(seed);
        task.handle(input.clone(), &mut Context { now: Millis(1_000), ids: &mut ids }).map(outcome)
    };
    store.advance(task, None, None, decide).await.expect("the database works")
}

/// A task whose planning has a place: one effect waits.
pub(crate) async fn admitted(store: &Store, number: u32) -> Task {
    let task = create(store, number, true).await;
    match advance(store, &task.id, number * 1000 + 500, Input::Admit).await {
        Advanced::Saved(saved) => saved.task,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn claim(store: &Store, worker: &str, now: i64) -> Vec<Claimed> {
    store.claim_effects(lease(worker, now, now + 100), 64).await.expect("the database works")
}

on_both! {
    /// A task, its events, effects, news and log entries are there together, and the log is the state.
    async fn a_step_is_saved_whole(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        assert_eq!(store.task(&task.id).await.expect("read"), Some(task.clone()));
        let events = store.task_events(&task.id, 0, 100).await.expect("read");
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=u64::try_from(events.len()).expect("few")).collect::<Vec<_>>());
        assert_eq!(store.last_event(&task.id).await.expect("read"), *numbers.last().expect("events"));
        let pending = store.pending_effects(&task.id).await.expect("read");
        assert_eq!(pending.len(), 1);
        let session = &task.sessions[0];
        assert_eq!(store.task_of_session(&session.id).await.expect("read"), Some(task.id.clone()));
        assert_eq!(store.session_of_helix(&session.helix_session).await.expect("read"), Some((task.id.clone(), session.id.clone())));
        assert!(store.log_tail(&session.id).await.expect("read") > 0);
        let topic = format!("task:{}", task.id);
        assert!(store.feed_place(std::slice::from_ref(&topic)).await.expect("read").positions[&topic] > 0);
    }

    /// What a decision refuses leaves nothing behind; what does not exist is said to.
    async fn a_refusal_changes_nothing(place: &Place) {
        let store = place.open().await;
        let task = create(&store, 1, false).await;
        let refused = advance(&store, &task.id, 1, Input::Admit).await;
        assert!(matches!(refused, Advanced::Rejected(Rejected::WrongState(_) | Rejected::Stale(_))), "{refused:?}");
        assert_eq!(store.task(&task.id).await.expect("read"), Some(task));
        assert!(matches!(advance(&store, &"spt_none".into(), 1, Input::Admit).await, Advanced::NotFound));
    }

    /// Tasks that are made to wait for each other at the same moment: one of the changes is refused.
    async fn dependencies_changed_at_once_form_no_cycle(place: &Place) {
        let store = place.open().await;
        let tasks = [create(&store, 1, false).await.id, create(&store, 2, false).await.id, create(&store, 3, false).await.id];
        let wait = |on: &TaskId| Input::Edit {
            edit: Box::new(workflow::TaskEdit { depends_on: Some(vec![on.clone()]), ..workflow::TaskEdit::default() }),
        };
        let changes = (0..3).map(|at| {
            let (store, task, input) = (store.clone(), tasks[at].clone(), wait(&tasks[(at + 1) % 3]));
            tokio::spawn(async move { advance(&store, &task, 7, input).await })
        });
        let answers: Vec<Advanced> = futures::future::join_all(changes).await.into_iter().map(Result::unwrap).collect();
        let saved = answers.iter().filter(|answer| matches!(answer, Advanced::Saved(_))).count();
        assert_eq!(saved, 2, "{answers:?}");
        let chain = answers.iter().find_map(|answer| match answer {
            Advanced::Rejected(Rejected::DependencyCycle { chain }) => Some(chain.clone()),
            _ => None,
        });
        let chain = chain.expect("the third is refused");
        assert_eq!((chain.len(), chain.first()), (4, chain.last()));
        assert!(matches!(advance(&store, &tasks[0], 8, wait(&tasks[0])).await, Advanced::Rejected(_)));
    }

    /// Many servers that claim at once never get the same effect.
    async fn concurrent_claimers_share_without_doubles(place: &Place) {
        let store = place.open().await;
        for number in 1..=40 {
            admitted(&store, number).await;
        }
        let mut workers = Vec::new();
        for worker in 0..8 {
            let store = place.open().await;
            workers.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..10 {
                    let claimed = store.claim_effects(lease(&format!("w{worker}"), 5_000, 9_000), 3).await;
                    mine.extend(claimed.expect("the database works").into_iter().map(|claimed| claimed.row.id));
                }
                mine
            }));
        }
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.expect("no panic"));
        }
        let distinct: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(distinct.len(), all.len(), "an effect was claimed twice");
        assert_eq!(distinct.len(), 40);
    }

    /// A claim holds for its lease; what comes after it has another number, and the late report is refused.
    async fn a_lost_lease_cannot_report(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let first = claim(&store, "one", 2_000).await.pop().expect("one effect");
        assert!(claim(&store, "two", 2_050).await.is_empty(), "the lease holds");
        assert!(store.renew_lease(&first.fence(), Millis(2_200)).await.expect("works"));
        assert!(claim(&store, "two", 2_150).await.is_empty(), "the renewed lease holds");
        let second = claim(&store, "two", 2_300).await.pop().expect("the lease ran out");
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert!(claim(&store, "two", 9_000).await.is_empty(), "who holds it goes on with it, however late");
        assert!(!store.renew_lease(&first.fence(), Millis(9_000)).await.expect("works"));
        assert!(!store.finish_effect(&first.fence()).await.expect("works"));
        let session = task.sessions[0].id.clone();
        let report = |input: Input| move |task: &Task| {
            let mut ids = Counting(7_000_000);
            task.handle(input.clone(), &mut Context { now: Millis(3_000), ids: &mut ids }).map(outcome)
        };
        let ready = Input::PlanningReady { session: session.clone() };
        let late = store.advance(&task.id, Some(first.fence()), None, report(ready.clone())).await.expect("works");
        assert!(matches!(late, Advanced::Fenced), "{late:?}");
        assert_eq!(store.task(&task.id).await.expect("read"), Some(task.clone()), "nothing was changed");
        let timely = store.advance(&task.id, Some(second.fence()), None, report(ready)).await.expect("works");
        assert!(matches!(timely, Advanced::Saved(_)), "{timely:?}");
        let again = store.advance(&task.id, Some(second.fence()), None, report(Input::PlanningReady { session })).await.expect("works");
        assert!(matches!(again, Advanced::Fenced), "a report counts once: {again:?}");
    }

    /// Effects that have not come to their end are counted by name and state, and work sessions by status.
    async fn waiting_effects_and_sessions_are_counted(place: &Place) {
        let store = place.open().await;
        for number in 1..=3 {
            admitted(&store, number).await;
        }
        let held = store.claim_effects(lease("one", 5_000, 9_000), 1).await.expect("works");
        assert_eq!(held.len(), 1);
        let queues = store.effect_queues().await.expect("read");
        let counts: Vec<_> = queues.iter().map(|found| (&*found.effect, &*found.state, found.count)).collect();
        assert_eq!(counts, [("prepare_planning", "leased", 1), ("prepare_planning", "pending", 2)]);
        assert!(queues.iter().all(|found| found.first_due <= Millis(5_000)), "{queues:?}");
        let sessions = store.count_sessions().await.expect("read");
        assert_eq!(sessions.iter().map(|(_, count)| count).sum::<u64>(), 3, "{sessions:?}");
    }

    /// An effect that is given back waits its time; a worker's claims are freed when it is gone.
    async fn effects_are_given_back_and_freed(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let held = claim(&store, "one", 2_000).await.pop().expect("one effect");
        assert!(store.release_effect(&held.fence(), Millis(4_000), "later").await.expect("works"));
        assert!(claim(&store, "one", 3_000).await.is_empty());
        assert_eq!(store.pending_effects(&task.id).await.expect("read")[0].error, "later");
        let again = claim(&store, "one", 4_000).await;
        assert_eq!(again.iter().map(|claimed| (claimed.attempt, claimed.failures)).collect::<Vec<_>>(), [(2, 1)]);
        assert_eq!(store.release_worker("two").await.expect("works"), 0);
        assert_eq!(store.release_worker("one").await.expect("works"), 1);
        // The attempt that its worker did not end is no failure.
        let again = claim(&store, "two", 4_001).await;
        assert_eq!(again.iter().map(|claimed| (claimed.attempt, claimed.failures)).collect::<Vec<_>>(), [(3, 1)]);
    }

    /// A turn that waits for the end of a limit holds back nothing once the task has left it.
    async fn a_turn_that_was_left_does_not_hold_back_the_next(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let session = task.sessions[0].id.clone();
        let prepare = claim(&store, "one", 2_000).await.pop().expect("the preparation");
        advance(&store, &task.id, 20_000, Input::PlanningReady { session: session.clone() }).await;
        assert!(store.finish_effect(&prepare.fence()).await.expect("works"));
        let run = claim(&store, "one", 2_000).await.pop().expect("the turn");
        let Effect::RunTurn { turn, .. } = run.row.effect.clone() else { panic!("{run:?}") };
        let failure = Failure { class: FailureClass::Limit, message: "usage limit".to_owned(), at: Millis(1_000) };
        let retry_at = Some(Millis(9_000_000));
        let failed = Input::TurnFailed { session: session.clone(), turn, failure, retry_at, usage: None };
        advance(&store, &task.id, 21_000, failed).await;
        assert!(store.finish_effect(&run.fence()).await.expect("works"));
        assert!(claim(&store, "one", 3_000).await.is_empty(), "the turn waits");
        for (seed, input) in [
            (22_000, Input::Pause { by: "ada".to_owned() }),
            (23_000, Input::Resume { by: "ada".to_owned() }),
            (24_000, Input::Admit),
        ] {
            advance(&store, &task.id, seed, input).await;
        }
        let mut claimed = Vec::new();
        loop {
            let due = claim(&store, "one", 3_000).await;
            if due.is_empty() {
                break;
            }
            for next in due {
                assert!(store.finish_effect(&next.fence()).await.expect("works"));
                claimed.push(next.row.effect);
            }
        }
        assert_eq!(claimed.last(), Some(&Effect::PreparePlanning { session }), "{claimed:?}");
    }

    /// After the clock was set back, what waits is due that much earlier, and what is due stays so.
    async fn waiting_effects_follow_a_clock_that_is_set_back(place: &Place) {
        let store = place.open().await;
        assert!(store.is_new().await.expect("read"));
        assert_eq!(store.last_message_at().await.expect("read"), None);
        admitted(&store, 1).await;
        admitted(&store, 2).await;
        assert!(!store.is_new().await.expect("read"));
        assert!(store.last_message_at().await.expect("read").is_some());
        let held = claim(&store, "one", 2_000_000).await;
        assert_eq!(held.len(), 2);
        for (claimed, due) in held.iter().zip([2_001_000, 2_500_000]) {
            assert!(store.release_effect(&claimed.fence(), Millis(due), "later").await.expect("works"));
        }
        // The clock that showed 2,000,500 shows 1,000,500.
        assert_eq!(store.advance_waiting_effects(Millis(1_000_500), 1_000_000).await.expect("works"), 2);
        assert!(claim(&store, "one", 1_000_900).await.is_empty());
        assert_eq!(claim(&store, "one", 1_001_000).await.len(), 1);
        assert_eq!(claim(&store, "one", 1_500_000).await.len(), 1);
    }

    /// What is known of a base branch is changed only by who knows it as it is, and goes with its project.
    async fn base_branches_are_kept_by_compare_and_set(place: &Place) {
        let store = place.open().await;
        let project = ProjectId::from("prj_1");
        let base = |trusted: &str, suspicion: &str| BaseBranch {
            project: project.clone(),
            branch: "main".to_owned(),
            trusted: trusted.to_owned(),
            expected: String::new(),
            suspicion: suspicion.to_owned(),
        };
        let (first, second, third) = (base("1", ""), base("1", "{}"), base("2", ""));
        assert_eq!(store.base_branch(&project, "main").await.expect("read"), None);
        assert!(store.put_base_branch(first.clone(), None).await.expect("works"));
        assert!(!store.put_base_branch(third.clone(), None).await.expect("works"), "it is known already");
        assert!(store.put_base_branch(second.clone(), Some(&first)).await.expect("works"));
        assert!(!store.put_base_branch(third, Some(&first)).await.expect("works"), "it was changed meanwhile");
        assert_eq!(store.base_branch(&project, "main").await.expect("read"), Some(second));
        store.remove_project(&project).await.expect("works");
        assert_eq!(store.base_branch(&project, "main").await.expect("read"), None);
    }

    /// A log is read in pages whose size in bytes is bounded, whatever its entries are, and none is left out.
    async fn pages_of_a_log_are_bounded_in_bytes(place: &Place) {
        let store = place.open().await;
        let session = SessionId::from("stws_1");
        let sizes = [10, 1 << 20, 3 << 20, 20, 9 << 20, 30, 2 << 20, 2 << 20, 40];
        for size in sizes {
            let entry = json!({ "kind": "agent_message", "text": "é".repeat(size / 2) });
            store.append_log(&session, Millis(1), vec![entry.into()]).await.expect("works");
        }
        let mut pages: Vec<Vec<u64>> = Vec::new();
        let mut after = 0;
        loop {
            let rows = store.read_log(&session, after, 500).await.expect("read");
            let Some(last) = rows.last() else { break };
            after = last.seq;
            pages.push(rows.iter().map(|row| row.seq).collect());
        }
        assert_eq!(pages, [vec![1, 2, 3], vec![4, 5], vec![6, 7], vec![8], vec![9]]);
        let numbers = |rows: Vec<store::LogRow>| rows.iter().map(|row| row.seq).collect::<Vec<_>>();
        assert_eq!(numbers(store.read_log(&session, 2, 1).await.expect("read")), [3]);
        assert_eq!(numbers(store.read_log_end(&session, 500).await.expect("read")), [8, 9]);
        assert_eq!(numbers(store.read_log_end(&session, 1).await.expect("read")), [9]);
        let other = SessionId::from("stws_2");
        assert!(store.read_log(&other, 0, 500).await.expect("read").is_empty());
        assert!(store.read_log_end(&other, 500).await.expect("read").is_empty());
    }

    /// The permission requests that a person has to answer are found among the other entries of a log.
    async fn permission_requests_are_found_in_a_log(place: &Place) {
        let store = place.open().await;
        let session = SessionId::from("stws_1");
        let entries = vec![
            json!({ "kind": "agent_message", "text": "\"for_person\":true" }),
            json!({ "kind": "permission_requested", "request_id": "1", "for_person": false }),
            json!({ "kind": "permission_requested", "request_id": "2", "for_person": true }),
            json!({ "kind": "tool_call", "raw_input": { "for_person": true } }),
            json!({ "kind": "permission_resolved", "request_id": "2", "for_person": true }),
        ];
        let entries: Vec<LogEntry> = entries.into_iter().map(LogEntry::from).collect();
        store.append_log(&session, Millis(1), entries.clone()).await.expect("works");
        store.append_log(&SessionId::from("stws_2"), Millis(1), entries).await.expect("works");
        let found = store.read_permission_requests(&session).await.expect("read");
        assert_eq!(found.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 5]);
        assert!(store.read_permission_requests(&SessionId::from("stws_3")).await.expect("read").is_empty());
    }

    /// Writers of one log and of one topic at once leave no gap and no double.
    async fn logs_and_topics_have_no_gaps(place: &Place) {
        let store = place.open().await;
        let session = SessionId::from("stws_1");
        let mut writers = Vec::new();
        for writer in 0..8_u32 {
            let (store, session) = (place.open().await, session.clone());
            writers.push(tokio::spawn(async move {
                for number in 0..25 {
                    let entries = vec![json!({ "writer": writer, "number": number }).into(), json!({ "writer": writer, "number": number, "second": true }).into()];
                    store.append_log(&session, Millis(1), entries).await.expect("works");
                    let topics = if writer % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
                    let rows = topics.map(|topic| entry(topic, number)).to_vec();
                    store.append_feed(Millis(1), rows).await.expect("works");
                }
            }));
        }
        for writer in writers {
            writer.await.expect("no panic");
        }
        let rows = store.read_log(&session, 0, 10_000).await.expect("read");
        let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
        assert_eq!(numbers, (1..=400).collect::<Vec<_>>());
        assert_eq!(store.log_tail(&session).await.expect("read"), 400);
        let topics = ["a", "b"].map(str::to_owned);
        for topic in &topics {
            let rows = store.read_feed(std::slice::from_ref(topic), 0, 10_000).await.expect("read");
            let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
            assert_eq!(numbers, (1..=200).collect::<Vec<_>>(), "topic {topic}");
        }
        let all = store.read_feed(&topics, 0, 10_000).await.expect("read");
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        let now = store.feed_place(&topics).await.expect("read");
        assert_eq!((now.positions.values().sum::<u64>(), now.id), (400, all[399].id));
        for missed in [1, 7, 400] {
            let place = store.feed_place_before(&topics, missed).await.expect("read").expect("a place");
            assert_eq!(place.positions.values().sum::<u64>(), 400 - missed);
            let rest = store.read_feed(&topics, place.id, 10_000).await.expect("read");
            assert_eq!(rest, all[usize::try_from(400 - missed).expect("small")..], "{missed}");
        }
        assert_eq!(store.feed_place_before(&topics, 401).await.expect("read"), None);
        for span in store.feed_beyond(50, 10).await.expect("read") {
            assert_eq!((span.first, span.end, span.total.rows), (1, 151, 150), "topic {}", span.topic);
            store.remove_feed(&span).await.expect("works");
        }
        let kept = store.read_feed(&topics[..1], 0, 10_000).await.expect("read");
        assert_eq!(kept.first().map(|row| row.seq), Some(151));
        assert_eq!(store.feed_place(&topics).await.expect("read").positions["a"], 200);
        assert_eq!(store.feed_place_before(&topics, 100).await.expect("read"), None, "what came before is forgotten");
    }

    /// Two decisions about one task at once both count, one after the other.
    async fn decisions_about_one_task_queue_up(place: &Place) {
        let store = place.open().await;
        let task = create(&store, 1, false).await;
        let mut people = Vec::new();
        for number in 0..10_u32 {
            let (store, id) = (place.open().await, task.id.clone());
            people.push(tokio::spawn(async move {
                let edit = workflow::TaskEdit { name: Some(format!("Name {number}")), ..workflow::TaskEdit::default() };
                matches!(advance(&store, &id, number, Input::Edit { edit: Box::new(edit) }).await, Advanced::Saved(_))
            }));
        }
        let mut saved = 0;
        for person in people {
            saved += u64::from(person.await.expect("no panic"));
        }
        let after = store.task(&task.id).await.expect("read").expect("there");
        assert_eq!((saved, after.version), (10, task.version + 10));
        assert_eq!(store.task_events(&task.id, 0, 100).await.expect("read").len(), 11);
    }

    /// Lists are filtered, sorted, counted and paged; what people type is not a pattern.
    async fn lists_are_filtered_and_paged(place: &Place) {
        let store = place.open().await;
        for number in 1..=30 {
            create(&store, number, number <= 10).await;
        }
        let list = async |filter: TaskFilter| store.tasks(&TaskFilter { limit: filter.limit.max(1), ..filter }).await.expect("read");
        let mine = list(TaskFilter { owner: Some("usr_even".into()), limit: 4, ..TaskFilter::default() }).await;
        assert_eq!((mine.total, mine.tasks.len(), mine.next.is_some()), (15, 4, true));
        assert_eq!(mine.tasks[0].name, "Task 30", "the newest first");
        let third = list(TaskFilter { q: Some("Task 3".to_owned()), limit: 50, ..TaskFilter::default() }).await.tasks;
        let third = third.into_iter().find(|task| task.name == "Task 3").expect("the third task");
        let asking = vec![third.sessions[0].id.clone()];
        for sort in ["name", "-name", "created_at", "-created_at", "updated_at", "-priority", "status", "-attention"] {
            let filter = TaskFilter { sort: Some(sort.to_owned()), asking: asking.clone(), ..TaskFilter::default() };
            let whole = list(TaskFilter { limit: 50, ..filter.clone() }).await;
            let mut seen = Vec::new();
            let mut after = None;
            loop {
                let page = list(TaskFilter { limit: 7, after, ..filter.clone() }).await;
                assert_eq!(page.total, 30);
                seen.extend(page.tasks);
                let Some(next) = page.next else { break };
                after = store::Place::parse(&next.to_string(), Some(sort));
                assert_eq!(after, Some(next));
            }
            assert_eq!(seen, whole.tasks, "{sort}");
            assert!(sort != "-attention" || seen[0].name == "Task 3", "whose agent asks comes first");
        }
        let urgent = list(TaskFilter { limit: 10, sort: Some("-attention".to_owned()), ..TaskFilter::default() }).await.tasks;
        assert!(urgent.iter().all(|task| task.status() == TaskStatus::SpecGeneration), "what is under way comes before the backlog");
        let page = list(TaskFilter { limit: 7, ..TaskFilter::default() }).await;
        let next = page.next.expect("more");
        assert_eq!((store::Place::parse(&next.to_string(), Some("name")), store::Place::parse("nonsense", None)), (None, None));
        let waiting = TaskFilter { statuses: vec![TaskStatus::SpecGeneration], limit: 50, ..TaskFilter::default() };
        assert_eq!(list(waiting).await.total, 10);
        for (words, total) in [("thing 100%", 30), ("thing 7", 3), ("100_", 0), ("%", 30), ("nowhere", 0)] {
            let filter = TaskFilter { q: Some(words.to_owned()), limit: 50, ..TaskFilter::default() };
            let found = list(filter).await.total;
            assert!(found == total || words == "thing 7" && found >= 3, "{words}: {found}");
        }
        assert_eq!(list(TaskFilter { label: Some("label1".to_owned()), limit: 50, ..TaskFilter::default() }).await.total, 15);
        assert_eq!(list(TaskFilter { priority: Some(Priority::High), limit: 50, ..TaskFilter::default() }).await.total, 10);
        let counts: BTreeMap<String, u64> = store.count_tasks().await.expect("read").into_iter().collect();
        assert_eq!((counts["backlog"], counts["spec_generation"]), (20, 10));
        let live = store.live_tasks().await.expect("read");
        assert_eq!(live.len(), 10);
        assert!(store.has_live_task(&live[0].project).await.expect("read"));
        assert!(!store.has_live_task(&ProjectId::from("prj_other")).await.expect("read"));
        create(&store, 31, false).await;
        let further = list(TaskFilter { limit: 1, after: Some(next), ..TaskFilter::default() }).await;
        assert_eq!(further.tasks[0].name, "Task 23", "what comes in between moves nothing");
    }

    /// Everything is there after the store is opened again, and a task without a short id has one.
    async fn nothing_is_lost_by_a_restart(place: &Place) {
        let mut task = {
            let store = place.open().await;
            let task = admitted(&store, 1).await;
            store.close().await;
            task
        };
        let store = place.open().await;
        task.short_id = Some(ShortId::new("SPEC", 1));
        assert_eq!(store.task(&task.id).await.expect("read"), Some(task));
        assert_eq!(claim(&store, "one", 2_000).await.len(), 1);
    }

    /// Users, tokens, remembered answers and the audit log.
    async fn people_and_what_they_did(place: &Place) {
        let store = place.open().await;
        let ada = store::User { id: "usr_1".into(), name: "Ada".to_owned(), roles: vec!["owner".to_owned()], created_at: Millis(1) };
        store.put_user(ada.clone()).await.expect("saved");
        assert_eq!(store.user(&ada.id).await.expect("read"), Some(ada.clone()));
        let task = create(&store, 1, false).await;
        for (id, name) in [("usr_1", Some("Ada")), (task.id.as_str(), Some("Task 1")), ("spt_9", None), ("s", None)] {
            assert_eq!(store.name_of(id).await.expect("read").as_deref(), name, "{id}");
        }
        let claim = |user: &str, body: &str, at| store::KeyClaim {
            user: user.into(),
            route: "/r".to_owned(),
            key: "k".to_owned(),
            body_hash: body.to_owned(),
            at: Millis(at),
        };
        let state = async |claim| store.claim_key(claim).await.expect("claimed");
        for at in [1, 2] {
            let found = state(claim("usr_1", "h", at)).await;
            assert_eq!(found, store::KeyState::Unanswered { since: Millis(1) }, "nothing was answered yet");
        }
        let answer = store::Remembered { status: 201, response: "{}".to_owned() };
        store.remember(&ada.id, "/r", "k", answer.clone()).await.expect("saved");
        let other = store::Remembered { status: 500, ..answer.clone() };
        store.remember(&ada.id, "/r", "k", other).await.expect("saved");
        assert_eq!(state(claim("usr_1", "h", 3)).await, store::KeyState::Answered(answer), "the first answer stays");
        assert_eq!(state(claim("usr_1", "other", 3)).await, store::KeyState::OtherBody);
        assert_eq!(state(claim("usr_2", "h", 3)).await, store::KeyState::Unanswered { since: Millis(3) });
        let entry = store::AuditEntry {
            at: Millis(3),
            user: ada.id.clone(),
            way: "page".to_owned(),
            credential: "laptop".to_owned(),
            peer: "127.0.0.1".to_owned(),
            action: "a".to_owned(),
            subject: "s".to_owned(),
            subject_name: "Notes".to_owned(),
            data: json!({}),
        };
        for action in ["a", "b", "a"] {
            store.audit(store::AuditEntry { action: action.to_owned(), ..entry.clone() }).await.expect("saved");
        }
        let filter = store::AuditFilter { action: Some("a".to_owned()), limit: 1, ..store::AuditFilter::default() };
        let newest = store.audit_log(filter.clone()).await.expect("read");
        assert_eq!(newest.iter().map(|(_, entry)| entry).collect::<Vec<_>>(), [&entry]);
        let older = store::AuditFilter { before: Some(newest[0].0), limit: 5, ..filter.clone() };
        assert_eq!(store.audit_log(older).await.expect("read").len(), 1);
        assert_eq!(store.count_audit(filter).await.expect("read"), 2);
        let none = store::AuditFilter::default();
        for (filter, count) in [
            (store::AuditFilter { actor: Some(ada.id.clone()), ..none.clone() }, 3),
            (store::AuditFilter { actor: Some("usr_2".into()), ..none.clone() }, 0),
            (store::AuditFilter { way: Some("page".to_owned()), ..none.clone() }, 3),
            (store::AuditFilter { way: Some("git".to_owned()), ..none.clone() }, 0),
            (store::AuditFilter { since: Some(Millis(3)), until: Some(Millis(4)), ..none.clone() }, 3),
            (store::AuditFilter { since: Some(Millis(4)), ..none.clone() }, 0),
            (store::AuditFilter { until: Some(Millis(3)), ..none.clone() }, 0),
        ] {
            assert_eq!(store.count_audit(filter.clone()).await.expect("read"), count, "{filter:?}");
        }
        let values = store.audit_values(None).await.expect("read");
        assert_eq!((values.actors, values.ways), (vec![ada.id.to_string()], vec!["page".to_owned()]));
        assert_eq!(values.actions, ["a", "b"]);
        let others = store.audit_values(Some("usr_2".into())).await.expect("read");
        assert_eq!(others, store::AuditValues::default());
    }

    /// The values of the audit log are found for all users and for one, whatever the number of entries.
    async fn audit_values_are_those_of_the_entries(place: &Place) {
        let store = place.open().await;
        assert_eq!(store.audit_values(None).await.expect("read"), store::AuditValues::default());
        for number in 0..60 {
            let entry = store::AuditEntry {
                at: Millis(number),
                user: format!("usr_{}", number % 3).as_str().into(),
                way: ["", "git", "page"][usize::try_from(number % 4).unwrap_or(0).min(2)].to_owned(),
                credential: "laptop".to_owned(),
                peer: "127.0.0.1".to_owned(),
                action: format!("a{}", number % 5),
                subject: "s".to_owned(),
                subject_name: String::new(),
                data: json!({}),
            };
            let is_left_out = number % 3 == 1 && number % 5 != 2;
            if !is_left_out {
                store.audit(entry).await.expect("saved");
            }
        }
        let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let all = store.audit_values(None).await.expect("read");
        assert_eq!(all.actors, ["usr_0", "usr_1", "usr_2"]);
        assert_eq!(all.ways, ["", "git", "page"]);
        assert_eq!(all.actions, ["a0", "a1", "a2", "a3", "a4"]);
        let one = store.audit_values(Some("usr_1".into())).await.expect("read");
        let ways = strings(&["", "git", "page"]);
        assert_eq!(one, store::AuditValues { actors: strings(&["usr_1"]), ways, actions: strings(&["a2"]) });
        assert_eq!(store.audit_values(Some("usr_9".into())).await.expect("read"), store::AuditValues::default());
    }

    /// Tokens are revoked, and the browsers that signed in with them are signed out; ids rotate once.
    async fn tokens_and_browser_sessions_end(place: &Place) {
        let store = place.open().await;
        let token = |hash: &str| store::Token {
            hash: hash.to_owned(),
            id: format!("tok_{hash}"),
            user: "usr_1".into(),
            scope: "owner".to_owned(),
            target: None,
            decides: false,
            label: hash.to_owned(),
            origin: "created".to_owned(),
            created_at: Millis(1),
            expires_at: Some(Millis(100)),
            last_used_at: None,
            revoked_at: None,
        };
        let session = |hash: &str, token: &str| store::BrowserSession {
            hash: hash.to_owned(),
            user: "usr_1".into(),
            token: token.to_owned(),
            signed_in_at: Millis(5),
            issued_at: Millis(5),
            expires_at: Millis(50),
        };
        for hash in ["one", "two"] {
            store.put_token(token(hash)).await.expect("saved");
            store.put_browser_session(session(&format!("in {hash}"), hash)).await.expect("saved");
        }
        let read = async |hash: &str| store.token(hash).await.expect("read").expect("a token");
        let (before, after) = (Millis(99), Millis(100));
        assert_eq!((read("one").await.is_valid_at(before), read("one").await.is_valid_at(after)), (true, false));
        store.note_token_use("one", Millis(7)).await.expect("noted");
        assert!(store.revoke_token("one", Millis(8)).await.expect("revoked"));
        assert!(!store.revoke_token("one", Millis(9)).await.expect("revoked before"));
        let one = read("one").await;
        assert_eq!((one.revoked_at, one.last_used_at, one.is_valid_at(before)), (Some(Millis(8)), Some(Millis(7)), false));
        assert_eq!(store.tokens(&"usr_1".into()).await.expect("read").len(), 2);
        let found = async |hash: &str| store.browser_session(hash).await.expect("read");
        assert_eq!(found("in one").await, None);
        let rotate = async |new: &str| {
            let (until, new) = (Millis(20), session(new, "two"));
            store.rotate_browser_session("in two", until, new).await.expect("rotated")
        };
        assert_eq!((rotate("next").await, rotate("late").await), (true, false));
        assert_eq!(found("in two").await.expect("for a moment").expires_at, Millis(20));
        store.end_browser_sessions("next", false).await.expect("ended");
        assert_eq!((found("in two").await, found("next").await), (None, None));
    }
}
