//! Turns and sessions of an agent that behaves.

use crate::harness::{in_time, place, start};
use agent::{AgentError, AgentEvent, PermissionAnswer, Update};
use std::fmt::Write as _;

#[tokio::test]
async fn what_a_turn_does_comes_in_order_and_before_its_end() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [
            { think = "Hm." },
            { plan = ["Write", "Look"], done = 1 },
            { write = "a/b.txt", content = "one\n" },
            { edit = "a/b.txt", find = "one", replace = "two" },
            { run = "cat a/b.txt; exit 4", expect = 4 },
            { delete = "a/b.txt" },
            { say = "A sentence that is long enough to be streamed in several pieces, and another." },
        ]"#,
    );
    let mut agent = place.start().await;
    let info = agent.process.info();
    assert_eq!((info.name.as_str(), info.protocol_version, info.load_session), ("Scripted agent", 1, true));
    let session = agent.session(&place.folder("work")).await;
    let end = agent.take(&session, "1").await.unwrap();
    assert_eq!(end.stop_reason, "end_turn");

    let mut story = String::new();
    let events = agent.reported();
    assert_eq!(u64::try_from(events.len()), Ok(end.updates));
    for event in events {
        let AgentEvent::Update { session: of, replay: false, kind, raw } = event else { panic!("{event:?}") };
        assert_eq!((of.as_str(), raw["sessionId"].as_str()), (session.as_str(), Some(session.as_str())));
        let _ = match kind {
            Update::AgentText(text) => writeln!(story, "says {text:?}"),
            Update::Thought(text) => writeln!(story, "thinks {text:?}"),
            Update::Plan(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|entry| format!("{} {}", entry.content, entry.status)).collect();
                writeln!(story, "plans {}", entries.join(", "))
            }
            Update::ToolCall { title, status, raw, .. } => {
                let content = &raw["content"][0];
                let text = content["newText"].as_str().or_else(|| content["content"]["text"].as_str());
                writeln!(
                    story,
                    "tool {} {} {:?}",
                    title.unwrap_or_default(),
                    status.unwrap_or_default(),
                    text.unwrap_or_default()
                )
            }
            other => writeln!(story, "{other:?}"),
        };
    }
    insta::assert_snapshot!(story);
    agent.process.stop().await;
}

#[tokio::test]
async fn two_sessions_work_at_once_each_in_its_folder() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [{ ask = "May I?", kind = "execute" }, { write = "who.txt", content = "first" }]
        [[sessions]]
        task = "2"
        steps = [{ run = "pwd > where.txt" }, { write = "who.txt", content = "second" }]
        "#,
    );
    let mut agent = place.start().await;
    let (first, second) =
        (agent.session(&place.folder("one")).await, agent.session(&place.folder("two")).await);
    assert_ne!(first, second);
    let waiting = agent.begin(&first, "1");
    let (asking, request) = agent.asked().await;
    assert_eq!(asking, first);
    // The whole turn of the second passes while the first waits.
    assert_eq!(agent.take(&second, "2").await.unwrap().stop_reason, "end_turn");
    assert!(!place.path("one/who.txt").exists());
    assert!(place.read("two/where.txt").trim_end().ends_with("/two"));
    agent.process.answer_permission(request, &PermissionAnswer::Selected("allow".into()));
    assert_eq!(in_time(waiting).await.unwrap().unwrap().stop_reason, "end_turn");
    assert_eq!((place.read("one/who.txt"), place.read("two/who.txt")), ("first".into(), "second".into()));
    agent.process.stop().await;
}

#[tokio::test]
async fn cancelling_one_session_leaves_the_other_alone() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [{ say = "Waiting." }, { run = "sleep 1000" }]
        [[sessions]]
        task = "2"
        steps = [{ ask = "May I?" }, { write = "a", content = "b" }]
        "#,
    );
    let mut agent = place.start().await;
    let (first, second) =
        (agent.session(&place.folder("one")).await, agent.session(&place.folder("two")).await);
    let cancelled = agent.begin(&first, "1");
    agent.heard().await;
    let other = agent.begin(&second, "2");
    let (_, request) = agent.asked().await;
    agent.process.cancel(&first).await;
    assert_eq!(in_time(cancelled).await.unwrap().unwrap().stop_reason, "cancelled");
    assert!(!other.is_finished());
    agent.process.answer_permission(request, &PermissionAnswer::Selected("allow".into()));
    assert_eq!(in_time(other).await.unwrap().unwrap().stop_reason, "end_turn");
    assert_eq!(place.read("two/a"), "b");
    assert_eq!(agent.heard().await, "Done.");
    // A cancelled session takes another turn.
    let again = agent.begin(&first, "1");
    agent.heard().await;
    agent.process.cancel(&first).await;
    assert_eq!(in_time(again).await.unwrap().unwrap().stop_reason, "cancelled");
    agent.process.stop().await;
}

