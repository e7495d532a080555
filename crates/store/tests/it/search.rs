//! What was written is found, by its owner alone, whatever is typed.

use crate::contract::{admitted, create};
use crate::database::on_both;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use store::{Hit, Query, Revision, SearchFilter, SearchPlace, Source, Store};
use workflow::{Commit, Millis, SessionId, Task, TaskEdit};

fn filter(task: &Task, query: &str) -> SearchFilter {
    SearchFilter {
        owner: task.owner.clone(),
        query: Query::parse(query),
        source: None,
        project: None,
        task: None,
        archived: false,
        limit: 50,
        after: None,
    }
}

async fn found(store: &Store, task: &Task, query: &str) -> Vec<Hit> {
    store.search(&filter(task, query)).await.expect("an answer").hits
}

async fn catch_up(store: &Store) {
    let behind = store.unindexed().await.expect("read");
    for task in &behind.tasks {
        store.index_task(task).await.expect("indexed");
    }
    for session in &behind.sessions {
        while store.index_log(session).await.expect("indexed") {}
    }
    assert!(store.unindexed().await.expect("read").is_empty());
}

async fn say(store: &Store, session: &SessionId, entries: Vec<Value>) {
    store.append_log(session, Millis(5), entries.into_iter().map(Into::into).collect()).await.expect("saved");
}

fn chunk(text: &str) -> Value {
    json!({ "kind": "agent_message", "text": text })
}

fn marked(hit: &Hit) -> Vec<&str> {
    hit.snippet.iter().filter(|part| part.marked).map(|part| part.text.as_str()).collect()
}

fn revision(task: &Task, round: u32, requirements: &str) -> Revision {
    Revision {
        id: format!("rev_{round}").into(),
        task: task.id.clone(),
        round,
        commit: Commit("c".to_owned()),
        hash: format!("h{round}"),
        requirements: requirements.to_owned(),
        design: "# Design\n\nA token bucket per client.\n".to_owned(),
        tasks: "- [ ] 1. Count requests\n".to_owned(),
        created_at: Millis(9),
        edited_by: None,
        reviewer: None,
        decision: None,
        comments: None,
        changes: Vec::new(),
        decided_at: None,
    }
}

async fn edit(store: &Store, task: &Task, edit: TaskEdit) {
    let decide = move |task: &Task| {
        let mut after = task.clone();
        after.version += 1;
        after.name = edit.name.clone().unwrap_or(after.name);
        after.archived = edit.archived.unwrap_or(after.archived);
        let step = workflow::Step { task: after, events: Vec::new(), effects: Vec::new() };
        Ok(store::Outcome { step, feed: Vec::new(), logs: Vec::new(), deliveries: Vec::new() })
    };
    store.advance(&task.id, None, None, decide).await.expect("saved");
}

