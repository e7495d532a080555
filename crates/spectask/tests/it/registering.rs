//! A repository is one user's project, by whatever path it is named.

use crate::harness::{Place, Server, git, http};
use serde_json::{Value, json};
use std::path::Path;
use store::{Store, Token, User};
use workflow::{Millis, UserId};

const OTHER: &str = "sptk_test_other";

/// A server that knows a second user.
async fn serve(place: &Place) -> Server {
    place.configure("prompts = []\n");
    place.serve().await.end().await;
    let store = Store::open(&format!("sqlite://{}", place.path("data/spectask.db").display())).await;
    let store = store.expect("the database");
    let id = UserId::from("usr_other");
    let user = User {
        id: id.clone(),
        name: "other".to_owned(),
        roles: vec!["member".to_owned()],
        created_at: Millis(1),
    };
    store.put_user(user).await.expect("a user");
    let token = Token {
        hash: engine::settings::owner::hash(OTHER),
        user: id,
        scope: "owner".to_owned(),
        label: "other".to_owned(),
        id: "tok_other".to_owned(),
        target: None,
        decides: true,
        origin: "created".to_owned(),
        expires_at: None,
        last_used_at: None,
        created_at: Millis(1),
        revoked_at: None,
    };
    store.put_token(token).await.expect("a token");
    store.close().await;
    place.serve().await
}

/// Registers a repository as the second user.
async fn register(server: &Server, body: &Value) -> (u16, Value) {
    let url = format!("{}/api/v1/projects", server.url);
    let answer = http().post(url).bearer_auth(OTHER).json(body).send().await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn is_refused((status, problem): &(u16, Value), name: &str) {
    assert_eq!((*status, &problem["code"]), (409, &json!("already_registered")), "{name}: {problem:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_another_users_project_is_refused_by_every_path() {
    let place = Place::new(0);
    let server = serve(&place).await;
    let repository = place.repository("book", &[("README.md", "# A book\n"), ("part/one.md", "One\n")]);
    server.project(&repository, &[]).await;
    let link = place.path("link");
    std::os::unix::fs::symlink(&repository, &link).expect("a link");
    let worktree = place.path("worktree");
    git(&repository, &["worktree", "add", "-q", worktree.to_str().expect("text"), "-b", "aside"]);
    let paths =
        [repository.clone(), link, repository.join("part"), worktree.clone(), repository.join(".git")];
    for path in &paths {
        let refused = register(&server, &json!({ "repository_path": path })).await;
        is_refused(&refused, &path.to_string_lossy());
        let sentence = refused.1["detail"].as_str().expect("a sentence");
        assert!(sentence.contains("another user") && !sentence.contains("owner"), "{sentence}");
        for url in [path.to_string_lossy().into_owned(), format!("file://{}", path.display())] {
            is_refused(&register(&server, &json!({ "clone_url": url })).await, &url);
        }
        // Its own user is told which project it is.
        let (status, problem) =
            server.try_post("/projects", &json!({ "repository_path": path })).await.expect("an answer");
        assert_eq!((status, &problem["code"]), (409, &json!("already_registered")), "{problem:#}");
        assert!(problem["detail"].to_string().contains("test"), "{problem:#}");
    }
    let bare = place.path("bare.git");
    git(
        Path::new("/"),
        &["clone", "-q", "--bare", repository.to_str().expect("text"), bare.to_str().expect("text")],
    );
    server.post("/projects", &json!({ "repository_path": bare })).await;
    let url = json!({ "clone_url": place.path("bare") });
    is_refused(&register(&server, &url).await, "a name without its end");

    let own = place.repository("own", &[("README.md", "# Mine\n")]);
    let (status, made) = register(&server, &json!({ "repository_path": own })).await;
    assert_eq!(status, 201, "{made:#}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_register_a_repository_at_once_one_has_it() {
    let place = Place::new(0);
    let server = serve(&place).await;
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let body = json!({ "repository_path": repository });
    let others = futures::future::join_all((0..4).map(|_| register(&server, &body)));
    let mine = futures::future::join_all((0..4).map(|_| server.try_post("/projects", &body)));
    let (others, mine) = tokio::join!(others, mine);
    let all: Vec<u16> = others
        .iter()
        .map(|(status, _)| *status)
        .chain(mine.into_iter().map(|answer| answer.expect("an answer").0))
        .collect();
    assert_eq!(all.iter().filter(|status| **status == 201).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|status| **status == 409).count(), 7, "{all:?}");
    server.end().await;
}
