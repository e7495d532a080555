//! Deliveries of webhooks and the rows of the inbox.

use crate::contract::create;
use crate::database::on_both;
use protocol::words::{InboxAction, InboxEvent, InboxKind};
use protocol::{FeedMessage, InboxItem, InboxTask, InboxUpdate};
use std::sync::Arc;
use store::{AfterAttempt, Attempt, FeedEntry, InboxFilter, NewDelivery, Store};
use workflow::{Millis, Task, UserId};

fn delivery(number: i64) -> NewDelivery {
    NewDelivery {
        endpoint: "ops".to_owned(),
        message: format!("msg_{number}"),
        event: "task.done".to_owned(),
        payload: "{}".to_owned(),
        at: Millis(number),
    }
}

fn attempt(then: AfterAttempt) -> Attempt {
    Attempt { status: 500, error: "the endpoint answered 500".to_owned(), at: Millis(100), then }
}

async fn taken(store: &Store, now: i64) -> Vec<(String, u64)> {
    let taken = store.take_deliveries("ops", Millis(now), Millis(now + 50), 8).await.expect("taken");
    taken.into_iter().map(|delivery| (delivery.message, delivery.attempts)).collect()
}

fn item(task: &Task, id: &str, kind: InboxKind, since: &str) -> InboxItem {
    InboxItem {
        id: id.to_owned(),
        kind,
        task: InboxTask {
            id: task.id.to_string(),
            short_id: "SPEC-1".into(),
            name: "Old name".into(),
            project_id: "prj_1".into(),
        },
        work_session: None,
        title: "Title".to_owned(),
        summary: String::new(),
        since: since.to_owned(),
        deadline: None,
        actions: vec![InboxAction::Open],
        content_hash: None,
        commit: None,
        request_id: None,
    }
}

async fn tell(store: &Store, owner: &UserId, event: InboxEvent, item: InboxItem, more: Vec<NewDelivery>) {
    let message = Arc::new(FeedMessage::from(InboxUpdate { event, item }));
    let topics = [format!("fleet:{owner}"), "task:any".to_owned()];
    let entries = topics.map(|topic| FeedEntry { topic, message: message.clone() }).to_vec();
    store.append_feed_with(Millis(1), entries, more).await.expect("appended");
}

on_both! {
    /// A delivery that is taken is its taker's alone until its time is over; one that fails comes back when it is due.
    async fn a_delivery_is_sent_until_it_is_delivered_or_given_up(place: &Place) {
        let store = place.open().await;
        let first = store.add_delivery(delivery(1)).await.expect("added");
        assert_eq!(store.next_delivery_at("ops").await.expect("read"), Some(Millis(1)));
        assert_eq!(taken(&store, 0).await, []);
        assert_eq!(taken(&store, 10).await, [("msg_1".to_owned(), 1)]);
        assert_eq!(taken(&store, 11).await, []);
        assert_eq!(taken(&store, 60).await, [("msg_1".to_owned(), 2)], "its taker did not say what came of it");
        store.note_attempt(first, attempt(AfterAttempt::RetryAt(Millis(500)))).await.expect("noted");
        assert_eq!(taken(&store, 499).await, []);
        assert_eq!(taken(&store, 500).await, [("msg_1".to_owned(), 3)]);
        store.note_attempt(first, attempt(AfterAttempt::Failed)).await.expect("noted");
        assert_eq!(taken(&store, 10_000).await, []);
        let kept = store.deliveries("ops", None, 10).await.expect("read");
        assert_eq!((kept[0].state.as_str(), kept[0].status, kept[0].attempts), ("failed", 500, 3));
        assert!(store.redeliver("ops", first, Millis(700)).await.expect("sent again"));
        assert!(!store.redeliver("other", first, Millis(700)).await.expect("no such"));
        assert_eq!(taken(&store, 700).await, [("msg_1".to_owned(), 1)]);
    }

    /// The log of an endpoint is bounded, and that of one that is not configured goes.
    async fn the_log_of_an_endpoint_is_bounded(place: &Place) {
        let store = place.open().await;
        for number in 0..6 {
            let id = store.add_delivery(delivery(number)).await.expect("added");
            if number < 4 {
                store.note_attempt(id, attempt(AfterAttempt::Delivered)).await.expect("noted");
            }
        }
        assert_eq!(store.prune_deliveries("ops", 3, 1).await.expect("pruned"), 2);
        let counts = store.count_deliveries("ops").await.expect("read");
        assert_eq!((counts.pending, counts.delivered, counts.failed), (1, 3, 0));
        let kept = store.deliveries("ops", None, 10).await.expect("read");
        assert_eq!(kept[0].message, "msg_5", "the newest stay");
        assert_eq!(store.remove_other_deliveries(vec!["ops".to_owned()]).await.expect("none"), 0);
        assert_eq!(store.remove_other_deliveries(Vec::new()).await.expect("all"), 4);
    }

    /// The inbox is what its messages say, in its order, page by page, with the present names of tasks.
    async fn the_inbox_is_what_its_messages_say(place: &Place) {
        let store = place.open().await;
        let task = create(&store, 1, false).await;
        let owner = task.owner.clone();
        for (id, kind, since) in [
            ("inb_a", InboxKind::SpecReview, "2026-01-01"),
            ("inb_b", InboxKind::Failure, "2026-01-03"),
            ("inb_c", InboxKind::Failure, "2026-01-02"),
        ] {
            tell(&store, &owner, InboxEvent::Added, item(&task, id, kind, since), vec![delivery(1)]).await;
        }
        assert_eq!(store.count_deliveries("ops").await.expect("read").pending, 3, "written with the messages");
        let filter = InboxFilter { owner: owner.clone(), project: None, task: None, limit: 2, after: None };
        let page = store.inbox(&filter).await.expect("read");
        let ids = |page: &store::InboxPage| page.items.iter().map(|item| item.id.clone()).collect::<Vec<_>>();
        assert_eq!((ids(&page), page.total), (vec!["inb_c".to_owned(), "inb_b".to_owned()], 3));
        assert_eq!(page.items[0].task.name, task.name);
        let after = page.next.expect("more").to_string();
        let after = store::InboxPlace::parse(&after);
        let last = store.inbox(&InboxFilter { after, ..filter.clone() }).await.expect("read");
        assert_eq!((ids(&last), last.next), (vec!["inb_a".to_owned()], None));
        let gone = item(&task, "inb_c", InboxKind::Failure, "2026-01-02");
        tell(&store, &owner, InboxEvent::Resolved, gone, Vec::new()).await;
        let mut changed = item(&task, "inb_b", InboxKind::Failure, "2026-01-03");
        "Changed".clone_into(&mut changed.summary);
        tell(&store, &owner, InboxEvent::Changed, changed, Vec::new()).await;
        let page = store.inbox(&filter).await.expect("read");
        assert_eq!((ids(&page), page.items[0].summary.as_str()), (vec!["inb_b".to_owned(), "inb_a".to_owned()], "Changed"));
        let other = InboxFilter { owner: UserId::from("usr_other"), ..filter.clone() };
        assert_eq!(store.inbox(&other).await.expect("read").total, 0);
        let project = InboxFilter { project: Some("prj_2".into()), ..filter };
        assert_eq!(store.inbox(&project).await.expect("read").total, 0);
    }
}
