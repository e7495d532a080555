//! Resources that sessions of several tasks share.

use crate::fresh::{self, Counter};
use std::collections::BTreeMap;
use workflow::resources::{Capacities, grants};
use workflow::*;

/// The tasks of a project, whose planned tasks have no dependencies.
struct Tasks {
    live: Vec<Task>,
    ids: Counter,
    now: i64,
    capacities: Capacities,
}

impl Tasks {
    fn new(capacities: &[(&str, usize)]) -> Self {
        let of_project: BTreeMap<String, usize> =
            capacities.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let capacities = Capacities::from([(ProjectId::from("prj_1"), of_project)]);
        Self { live: Vec::new(), ids: Counter::default(), now: 0, capacities }
    }

    /// Begins a task; each part is a name and the resources that it needs.
    fn begins(&mut self, id: &str, max_parallel: usize, parts: &[(&str, &[&str])]) {
        let units = parts.iter().enumerate().map(|(index, (title, resources))| Unit {
            id: UnitId(format!("stit_{index}")),
            index,
            number: (index + 1).to_string(),
            title: (*title).to_owned(),
            description: String::new(),
            acceptance_criteria: String::new(),
            effort: "medium".to_owned(),
            optional: false,
            dependencies: Vec::new(),
            requirements: Vec::new(),
            boundary: Vec::new(),
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            completed_before: false,
        });
        let specs = Specs {
            round: 1,
            commit: Commit("d".to_owned()),
            hash: "h".to_owned(),
            title: None,
            units: units.collect(),
        };
        let approved = Approved { specs, by: "usr_1".to_owned(), at: Millis(self.now) };
        let new = NewTask { id: TaskId::from(id), max_parallel, ..fresh::task(id, TaskKind::Feature) };
        let mut context = Context { now: Millis(self.now), ids: &mut self.ids };
        let mut task = Task::create(new, false, &mut context).expect("a task").task;
        task.phase = Phase::ImplementationQueued { approved: Some(approved) };
        self.live.push(task);
        self.goes(id, Input::Admit);
    }

    fn goes(&mut self, id: &str, input: Input) {
        self.now += 1_000;
        let task = self.live.iter_mut().find(|task| task.id.as_str() == id).expect("a task");
        let mut context = Context { now: Millis(self.now), ids: &mut self.ids };
        *task = task.handle(input, &mut context).expect("it is accepted").task;
    }

    /// Gives away what is free; afterwards there is nothing more to decide.
    fn look(&mut self) {
        for (task, input) in grants(&self.live, &self.capacities) {
            self.goes(task.as_str(), input);
        }
        assert_eq!(grants(&self.live, &self.capacities), []);
    }

    fn session(&self, name: &str) -> (&Task, &Session) {
        let all = self.live.iter().flat_map(|task| task.sessions.iter().map(move |session| (task, session)));
        all.into_iter().find(|(_, session)| session.name == name).expect("a session")
    }

    fn starts(&self) -> Vec<&str> {
        let all = self.live.iter().flat_map(|task| &task.sessions);
        all.filter(|session| session.occupies_slot()).map(|session| session.name.as_str()).collect()
    }

    fn waits(&self, name: &str) -> String {
        let (task, session) = self.session(name);
        task.waits_for(session).unwrap_or_default()
    }

    /// The session's work ends.
    fn cancels(&mut self, name: &str) {
        let (task, session) = self.session(name);
        let (task, session) = (task.id.to_string(), session.id.clone());
        self.goes(&task, Input::CancelSession { session });
    }
}

#[test]
fn one_session_of_all_tasks_holds_a_resource_until_its_end() {
    let mut tasks = Tasks::new(&[]);
    tasks.begins("spt_1", 4, &[("One", &["simulator"]), ("Beside", &[])]);
    tasks.begins("spt_2", 4, &[("Two", &["simulator"])]);
    assert_eq!(tasks.starts(), ["Beside"], "the scheduler starts the others");
    tasks.look();
    assert_eq!(tasks.starts(), ["One", "Beside"]);
    assert_eq!(
        tasks.waits("Two"),
        "Waiting for the resource simulator: \"One\" of \"spt_1\" (spt_1) holds it."
    );
    let waiting = &tasks.session("Two").0;
    assert!(!waiting.is_waiting_for_user() && waiting.status() == TaskStatus::Implementation);
    tasks.cancels("One");
    tasks.look();
    assert_eq!(tasks.starts(), ["Beside", "Two"]);
}

#[test]
fn as_many_sessions_hold_a_resource_as_the_settings_say() {
    let mut tasks = Tasks::new(&[("gpu", 2)]);
    tasks.begins("spt_1", 4, &[("One", &["gpu"]), ("Two", &["gpu"]), ("Three", &["gpu"])]);
    tasks.look();
    assert_eq!(tasks.starts(), ["One", "Two"]);
    assert_eq!(tasks.waits("Three"), "Waiting for the resource gpu: \"One\" holds it.");
}

#[test]
fn a_session_takes_all_that_it_needs_or_nothing_and_is_not_overtaken_for_ever() {
    let mut tasks = Tasks::new(&[]);
    tasks.begins("spt_1", 1, &[("Holds a", &["a"])]);
    tasks.begins("spt_2", 1, &[("Needs both", &["a", "b"])]);
    tasks.begins("spt_3", 1, &[("Needs b", &["b"])]);
    tasks.look();
    assert_eq!(tasks.starts(), ["Holds a"]);
    assert_eq!(
        tasks.waits("Needs b"),
        "Waiting for the resource b: \"Needs both\" of \"spt_2\" (spt_2) is next and waits for another one."
    );
    tasks.cancels("Holds a");
    tasks.look();
    assert_eq!(tasks.starts(), ["Needs both"]);
    tasks.cancels("Needs both");
    tasks.look();
    assert_eq!(tasks.starts(), ["Needs b"]);
}

#[test]
fn a_session_that_waits_for_a_resource_leaves_its_slot_to_others() {
    let mut tasks = Tasks::new(&[]);
    tasks.begins("spt_1", 1, &[("Holds", &["a"])]);
    tasks.look();
    tasks.begins("spt_2", 1, &[("First", &["a"]), ("Second", &[])]);
    assert_eq!(tasks.starts(), ["Holds"], "the slot is the first one's until it is known to wait");
    tasks.look();
    assert_eq!(tasks.starts(), ["Holds", "Second"]);
    tasks.cancels("Holds");
    tasks.look();
    assert_eq!(tasks.starts(), ["Second"], "no slot is free");
}

#[test]
fn a_paused_task_holds_and_takes_nothing() {
    let mut tasks = Tasks::new(&[]);
    tasks.begins("spt_1", 1, &[("One", &["a"])]);
    tasks.begins("spt_2", 1, &[("Two", &["a"])]);
    tasks.look();
    tasks.goes("spt_1", Input::Pause { by: "usr_1".to_owned() });
    tasks.look();
    assert_eq!(tasks.starts(), ["Two"]);
}
