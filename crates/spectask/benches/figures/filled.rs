//! Tasks with a whole life and long conversations, put into a database as a rebuild does.

use serde_json::json;
use store::{LogRow, LoggedEvent, Project, RebuiltTask, Store, User};
use workflow::records::events::{self, Line};
use workflow::{
    Approved, Change, Closing, Commit, Complexity, CreationMethod, Event, Failure, FailureClass,
    HelixSessionId, Isolation, Millis, NewTask, PlannedSession, Planning, PlanningStep, Priority, SessionId,
    SessionPhase, SessionRequest, Specs, TaskId, TaskKind, ThreadId, TurnId, Usage,
};

pub(crate) const OWNER: &str = "usr_owner";
/// How many sessions a task has.
pub(crate) const SESSIONS: u64 = 4;
const DAY: i64 = 86_400_000;

/// A number of the figures, or another one from the environment for a try.
pub(crate) fn size(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Numbers that look random and are the same each time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }

    /// A word of 20,000, the first ones far more often than the last.
    pub(crate) fn word(&mut self) -> String {
        let bound = [10, 200, 2_000, 20_000][usize::try_from(self.next(4)).unwrap_or(0)];
        let number = self.next(bound);
        match number % 5 {
            0 => format!("fn_{number}"),
            1 => format!("readItem{number}"),
            2 => format!("src/part{}/m{number}.rs", number % 50),
            _ => format!("word{number}"),
        }
    }

    pub(crate) fn sentence(&mut self, words: u64) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

