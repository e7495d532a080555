//! Short ids of tasks and keys of projects.

use crate::contract::{create_in, project};
use crate::database::on_both;
use store::{Project, Store, StoreError};
use workflow::{ProjectId, ShortId, Task, UserId};

async fn next(store: &Store, project: &ProjectId) -> ShortId {
    store.next_short_id(project).await.expect("read").expect("the project is there").short_id
}

fn shown(task: &Task) -> &str {
    task.shown_id()
}

on_both! {
    /// Numbers count up without gaps, whatever fails between, and a short id finds its task.
    async fn short_ids_count_up(place: &Place) {
        let store = place.open().await;
        let project = store.put_project(project("prj_1", "todo app")).await.expect("saved");
        assert_eq!(project.key, "TODO");
        let first = next(&store, &project.id).await;
        let task = create_in(&store, 1, Some(first.clone())).await.expect("saved");
        // A number that another task has is not given again, and one that was not taken is the next one all the same.
        assert!(matches!(create_in(&store, 3, Some(first.clone())).await, Err(StoreError::Overtaken)));
        assert!(matches!(create_in(&store, 1, Some(next(&store, &project.id).await)).await, Err(StoreError::Conflict(_))));
        let second = create_in(&store, 3, Some(next(&store, &project.id).await)).await.expect("saved");
        assert_eq!((shown(&task), shown(&second)), ("TODO-1", "TODO-2"));
        let found = store.task_by_short_id(&task.owner, &first).await.expect("read");
        assert_eq!(found.as_ref(), Some(&task.id));
        assert_eq!(store.task_by_short_id(&UserId::from("usr_other"), &first).await.expect("read"), None);
        store.number_tasks_after(&project.id, 9).await.expect("saved");
        store.number_tasks_after(&project.id, 4).await.expect("saved");
        assert_eq!(next(&store, &project.id).await.as_str(), "TODO-10");
    }

    /// A key has one project of an owner, also after the project takes another key.
    async fn keys_are_unique(place: &Place) {
        let store = place.open().await;
        let first = store.put_project(project("prj_1", "todo")).await.expect("saved");
        let second = store.put_project(project("prj_2", "todo")).await.expect("saved");
        assert_eq!((first.key.as_str(), second.key.as_str()), ("TODO", "TODO2"));
        let other = Project { owner: "usr_other".into(), ..project("prj_3", "todo") };
        assert_eq!(store.put_project(other).await.expect("saved").key, "TODO");
        let task = create_in(&store, 1, Some(next(&store, &first.id).await)).await.expect("saved");
        let renamed = Project { key: "APP".to_owned(), ..first.clone() };
        store.put_project(renamed).await.expect("saved");
        let taken = store.put_project(Project { key: "TODO".to_owned(), ..second }).await;
        assert!(matches!(taken, Err(StoreError::KeyTaken { .. })), "{taken:?}");
        assert_eq!(shown(&task), "TODO-1");
        assert_eq!(next(&store, &first.id).await.as_str(), "APP-2");
        store.remove_project(&first.id).await.expect("removed");
        let again = store.put_project(project("prj_4", "todo")).await.expect("saved");
        assert_eq!(again.key, "TODO3", "tasks of a removed project keep their short ids");
    }

    /// Tasks of an earlier version get short ids when the database is opened, in the order in which they were created, and their
    /// branches keep their names.
    async fn earlier_tasks_get_short_ids(place: &Place) {
        let store = place.open().await;
        store.put_project(project("prj_1", "todo")).await.expect("saved");
        let mut before = Vec::new();
        for number in [1, 3, 5] {
            before.push(create_in(&store, number, None).await.expect("saved"));
        }
        let branch = before[0].branch();
        store.close().await;
        place.sql("DELETE FROM project_keys").await;
        let store = place.open().await;
        for (task, short_id) in before.iter().zip(["TODO-1", "TODO-2", "TODO-3"]) {
            let found = store.task(&task.id).await.expect("read").expect("it is there");
            assert_eq!(shown(&found), short_id);
        }
        let found = store.task(&before[0].id).await.expect("read").expect("it is there");
        assert_eq!((found.branch(), found.version), (branch, before[0].version));
        assert_eq!(next(&store, &"prj_1".into()).await.as_str(), "TODO-4");
    }
}
