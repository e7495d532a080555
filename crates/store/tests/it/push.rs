//! Subscriptions to push messages, and the messages that a change of the inbox queues for them.

use crate::contract::create;
use crate::database::on_both;
use protocol::words::{InboxAction, InboxEvent, InboxKind};
use protocol::{FeedMessage, InboxItem, InboxTask, InboxUpdate};
use std::sync::Arc;
use store::{AfterAttempt, Attempt, BrowserSession, FeedEntry, PushKey, PushSubscription, Store, Token};
use workflow::{Millis, Task, UserId};

fn subscription(id: &str, user: &UserId, token: &str) -> PushSubscription {
    PushSubscription {
        id: id.to_owned(),
        user: user.clone(),
        token: token.to_owned(),
        signed_in_at: Millis(0),
        project: String::new(),
        task: String::new(),
        name: "Firefox".to_owned(),
        service: "https://push.example.org".to_owned(),
        key_id: "k".to_owned(),
        sealed: "00".to_owned(),
        created_at: Millis(1),
        confirmed_at: Millis(1),
    }
}

async fn keep(store: &Store, subscription: PushSubscription) {
    assert!(store.put_push_subscription(subscription, 20).await.expect("kept"));
}

fn item(task: &Task, id: &str) -> InboxItem {
    InboxItem {
        id: id.to_owned(),
        kind: InboxKind::Failure,
        task: InboxTask {
            id: task.id.to_string(),
            short_id: "SPEC-1".into(),
            name: task.name.clone(),
            project_id: task.project.to_string(),
        },
        work_session: None,
        title: "Title".to_owned(),
        summary: String::new(),
        since: "2026-01-01".to_owned(),
        deadline: None,
        actions: vec![InboxAction::Open],
        content_hash: None,
        commit: None,
        request_id: None,
    }
}

async fn tell(store: &Store, task: &Task, event: InboxEvent, id: &str, at: i64) {
    let message = Arc::new(FeedMessage::from(InboxUpdate { event, item: item(task, id) }));
    let topics = [format!("fleet:{}", task.owner), format!("task:{}", task.id)];
    let entries = topics.map(|topic| FeedEntry { topic, message: message.clone() }).to_vec();
    store.append_feed_with(Millis(at), entries, Vec::new()).await.expect("appended");
}

/// The messages of a subscription with their states, the newest first.
async fn log(store: &Store, id: &str) -> Vec<(String, String)> {
    let found = store.deliveries(&format!("push:{id}"), None, 100).await.expect("read");
    found.into_iter().map(|delivery| (delivery.message, delivery.state)).collect()
}

fn row(message: &str, state: &str) -> (String, String) {
    (message.to_owned(), state.to_owned())
}

async fn ids(store: &Store, user: &UserId) -> Vec<String> {
    let found = store.push_subscriptions(user).await.expect("read");
    found.into_iter().map(|subscription| subscription.id).collect()
}