/// The owner and a project for the tasks.
pub(crate) async fn begin(store: &Store, projects: u64) {
    let user = User {
        id: OWNER.into(),
        name: "owner".to_owned(),
        roles: vec!["owner".to_owned()],
        created_at: Millis(0),
    };
    store.put_user(user).await.expect("saved");
    for number in 0..projects {
        let project = Project {
            id: format!("prj_{number}").into(),
            owner: OWNER.into(),
            name: format!("Project {number}"),
            key: String::new(),
            repository_path: "/nowhere".to_owned(),
            clone_url: None,
            default_branch: "main".to_owned(),
            settings: json!({}),
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        store.put_project(project).await.expect("saved");
    }
}

/// A task that was done, with so many entries in its sessions' logs; the bytes of their texts.
pub(crate) fn task(number: u64, projects: u64, entries: u64, now: i64) -> (RebuiltTask, usize) {
    let mut random = Numbers(number);
    let id = TaskId(format!("spt_{number:026}"));
    let mut at = Millis(now - i64::try_from(random.next(300)).unwrap_or(0) * DAY - 40 * 60_000);
    let mut lines: Vec<Line> = Vec::new();
    for event in life(&id, number, projects, &mut random) {
        at = Millis(at.0 + i64::try_from(random.next(60_000)).unwrap_or(0));
        let seq = lines.len() as u64 + 1;
        lines.push(Line { seq, at, version: seq, event });
    }
    let task = events::fold(&lines).expect("a task");
    let (mut logs, mut bytes) = (Vec::new(), 0);
    for session in &task.sessions {
        let mut rows = Vec::new();
        for seq in 1..=entries / SESSIONS {
            let text = random.sentence(14);
            bytes += text.len();
            let entry = match seq % 5 {
                0 => {
                    json!({ "kind": "tool_call", "tool_call_id": format!("c{seq}"), "title": text, "status": "completed" })
                }
                1 => json!({ "kind": "user_message", "by": "owner", "text": text }),
                _ => json!({ "kind": "agent_message", "message_id": seq.to_string(), "text": text }),
            };
            rows.push(LogRow { seq, at, entry: entry.into() });
        }
        logs.push((session.id.clone(), rows));
    }
    let logged = |line: Line| LoggedEvent {
        seq: line.seq,
        id: LoggedEvent::identity(&id, line.seq),
        at: line.at,
        version: line.version,
        event: line.event,
    };
    let events = lines.into_iter().map(logged).collect();
    (
        RebuiltTask {
            task,
            events,
            logs,
            revisions: Vec::new(),
            runs: Vec::new(),
            instance: None,
            next: None,
        },
        bytes,
    )
}

/// What happens to a task from its prompt to its landing.
fn life(id: &TaskId, number: u64, projects: u64, random: &mut Numbers) -> Vec<Event> {
    let specs = Specs {
        round: 1,
        commit: Commit("c1".to_owned()),
        hash: "h".to_owned(),
        title: None,
        units: Vec::new(),
    };
    let approved = Approved { specs: specs.clone(), by: "owner".to_owned(), at: Millis(0) };
    let planning = Planning { round: 1, step: PlanningStep::Waiting };
    let mut events = vec![
        Event::TaskCreated { task: Box::new(new_task(id, number, projects, random)) },
        Event::PlanningQueued { planning },
    ];
    for place in 0..SESSIONS {
        let session = SessionId(format!("stws_{number:022}{place:04}"));
        events.push(Event::SessionPlanned { session: Box::new(planned(&session, place)) });
        events.push(Event::SessionOpening { session: session.clone() });
        if place == 0 {
            events.push(Event::PlanningStarted { round: 1, session: session.clone() });
        }
        if random.next(20) == 0 {
            let failure = Failure { class: FailureClass::Network, message: "away".to_owned(), at: Millis(0) };
            let turn = TurnId("turn_1".to_owned());
            events.push(Event::TurnFailed {
                session: session.clone(),
                turn,
                failure,
                will_retry: true,
                retry_at: None,
                usage: None,
            });
        }
        let usage = Usage {
            input_tokens: random.next(90_000),
            output_tokens: random.next(9_000),
            cached_tokens: 0,
            cost_usd: Some(0.25),
        };
        events.push(Event::TurnEnded {
            session: session.clone(),
            turn: TurnId("turn_1".to_owned()),
            stop_reason: "end_turn".to_owned(),
            usage: Some(usage),
            conversation_usage: None,
            said: None,
            closing: Closing::Message,
            plan: None,
        });
        events.push(Event::SessionCompleted { session, merged: Some(Commit(format!("m{place}"))) });
        if place == 0 {
            events.push(Event::SpecsReady { specs: specs.clone() });
            events.push(Event::SpecsApproved { approved: approved.clone() });
            events.push(Event::ImplementationQueued);
            events.push(Event::ImplementationStarted);
        }
    }
    let change = Change { head: Commit("c2".to_owned()), checks: Vec::new() };
    events.push(Event::ChangeReady { change });
    events.push(Event::Landed { commit: Commit("c3".to_owned()) });
    events
}

fn planned(session: &SessionId, place: u64) -> PlannedSession {
    PlannedSession {
        id: session.clone(),
        helix_session: HelixSessionId(session.0.replace("stws", "ses")),
        thread: ThreadId(session.0.replace("stws", "thread")),
        name: format!("Part {place}"),
        description: String::new(),
        phase: if place == 0 { SessionPhase::Planning } else { SessionPhase::Implementation },
        agent: format!("agent-{}", place % 3),
        method: CreationMethod::Planned,
        unit: None,
        parent: None,
        depends_on: Vec::new(),
        rank: usize::try_from(place).unwrap_or(0),
        branch: None,
        next_ask: None,
        wish: SessionRequest::default(),
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: false,
    }
}

fn new_task(id: &TaskId, number: u64, projects: u64, random: &mut Numbers) -> NewTask {
    NewTask {
        id: id.clone(),
        project: format!("prj_{}", number % projects).into(),
        owner: OWNER.into(),
        short_id: None,
        takes_title: false,
        name: format!("Task {number}"),
        description: String::new(),
        kind: TaskKind::Feature,
        priority: Priority::Medium,
        complexity: Complexity::Complex,
        prompt: random.sentence(20),
        spec_agent: "agent-0".to_owned(),
        implementation_agent: "agent-1".to_owned(),
        base_branch: "main".to_owned(),
        labels: Vec::new(),
        depends_on: Vec::new(),
        budget: None,
        workspace_config: None,
        agent_options: Vec::new(),
        max_parallel: 4,
        planned: true,
        isolation: Isolation::Worktree,
        config: None,
        template: None,
        opening_session: None,
    }
}

/// Indexes everything, as a server does after its start.
pub(crate) async fn index(store: &Store) {
    use futures::StreamExt as _;
    let behind = store.unindexed().await.expect("read");
    let tasks = futures::stream::iter(behind.tasks)
        .map(|task| async move { store.index_task(&task).await.expect("indexed") });
    tasks.buffer_unordered(16).collect::<Vec<()>>().await;
    let logs = futures::stream::iter(behind.sessions)
        .map(|session| async move { while store.index_log(&session).await.expect("indexed") {} });
    logs.buffer_unordered(16).collect::<Vec<()>>().await;
}
