//! What retention removes, and what it leaves alone.

use crate::contract::{admitted, advance, claim, entry};
use crate::database::on_both;
use store::{Expiring, KeyClaim, KeyState, Remembered};
use workflow::{Input, Millis, UserId};

on_both! {
    /// An effect goes when it is finished and its lease is over for long enough; one that is pending or claimed stays.
    async fn only_finished_effects_expire(place: &Place) {
        let store = place.open().await;
        let (first, second) = (admitted(&store, 1).await, admitted(&store, 2).await);
        let claimed = claim(&store, "w", 10_000).await;
        assert_eq!(claimed.len(), 2);
        let of_first = claimed.iter().find(|claimed| claimed.task == first.id).expect("claimed");
        assert!(store.finish_effect(&of_first.fence()).await.expect("works"));
        let what = Expiring::FinishedEffects;
        assert_eq!(store.count_expired(what, Millis(10_100)).await.expect("read").rows, 0, "its lease is not over");
        let counted = store.count_expired(what, Millis(i64::MAX)).await.expect("read");
        assert_eq!((counted.rows, counted.bytes > 0), (1, true), "{counted:?}");
        assert_eq!(store.remove_expired(what, Millis(i64::MAX)).await.expect("works"), counted);
        assert_eq!(store.remove_expired(what, Millis(i64::MAX)).await.expect("works").rows, 0);
        assert_eq!(store.pending_effects(&second.id).await.expect("read").len(), 1, "what is claimed stays");
    }

    /// An answer goes by the time of its request; the key can be used again then.
    async fn answers_expire_by_their_time(place: &Place) {
        let store = place.open().await;
        let user = UserId::from("usr_1");
        let key = |key: &str, at: i64| KeyClaim {
            user: user.clone(),
            route: "POST /x".to_owned(),
            key: key.to_owned(),
            body_hash: "h".to_owned(),
            at: Millis(at),
        };
        for (name, at) in [("old", 1_000), ("young", 2_000)] {
            store.claim_key(key(name, at)).await.expect("works");
            let answer = Remembered { status: 201, response: "{}".to_owned() };
            store.remember(&user, "POST /x", name, answer).await.expect("works");
        }
        let what = Expiring::IdempotencyAnswers;
        assert_eq!(store.count_expired(what, Millis(2_000)).await.expect("read").rows, 1);
        let removed = store.remove_expired(what, Millis(2_000)).await.expect("works");
        assert_eq!((removed.rows, removed.bytes), (1, 2));
        let young = store.claim_key(key("young", 3_000)).await.expect("works");
        assert!(matches!(young, KeyState::Answered(_)), "{young:?}");
        let old = store.claim_key(key("old", 3_000)).await.expect("works");
        assert_eq!(old, KeyState::Unanswered { since: Millis(3_000) });
    }

    /// All but the last message of a finished task goes, batch by batch; a client that missed one is told so.
    async fn the_feed_of_finished_tasks_goes(place: &Place) {
        let store = place.open().await;
        let (over, live) = (admitted(&store, 1).await, admitted(&store, 2).await);
        let topics = [format!("task:{}", over.id), format!("task:{}", live.id)];
        for topic in &topics {
            let more = (0..1_200).map(|number| entry(topic, number)).collect();
            store.append_feed(Millis(1), more).await.expect("works");
        }
        advance(&store, &over.id, 7_000, Input::Cancel { by: "usr_1".to_owned() }).await;
        let spans = |before: i64| store.feed_of_finished("task:", Millis(before), "", 10);
        assert!(spans(1_000).await.expect("read").is_empty(), "it changed at 1000");
        let found = spans(1_001).await.expect("read");
        let [span] = found.as_slice() else { panic!("one topic: {found:?}") };
        let last = store.feed_place(&topics[..1]).await.expect("read").positions[&topics[0]];
        assert_eq!((span.topic.as_str(), span.first, span.end), (topics[0].as_str(), 1, last));
        assert_eq!(span.total.rows, last - 1);
        let mut batches = Vec::new();
        loop {
            let removed = store.remove_feed(span).await.expect("works").rows;
            if removed == 0 {
                break;
            }
            batches.push(removed);
        }
        assert_eq!((batches.iter().sum::<u64>(), batches.len()), (last - 1, 3), "{batches:?}");
        assert!(spans(1_001).await.expect("read").is_empty());
        let left = store.read_feed(&topics[..1], 0, 10).await.expect("read");
        assert_eq!(left.iter().map(|row| row.seq).collect::<Vec<_>>(), [last]);
        assert_eq!(store.feed_place(&topics[..1]).await.expect("read").positions[&topics[0]], last);
        assert_eq!(store.feed_place_before(&topics[..1], 1).await.expect("read"), None, "what came before is gone");
        assert_eq!(store.last_change_of(&over.id).await.expect("read"), Some(Millis(1_000)));
        assert_eq!(store.last_change_of(&live.id).await.expect("read"), None);
        assert!(store.read_feed(&topics[1..], 0, 10_000).await.expect("read").len() > 1_200);
    }

    /// The figures count every table.
    async fn the_size_of_the_database_is_known(place: &Place) {
        let store = place.open().await;
        admitted(&store, 1).await;
        let size = store.database_size().await.expect("read");
        assert!(size.bytes > 0 && size.feed.rows > 0 && size.feed.bytes > 0, "{size:?}");
        assert!(size.logs.rows > 0 && size.logs.bytes > 0 && size.effects.rows == 1, "{size:?}");
        assert_eq!(size.idempotency.rows, 0);
        // A SQLite file shrinks when rows were removed.
        let words = "word ".repeat(2_000);
        for _ in 0..500 {
            let entry = store::FeedEntry {
                message: protocol::FeedMessage::read("test", serde_json::json!({ "words": words })).into(),
                ..entry("task:x", 1)
            };
            store.append_feed(Millis(1), vec![entry]).await.expect("works");
        }
        for span in store.feed_beyond(1, 10).await.expect("read") {
            store.remove_feed(&span).await.expect("works");
        }
        let free = store.shrinkable().await.expect("read");
        assert_eq!(free > 1_000_000, store.path().is_some(), "{free} bytes");
        let mut freed = 0;
        loop {
            match store.shrink().await.expect("works") {
                0 => break,
                more => freed += more,
            }
        }
        assert_eq!((freed, store.shrinkable().await.expect("read")), (free, 0));
    }
}
