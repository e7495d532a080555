//! A turn's prompt: its templates, and what follows whatever a project overrides.

use crate::story::Story;
use std::collections::BTreeMap;
use workflow::prompts::{Briefing, DocumentPaths, Rendered, render};
use workflow::*;

fn prompt(overrides: &BTreeMap<String, String>) -> Rendered {
    let story = Story::new(Isolation::Worktree);
    let session = &story.task.sessions[0];
    let documents = DocumentPaths {
        requirements: "/docs/requirements.md".to_owned(),
        design: "/docs/design.md".to_owned(),
        tasks: "/docs/tasks.md".to_owned(),
        progress: "/docs/progress.md".to_owned(),
    };
    let briefing = Briefing {
        task: &story.task,
        session,
        turn: session.turn().expect("a turn"),
        documents: &documents,
        directory: "/work",
        requirements: "",
        rules: Some("Do not add dependencies."),
        attempt: 2,
        memory: None,
        points: &[],
        environment: None,
    };
    render(&briefing, overrides)
}

#[test]
fn a_prompt_names_the_templates_that_it_is_made_of() {
    let found = prompt(&BTreeMap::new());
    let names: Vec<&str> = found.templates.iter().map(|template| template.name).collect();
    assert_eq!(names, ["interrupted", "implement", "server-work", "server-rules"]);
    assert!(found.templates.iter().all(|template| !template.is_override));
    assert!(found.text.contains("## Your task: Write the book"), "{}", found.text);
}

#[test]
fn what_the_server_depends_on_follows_an_override() {
    let overrides = BTreeMap::from([("implement".to_owned(), "Do {{ title }}.".to_owned())]);
    let found = prompt(&overrides);
    assert!(found.text.contains("\nDo Write the book.\n"), "{}", found.text);
    assert!(
        found.text.contains("SpecTask commits what is left")
            && found.text.contains("Do not add dependencies.")
    );
    let implement = found.templates.iter().find(|template| template.name == "implement").expect("a template");
    assert!(implement.is_override && implement.text == "Do {{ title }}.");
}