#[tokio::test]
async fn a_session_is_loaded_after_a_crash_and_does_not_crash_again() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [{ run = "echo x >> begun" }, { crash = 3, once = true }, { write = "done", content = "" }]
        "#,
    );
    let work = place.folder("work");
    let agent = place.start().await;
    let session = agent.session(&work).await;
    let error = agent.take(&session, "1").await.unwrap_err();
    assert_eq!(error.class().as_str(), "agent_crashed", "{error}");

    let agent = place.start().await;
    in_time(agent.process.load_session(&session, &work, &[], None)).await.unwrap();
    assert_eq!(agent.take(&session, "1").await.unwrap().stop_reason, "end_turn");
    assert_eq!(place.read("work/begun"), "x\nx\n");
    assert!(place.path("work/done").exists());
    let error = agent.process.load_session("scripted-unknown", &work, &[], None).await.unwrap_err();
    assert!(matches!(error, AgentError::Refused { code: -32002, .. }), "{error}");
    agent.process.stop().await;
}

#[tokio::test]
async fn failures_have_their_class() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [{ fail = "I will not do that" }]
        [[sessions]]
        task = "2"
        steps = [{ auth = "Run `login`." }]
        [[sessions]]
        task = "3"
        steps = [{ write = "../outside", content = "" }]
        [[sessions]]
        task = "4"
        steps = [{ run = "exit 1", expect = 0 }]
        "#,
    );
    let agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let mut classes = Vec::new();
    for number in ["1", "2", "3", "4"] {
        let error = agent.take(&session, number).await.unwrap_err();
        classes.push((error.class().as_str(), error.to_string()));
    }
    insta::assert_debug_snapshot!(classes);
    agent.process.stop().await;
}

#[tokio::test]
async fn a_session_has_one_turn_at_a_time() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ say = \"Waiting.\" }, { quiet = true }]");
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let first = agent.begin(&session, "1");
    agent.heard().await;
    let error = agent.take(&session, "1").await.unwrap_err();
    assert_eq!(error.class().as_str(), "agent_refused");
    agent.process.cancel(&session).await;
    assert_eq!(in_time(first).await.unwrap().unwrap().stop_reason, "cancelled");
    agent.process.stop().await;
}

#[tokio::test]
async fn who_tells_nothing_gets_an_answer_and_no_change() {
    let place = place("");
    let mut agent = start(place.launch(), 100).await;
    let work = place.folder("work");
    let session = agent.session(&work).await;
    let end =
        in_time(agent.process.prompt(&session, "Reply with the single word: ready", None)).await.unwrap();
    assert_eq!(end.stop_reason, "end_turn");
    assert!(agent.said().contains("not a model"));
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0);
    agent.process.stop().await;
}

#[tokio::test]
async fn options_are_offered_set_changed_by_the_agent_and_remembered() {
    let place = place(
        r#"
        [offers]
        commands = [{ name = "review", description = "Reviews the change" }]
        [[offers.options]]
        id = "model"
        name = "Model"
        category = "model"
        type = "select"
        currentValue = "small"
        options = [{ value = "small", name = "Small" }, { value = "large", name = "Large" }]
        [[offers.options]]
        id = "mode"
        name = "Mode"
        category = "mode"
        type = "select"
        currentValue = "code"
        options = [{ value = "code", name = "Code" }, { value = "plan", name = "Plan" }]
        [[sessions]]
        task = "1"
        steps = [{ show_options = true }, { set_option = "mode", value = "plan" }, { say = "Done." }]"#,
    );
    let mut agent = place.start().await;
    let folder = place.folder("work");
    let meta = serde_json::json!({ "spectask": { "original_prompt": "Test" } });
    let session = agent.process.new_session(&folder, &[], Some(meta.clone())).await.unwrap();
    let offer = agent.process.offer(&session);
    let (model, large) = offer.resolve("model", &"Large".into()).unwrap();
    agent.process.set_option(&session, &model.id, &large).await.unwrap();
    let refused = agent.process.set_option(&session, "model", &"none".into()).await.unwrap_err();
    assert!(refused.to_string().contains("has no value"), "{refused}");
    agent.take(&session, "1").await.unwrap();
    assert!(agent.said().starts_with("model = large\nmode = code"));
    let value = |offer: &agent::SessionOffer, id: &str| {
        offer.options.iter().find(|option| option.id == id).and_then(|option| option.current_value.clone())
    };
    let offer = agent.process.offer(&session);
    assert_eq!(value(&offer, "mode"), Some("plan".into()));
    assert_eq!(offer.commands[0].name, "review");
    agent.process.set_access(&session, agent::Access::Ask, Some("code")).await.unwrap();
    let kept = value(&agent.process.offer(&session), "mode");
    assert_eq!(kept, Some("plan".into()), "the agent has no mode that asks, and code permits more");
    agent.process.set_access(&session, agent::Access::Allow, Some("code")).await.unwrap();
    agent.process.stop().await;

    let agent = place.start().await;
    agent.process.load_session(&session, &folder, &[], Some(meta)).await.unwrap();
    let offer = agent.process.offer(&session);
    assert_eq!((value(&offer, "model"), value(&offer, "mode")), (Some("large".into()), Some("code".into())));
    agent.process.stop().await;
}
