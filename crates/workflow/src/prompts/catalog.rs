//! The prompt templates, with the variables of each.

/// A prompt template.
#[derive(Clone, Copy, Debug)]
pub struct PromptTemplate {
    /// The name of its file, without `.md`.
    pub name: &'static str,
    /// When it is sent.
    pub about: &'static str,
    /// The variables that it can use.
    pub variables: &'static [Variable],
    /// The built-in text.
    pub text: &'static str,
    /// Whether a project can override it. The others are always appended: the server depends on what they say.
    pub can_override: bool,
}

/// A variable of a template.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// The type and meaning of its value.
    pub about: &'static str,
}

/// Returns the template with this name.
pub fn find(name: &str) -> Option<&'static PromptTemplate> {
    TEMPLATES.iter().find(|template| template.name == name)
}

macro_rules! template {
    ($name:literal, $can_override:literal, $about:literal, { $($variable:ident: $meaning:literal),* $(,)? }) => {
        PromptTemplate {
            name: $name,
            about: $about,
            variables: &[$(Variable { name: stringify!($variable), about: $meaning }),*],
            text: include_str!(concat!("../../prompts/", $name, ".md")),
            can_override: $can_override,
        }
    };
}

/// All templates, those that a project can override first.
pub const TEMPLATES: &[PromptTemplate] = &[
    template!("plan", true, "The first turn of planning.", {
        directory: "text: the folder with the repository, for reading",
        prompt: "text: the prompt of the task",
        is_simple: "boolean: whether the task is to be planned as one planned task",
        guidance: "text: the guidance of the task's template; empty without one",
    }),
    template!("revise", true, "A reviewer requested changes to the documents.", {
        task_name: "text: the name of the task",
        comments: "text: the general comment of the review; empty without one",
        changes: "list of texts: the requested changes",
        comment_threads: "text: the comments on places of the documents, with their replies; empty without any",
    }),
    template!("fix-documents", true, "The documents that the planner wrote cannot be reviewed.", {
        problems: "list of texts: the problems",
    }),
    template!("implement", true, "A session carries out a planned task, or a task without a plan.", {
        task_name: "text: the name of the task",
        directory: "text: the folder that the session works in",
        is_planned_task: "boolean: whether the session carries out a planned task of a plan",
        title: "text: the number and title of the planned task, or the name of the session",
        description: "text: what is to be done",
        acceptance_criteria: "text: when it is done; empty without any",
        requirements: "list of texts: the acceptance criteria that the planned task cites",
        boundary: "list of texts: the paths that the planned task may change; empty for all",
        guidance: "text: the guidance of the task's template; empty without one",
        instructions: "text: the prompt that a person gave this session; empty without one",
        parent: "text: the name of the session that spawned this one; empty without one",
        finished: "list of texts: the names of the sessions that this one depends on",
    }),
    template!("conversation", true, "An interactive task, or a session of one, begins or continues.", {
        task_name: "text: the name of the task",
        directory: "text: the folder that the session works in",
        title: "text: the name of the session; empty where the person's message says what to do",
        description: "text: what the session is for",
        guidance: "text: the guidance of the task's template; empty without one",
        instructions: "text: the prompt that a person gave this session; empty without one",
        parent: "text: the name of the session that spawned this one; empty without one",
    }),
    template!("continue", true, "A session continues after its turn ended early. `implement` or `conversation` follows.", {
        why: "text: why the session continues, as a sentence",
    }),
    template!("nothing-changed", true, "The last turn changed no file. `implement` follows.", {}),
    template!("resolve-conflict", true, "A session's branch conflicts with work that was merged before.", {
        is_merge_begun: "boolean: whether the merge is under way in the worktree",
        other_branch: "text: the branch to merge",
        files: "list of texts: the files with conflicts",
        details: "text: the conflicting sections as Markdown; empty without any",
    }),
    template!("rework", true, "A reviewer requested changes to the implementation.", {
        task_name: "text: the name of the task",
        directory: "text: the folder that the session works in",
        comments: "text: the review with its line comments",
    }),
    template!("repair", true, "Checks fail or findings block the merge after all sessions are merged.", {
        task_name: "text: the name of the task",
        directory: "text: the folder that the session works in",
        task_branch: "text: the branch of the task",
        merge_branch: "text: the branch to merge to see the problem",
        problems: "list of objects with `is_check`, `name` and `details`",
    }),
    template!("report-items", true, "A turn ended, and sub-tasks are not reported. `server-report` follows.", {
        items: "list of texts: the sub-tasks that are not reported",
    }),
    template!("interrupted", true, "Begins a turn that is repeated after an interruption.", {}),
    template!("memory", true, "Begins a turn of an agent that has lost the conversation.", {
        summary: "text: the end of the session's log",
    }),
    template!("messages", true, "Delivers messages of other sessions and answers of people.", {
        messages: "list of objects with `kind`, `from`, `text`, `question` (empty unless it answers one), `data` (JSON; empty \
                   without) and `needs_answer`",
    }),
    template!("after-message", true, "Ends a turn in which a person's message interrupted the work.", {}),
    template!("server-plan", false, "Where the planner writes the documents. Follows `plan`.", {
        requirements_path: "text: the absolute path of requirements.md",
        design_path: "text: the absolute path of design.md",
        tasks_path: "text: the absolute path of tasks.md",
    }),
    template!("server-documents", false, "Where the documents are. Follows `revise`, `fix-documents`, `rework` and `report-items`.", {
        requirements_path: "text: the absolute path of requirements.md",
        design_path: "text: the absolute path of design.md",
        tasks_path: "text: the absolute path of tasks.md",
        progress_path: "text: the absolute path of progress.md",
    }),
    template!(
        "server-answers",
        false,
        "How to answer comments, which the server reads. Follows `revise`.",
        {}
    ),
    template!(
        "server-report",
        false,
        "How to report sub-tasks, which the server reads. Follows `report-items`.",
        {}
    ),
    template!("server-work", false, "How to report progress, which variables and ports to use, and who commits. Follows `implement` and \
               `conversation`.", {
        is_approved: "boolean: whether there are approved documents",
        is_shared: "boolean: whether all sessions of the task work in one worktree",
        requirements_path: "text: the absolute path of requirements.md",
        design_path: "text: the absolute path of design.md",
        tasks_path: "text: the absolute path of tasks.md",
        progress_path: "text: the absolute path of progress.md",
        environment_file: "text: the file that sets the session's variables; empty without one",
        ports: "list of numbers: the ports of the session",
    }),
    template!("server-rules", false, "The rules and boundaries of the project. Ends a session's first turn.", {
        rules: "text: the rules",
    }),
];
