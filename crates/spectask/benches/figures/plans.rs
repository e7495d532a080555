//! Plans in which each planned task needs all before it: the time of a decision, and from the approval to the first session.

use crate::server::{Server, documents};
use crate::{ms, quantile};
use serde_json::json;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use workflow::{
    Closing, Commit, Complexity, Context, Decision, Effect, Ids, Input, Isolation, MergeOutcome, Millis,
    NewTask, Priority, ProjectId, SessionId, Specs, Task, TaskId, TaskKind, TurnId, Unit, UnitId, UserId,
    WorkReport,
};

const PROMPT: &str = "Write a book in parts that build on each other";

pub(crate) async fn print() {
    for tasks in [60, 200] {
        let mut decisions = Decisions::new(tasks).carry_out();
        println!(
            "plans: {tasks} tasks that each depend on all before: {} decisions, p50 {:.2} ms, p99 {:.2} ms, all {:.0} ms",
            decisions.len(),
            ms(quantile(&mut decisions, 0.5)),
            ms(quantile(&mut decisions, 0.99)),
            ms(decisions.iter().sum()),
        );
        println!(
            "plans: {tasks} tasks: approve to the first session started {:.0} ms",
            ms(first_session(tasks).await)
        );
    }
}

/// How long after the approval the first session is at work.
async fn first_session(tasks: usize) -> Duration {
    let (requirements, design, _) = documents(1);
    let mut plan = "# Plan\n\n".to_owned();
    for number in 1..=tasks {
        let _ = writeln!(plan, "- [ ] {number}. Part {number}\n  - _Requirements: 1.1_");
        let needed: Vec<String> = (1..number).map(|needed| needed.to_string()).collect();
        if !needed.is_empty() {
            let _ = writeln!(plan, "  - _Depends: {}_", needed.join(", "));
        }
    }
    let scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\n\
         tasks = {plan:?}\n\n[[sessions]]\ntask = \"1\"\nsteps = [{{ quiet = true }}]\n"
    );
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, 3).await;
    let (project, _) = server.project("served").await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = server.post("/spec-tasks/from-prompt", &body).await["id"].as_str().expect("a task").to_owned();
    server.wait_for(&task, "spec_review").await;
    let begun = Instant::now();
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    loop {
        let sessions =
            server.get(&format!("/spec-tasks/{task}/work-sessions?phase=implementation&limit=1")).await;
        if sessions["work_sessions"][0]["status"] == "active" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = begun.elapsed();
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    server.stop().await;
    took
}

/// The decisions of a task from its approval to its checks.
struct Decisions {
    task: Task,
    ids: Counter,
    now: i64,
    effects: VecDeque<Effect>,
    took: Vec<Duration>,
}

struct Counter(u64);

impl Ids for Counter {
    fn next(&mut self, prefix: &str) -> String {
        self.0 += 1;
        // As long as real ones are.
        format!("{prefix}_{:026}", self.0)
    }
}

impl Decisions {
    fn new(tasks: usize) -> Self {
        let mut ids = Counter(0);
        let new = new_task();
        let step = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task");
        let mut run = Self { task: step.task, ids, now: 0, effects: VecDeque::new(), took: Vec::new() };
        run.decide(Input::Admit);
        let session = run.task.sessions[0].id.clone();
        run.decide(Input::PlanningReady { session: session.clone() });
        let turn = run.task.sessions[0].turn().expect("a turn").id.clone();
        run.ends(session.clone(), turn.clone());
        let units = (0..tasks).map(unit).collect();
        let specs =
            Specs { round: 1, commit: Commit("d".to_owned()), hash: "1".to_owned(), title: None, units };
        run.decide(Input::SpecsCommitted { session, turn, specs });
        let (by, comments, changes) = ("ada".to_owned(), String::new(), Vec::new());
        let review = Input::ReviewSpecs {
            decision: Decision::Approve,
            by,
            comments,
            changes,
            hash: None,
            run_again: Vec::new(),
        };
        run.decide(review);
        run.effects.clear();
        run.took.clear();
        run.decide(Input::HandedOff { hash: "1".to_owned(), commit: Commit("c".to_owned()) });
        run.decide(Input::Admit);
        run
    }

    fn decide(&mut self, input: Input) {
        self.now += 1_000;
        let begun = Instant::now();
        let step = self.task.handle(input, &mut Context { now: Millis(self.now), ids: &mut self.ids });
        self.took.push(begun.elapsed());
        let step = step.expect("the state allows it");
        self.effects.extend(step.effects.into_iter().map(|row| row.effect));
        self.task = step.task;
    }

    fn ends(&mut self, session: SessionId, turn: TurnId) {
        let (stop_reason, said) = ("end_turn".to_owned(), Some("Done.".to_owned()));
        let (usage, closing, plan) = (None, Closing::Message, None);
        self.decide(Input::TurnEnded { session, turn, stop_reason, usage, said, closing, plan });
    }

    fn carry_out(mut self) -> Vec<Duration> {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::OpenWorktree { session } => self.decide(Input::WorktreeOpened { session }),
                Effect::RunTurn { session, turn } => self.ends(session, turn),
                Effect::CommitWork { session, turn, .. } => {
                    let (head, report) = (Some(Commit("w".to_owned())), WorkReport::default());
                    self.decide(Input::WorkCommitted { session, turn, head, changed: true, report });
                }
                Effect::MergeSession { session, .. } => {
                    let outcome = MergeOutcome::Merged { commit: Commit("m".to_owned()) };
                    self.decide(Input::SessionMerged { session, outcome });
                }
                _ => {}
            }
        }
        self.took
    }
}

fn new_task() -> NewTask {
    NewTask {
        id: TaskId::from("spt_1"),
        project: ProjectId::from("prj_1"),
        owner: UserId::from("usr_1"),
        short_id: None,
        takes_title: false,
        name: "Write a book".to_owned(),
        description: String::new(),
        kind: TaskKind::Feature,
        priority: Priority::Medium,
        complexity: Complexity::Complex,
        prompt: PROMPT.to_owned(),
        spec_agent: "scripted".to_owned(),
        implementation_agent: "scripted".to_owned(),
        base_branch: "main".to_owned(),
        labels: Vec::new(),
        depends_on: Vec::new(),
        budget: None,
        workspace_config: None,
        agent_options: Vec::new(),
        max_parallel: 3,
        planned: true,
        isolation: Isolation::Worktree,
        config: None,
        template: None,
        opening_session: None,
    }
}

fn unit(index: usize) -> Unit {
    Unit {
        id: UnitId(format!("stit_{index}")),
        index,
        number: (index + 1).to_string(),
        title: format!("Part {}", index + 1),
        description: String::new(),
        acceptance_criteria: String::new(),
        effort: "small".to_owned(),
        optional: false,
        dependencies: (0..index).collect(),
        requirements: Vec::new(),
        boundary: Vec::new(),
        resources: Vec::new(),
        completed_before: false,
    }
}