on_both! {
    /// Words are found in tasks, documents and logs; those split over chunks as well, and only what was said where it was.
    async fn what_was_written_is_found(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let session = task.sessions[0].id.clone();
        say(&store, &session, vec![chunk("The rate lim"), chunk("iter lives in src/api/rateLimiter.rs"), chunk(".")]).await;
        say(&store, &session, vec![json!({ "kind": "user_message", "text": "Use a leaky bucket" }), chunk("Yes, leaky")]).await;
        store.put_revision(revision(&task, 1, "# Requirements\n\nWHEN a client is too fast\n")).await.expect("saved");
        catch_up(&store).await;
        for query in ["limiter", "\"rate limiter\"", "rate_limiter", "rateLimiter", "src/api/rateLimiter.rs", "ratelim*", "LIMITER -absent"] {
            let hits = found(&store, &task, query).await;
            assert_eq!(hits.len(), 1, "{query}: {hits:#?}");
            assert_eq!((hits[0].source, hits[0].session.as_ref()), (Source::Transcript, Some(&session)), "{query}");
        }
        let hits = found(&store, &task, "limiter").await;
        assert_eq!(marked(&hits[0]), ["limiter", "Limiter"]);
        let leaky = found(&store, &task, "\"leaky bucket\"").await;
        let tail = store.log_tail(&session).await.expect("read");
        assert_eq!(leaky[0].seq, Some(tail - 1), "the entry it is in: {leaky:#?}");
        assert_eq!(found(&store, &task, "\"bucket yes\"").await, [], "no phrase reaches from one message into another");
        let bucket = found(&store, &task, "bucket").await;
        assert_eq!(bucket.iter().filter(|hit| hit.document.as_deref() == Some("design") && hit.line == Some(3)).count(), 1);
        assert_eq!(found(&store, &task, "bucket -token").await.len(), 1);
        assert_eq!(found(&store, &task, "thing absent OR 100").await[0].source, Source::Task);
        let only = SearchFilter { source: Some(Source::Spec), ..filter(&task, "bucket") };
        assert_eq!(store.search(&only).await.expect("an answer").hits.len(), 1);
        // A later round takes the place of the one before.
        store.put_revision(revision(&task, 2, "# Requirements\n\nWHEN a client is patient\n")).await.expect("saved");
        edit(&store, &task, TaskEdit { name: Some("Patience".to_owned()), ..TaskEdit::default() }).await;
        catch_up(&store).await;
        assert_eq!(found(&store, &task, "fast").await, []);
        assert_eq!(found(&store, &task, "patient").await.len(), 1);
        assert_eq!(found(&store, &task, "patience").await.len(), 1);
    }

    /// Others' tasks are not found, nor what is archived unless it is asked for, nor what is gone.
    async fn only_what_is_ones_own_is_found(place: &Place) {
        let store = place.open().await;
        let (mine, other) = (admitted(&store, 1).await, admitted(&store, 2).await);
        for task in [&mine, &other] {
            say(&store, &task.sessions[0].id, vec![chunk("the common word")]).await;
        }
        catch_up(&store).await;
        let hits = found(&store, &mine, "common").await;
        assert_eq!(hits.iter().map(|hit| &hit.task).collect::<Vec<_>>(), [&mine.id]);
        let elsewhere = SearchFilter { project: Some("prj_2".into()), ..filter(&mine, "common") };
        assert!(store.search(&elsewhere).await.expect("an answer").hits.is_empty());
        edit(&store, &mine, TaskEdit { archived: Some(true), ..TaskEdit::default() }).await;
        assert_eq!(found(&store, &mine, "common").await, []);
        let all = SearchFilter { archived: true, ..filter(&mine, "common") };
        assert_eq!(store.search(&all).await.expect("an answer").hits.len(), 1);
        place.sql(&format!("DELETE FROM tasks WHERE id = '{}'", other.id)).await;
        assert_eq!(found(&store, &other, "common").await, []);
        catch_up(&store).await;
        assert_eq!(found(&store, &other, "common").await, []);
    }

    /// Pages go on where the one before ended, whatever is indexed meanwhile; together they have everything once.
    async fn results_come_in_pages(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let session = &task.sessions[0].id;
        for number in 0..25 {
            let text = format!("needle {number} {}", "hay ".repeat(1_200));
            say(&store, session, vec![json!({ "kind": "user_message", "text": text })]).await;
        }
        catch_up(&store).await;
        let mut page = SearchFilter { limit: 10, ..filter(&task, "needle") };
        let mut seen: Vec<u64> = Vec::new();
        loop {
            let answer = store.search(&page).await.expect("an answer");
            assert_eq!(answer.total, 25);
            seen.extend(answer.hits.iter().filter_map(|hit| hit.seq));
            say(&store, session, vec![json!({ "kind": "user_message", "text": "one more needle" })]).await;
            catch_up(&store).await;
            let Some(next) = answer.next else { break };
            assert_eq!(SearchPlace::parse(&next.to_string()), Some(next));
            page.after = Some(next);
        }
        let many = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((many, seen.len()), (25, 25));
    }

    /// A log of tiny chunks is indexed in any number of steps and by several servers at once, and nothing is there twice.
    async fn steps_are_whole(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        let session = task.sessions[0].id.clone();
        let other = place.open().await;
        for round in 0..6 {
            let words = (0..400).map(|number| chunk(&format!("w{round}x{number} "))).collect();
            say(&store, &session, words).await;
            let index = |store: Store| { let session = session.clone(); async move { while store.index_log(&session).await.expect("indexed") {} } };
            tokio::join!(index(store.clone()), index(other.clone()), index(store.clone()));
        }
        catch_up(&store).await;
        for word in ["w0x0", "w0x399", "w2x111", "w3x0", "w5x399"] {
            let hits = found(&store, &task, word).await;
            assert_eq!(hits.len(), 1, "{word}: {hits:#?}");
            assert_eq!(marked(&hits[0]), [word]);
        }
    }

    /// Whatever is typed is answered.
    async fn nothing_that_is_typed_is_wrong(place: &Place) {
        let store = place.open().await;
        let task = admitted(&store, 1).await;
        say(&store, &task.sessions[0].id, vec![chunk("it's \"quoted\" AND (odd) \\ 'x':* NEAR/2 {words} ^a <-> b|c & !d")]).await;
        catch_up(&store).await;
        let mut runner = TestRunner::default();
        let typed = prop_oneof![
            any::<String>(),
            "[-\"'*()&|!:^{}<>\\\\ a-cA-C0-9_/.ORANDT~¶é京]{0,40}",
            "(AND|OR|NOT|NEAR|scope|words|=o|\"|\\*|-| |:|\\(|\\)|it's){0,12}",
        ];
        for _ in 0..300 {
            let text = typed.new_tree(&mut runner).expect("a text").current().replace('\0', "");
            let answer = store.search(&filter(&task, &text)).await;
            assert!(answer.is_ok(), "{text:?}: {answer:?}");
        }
        // Each word of a text finds it.
        for word in ["it's", "\"quoted\"", "odd", "near/2", "{words}", "b|c"] {
            assert_eq!(found(&store, &task, word).await.len(), 1, "{word}");
        }
        let other = create(&store, 3, false).await;
        assert_eq!(found(&store, &other, "scope:kt OR =okt").await, [], "no query reaches the scope");
    }
}