on_both! {
    /// Items are queued for the owner's subscriptions whose token sees them; a later state replaces the earlier one, and an
    /// answer withdraws what is not delivered.
    async fn messages_follow_the_inbox(place: &Place) {
        let store = place.open().await;
        let task = create(&store, 1, false).await;
        let owner = task.owner.clone();
        keep(&store, subscription("all", &owner, "t")).await;
        keep(&store, PushSubscription { project: task.project.to_string(), ..subscription("project", &owner, "t") }).await;
        keep(&store, PushSubscription { project: "prj_other".to_owned(), ..subscription("other", &owner, "t") }).await;
        keep(&store, PushSubscription { task: "spt_other".to_owned(), ..subscription("task", &owner, "t") }).await;
        keep(&store, subscription("user", &"usr_other".into(), "u")).await;
        tell(&store, &task, InboxEvent::Added, "inb_a", 10).await;
        for (id, many) in [("all", 1), ("project", 1), ("other", 0), ("task", 0), ("user", 0)] {
            assert_eq!(log(&store, id).await.len(), many, "{id}");
        }
        let due = store.due_push_subscriptions(Millis(10)).await.expect("read");
        let mut due: Vec<String> = due.into_iter().map(|subscription| subscription.id).collect();
        due.sort();
        assert_eq!(due, ["all", "project"]);
        assert!(store.due_push_subscriptions(Millis(9)).await.expect("read").is_empty());

        let taken = store.take_deliveries("push:all", Millis(10), Millis(50), 8).await.expect("taken");
        tell(&store, &task, InboxEvent::Changed, "inb_a", 11).await;
        assert_eq!(log(&store, "all").await, [row("inb_a", "pending"), row("inb_a", "withdrawn")]);
        assert!(store.is_replaced("push:all", "inb_a", taken[0].id).await.expect("read"));
        // What arrived although it was withdrawn on its way was delivered.
        let delivered = Attempt { status: 201, error: String::new(), at: Millis(12), then: AfterAttempt::Delivered };
        store.note_attempt(taken[0].id, delivered).await.expect("noted");
        tell(&store, &task, InboxEvent::Added, "inb_b", 13).await;
        tell(&store, &task, InboxEvent::Resolved, "inb_a", 14).await;
        assert_eq!(
            log(&store, "all").await,
            [row("inb_b", "pending"), row("inb_a", "withdrawn"), row("inb_a", "delivered")]
        );
        let counts = store.count_deliveries("push:all").await.expect("read");
        assert_eq!((counts.pending, counts.delivered, counts.failed, counts.withdrawn), (1, 1, 0, 1));
        // The messages of push are not those of webhooks that are not configured.
        assert_eq!(store.remove_other_deliveries(Vec::new()).await.expect("none"), 0);
        assert!(store.remove_push_subscription("all").await.expect("removed"));
        assert!(!store.remove_push_subscription("all").await.expect("removed before"));
        assert_eq!(log(&store, "all").await, []);
        assert_eq!(log(&store, "project").await.len(), 3);
    }

    /// Subscriptions end with their token and with the sign-out of their browser.
    async fn subscriptions_end_with_their_credential(place: &Place) {
        let store = place.open().await;
        let user: UserId = "usr_1".into();
        for hash in ["one", "two"] {
            let token = Token {
                hash: hash.to_owned(),
                id: format!("tok_{hash}"),
                user: user.clone(),
                scope: "owner".to_owned(),
                target: None,
                decides: false,
                label: "laptop".to_owned(),
                origin: "created".to_owned(),
                created_at: Millis(1),
                expires_at: None,
                last_used_at: None,
                revoked_at: None,
            };
            store.put_token(token).await.expect("saved");
        }
        let signed_in = async |hash: &str, at: i64| {
            let session = BrowserSession {
                hash: hash.to_owned(),
                user: user.clone(),
                token: "two".to_owned(),
                signed_in_at: Millis(at),
                issued_at: Millis(at),
                expires_at: Millis(1_000),
            };
            store.put_browser_session(session).await.expect("saved");
            PushSubscription { signed_in_at: Millis(at), ..subscription(hash, &user, "two") }
        };
        keep(&store, subscription("of one", &user, "one")).await;
        keep(&store, subscription("program", &user, "two")).await;
        for (hash, at) in [("laptop", 5), ("phone", 6), ("tablet", 7)] {
            let subscription = signed_in(hash, at).await;
            keep(&store, subscription).await;
        }
        store.revoke_token("one", Millis(8)).await.expect("revoked");
        assert_eq!(ids(&store, &user).await, ["laptop", "phone", "program", "tablet"]);
        store.end_browser_sessions("laptop", false).await.expect("ended");
        assert_eq!(ids(&store, &user).await, ["phone", "program", "tablet"]);
        store.end_browser_sessions("phone", true).await.expect("ended");
        assert_eq!(ids(&store, &user).await, ["program"]);
        store.remove_token("two").await.expect("removed");
        assert_eq!(ids(&store, &user).await, Vec::<String>::new());
    }

    /// A subscription of the same address is the same one; another user who signs in with the browser gets nothing of the first.
    async fn an_address_has_one_subscription_and_a_user_not_too_many(place: &Place) {
        let store = place.open().await;
        let task = create(&store, 1, false).await;
        let owner = task.owner.clone();
        keep(&store, subscription("one", &owner, "t")).await;
        tell(&store, &task, InboxEvent::Added, "inb_a", 10).await;
        let again = PushSubscription { created_at: Millis(9), confirmed_at: Millis(9), ..subscription("one", &owner, "t") };
        keep(&store, again).await;
        let kept = store.push_subscription("one").await.expect("read").expect("kept");
        assert_eq!((kept.created_at, kept.confirmed_at), (Millis(1), Millis(9)));
        assert_eq!(log(&store, "one").await.len(), 1);
        keep(&store, subscription("one", &"usr_other".into(), "u")).await;
        assert_eq!(log(&store, "one").await, []);
        assert_eq!(ids(&store, &owner).await, Vec::<String>::new());
        keep(&store, subscription("two", &owner, "t")).await;
        keep(&store, subscription("three", &owner, "t")).await;
        assert!(!store.put_push_subscription(subscription("four", &owner, "t"), 2).await.expect("too many"));
        assert!(store.put_push_subscription(subscription("two", &owner, "t"), 2).await.expect("the same"));
    }

    /// The first key that is kept for a key of the server stays.
    async fn a_key_is_made_once(place: &Place) {
        let store = place.open().await;
        let key = |public: &str| PushKey {
            key_id: "k".to_owned(),
            public_key: public.to_owned(),
            sealed: "00".to_owned(),
            created_at: Millis(1),
        };
        assert_eq!(store.push_key("k").await.expect("read"), None);
        assert_eq!(store.add_push_key(key("first")).await.expect("kept"), key("first"));
        assert_eq!(store.add_push_key(key("second")).await.expect("kept"), key("first"));
        assert_eq!(store.push_key("other").await.expect("read"), None);
    }
}
