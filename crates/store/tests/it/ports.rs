//! Ports: one owner each, for as long as that is live.

use crate::contract::{admitted, advance};
use crate::database::on_both;
use std::collections::BTreeSet;
use store::Store;
use workflow::Input;

/// Reserves nine free ports for an owner, as often as it takes.
async fn reserve(store: Store, owner: String) -> Vec<u16> {
    loop {
        let reserved = store.reserved_ports().await.expect("read");
        let wanted: Vec<u16> = (20_000..21_000).filter(|port| !reserved.contains(port)).take(9).collect();
        if store.reserve_ports(&owner, wanted.clone()).await.expect("works") {
            return wanted;
        }
    }
}

on_both! {
    /// Fifty sessions that reserve at the same time get ports of their own, which a restart does not change.
    async fn sessions_never_share_a_port(place: &Place) {
        let store = place.open().await;
        let mut owners = Vec::new();
        for number in 1..=50 {
            owners.push(admitted(&store, number).await.sessions[0].id.to_string());
        }
        let reserving = owners.iter().map(|owner| tokio::spawn(reserve(store.clone(), owner.clone())));
        let mut all = BTreeSet::new();
        for reserved in futures::future::join_all(reserving).await {
            all.extend(reserved.expect("it ends"));
        }
        assert_eq!(all.len(), 450);
        drop(store);
        let store = place.open().await;
        assert_eq!(store.reserved_ports().await.expect("read"), all);
        assert_eq!(store.ports_of(&owners[7]).await.expect("read").len(), 9);
        store.free_ports(&owners[7]).await.expect("works");
        assert_eq!(store.reserved_ports().await.expect("read").len(), 441);
    }

    /// The ports of a session that has ended, and of an owner that is not there, are free; none is given in part.
    async fn ports_are_free_when_their_owner_ends(place: &Place) {
        let store = place.open().await;
        let (task, other) = (admitted(&store, 1).await, admitted(&store, 2).await);
        let (session, of_other) = (task.sessions[0].id.to_string(), other.sessions[0].id.to_string());
        assert!(store.reserve_ports(&session, vec![1_025, 1_026]).await.expect("works"));
        assert!(!store.reserve_ports(&of_other, vec![1_024, 1_025]).await.expect("works"), "one is taken");
        assert!(store.ports_of(&of_other).await.expect("read").is_empty());
        advance(&store, &task.id, 3_000, Input::Cancel { by: "usr_1".to_owned() }).await;
        assert_eq!(store.reserved_ports().await.expect("read"), BTreeSet::new());
        assert!(store.reserve_ports(&of_other, vec![1_024, 1_025]).await.expect("works"));
        assert!(store.reserve_ports("nothing", vec![1_026]).await.expect("works"));
        assert!(store.reserve_ports(&of_other, vec![1_026, 1_027]).await.expect("works"), "its owner is not there");
        assert_eq!(store.ports_of(&of_other).await.expect("read"), [1_026, 1_027]);
    }
}
