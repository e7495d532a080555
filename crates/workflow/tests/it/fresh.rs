//! Identifiers and tasks to begin a test with.

use workflow::*;

/// Identifiers that count up.
#[derive(Default)]
pub(crate) struct Counter(u64);

impl Ids for Counter {
    fn next(&mut self, prefix: &str) -> String {
        self.0 += 1;
        format!("{prefix}_{}", self.0)
    }
}

/// A task as a person asks for it; two of its sessions may run at once.
pub(crate) fn task(name: &str, kind: TaskKind) -> NewTask {
    NewTask {
        id: TaskId::from("spt_1"),
        project: ProjectId::from("prj_1"),
        owner: UserId::from("usr_1"),
        short_id: None,
        takes_title: false,
        name: name.to_owned(),
        description: String::new(),
        kind,
        priority: Priority::Medium,
        complexity: Complexity::Complex,
        prompt: name.to_owned(),
        spec_agent: "scripted".to_owned(),
        implementation_agent: "scripted".to_owned(),
        base_branch: "main".to_owned(),
        labels: Vec::new(),
        depends_on: Vec::new(),
        budget: None,
        workspace_config: None,
        agent_options: Vec::new(),
        max_parallel: 2,
        planned: kind.is_planned(),
        isolation: Isolation::Worktree,
        config: None,
        template: None,
        opening_session: None,
    }
}
