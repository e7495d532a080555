//! Stored secrets by scope, and leases.

use crate::database::on_both;
use store::StoredSecret;
use workflow::{Millis, ProjectId, UserId};

fn secret(project: Option<&str>, sealed: &str, at: i64) -> StoredSecret {
    StoredSecret {
        user: UserId::from("usr_1"),
        project: project.map(ProjectId::from),
        name: "TOKEN".to_owned(),
        sealed: sealed.to_owned(),
        key_id: "00".to_owned(),
        fingerprint: "ff".to_owned(),
        created_at: Millis(at),
        updated_at: Millis(at),
    }
}

on_both! {
    /// A secret is replaced within its scope, and ends with its project.
    async fn secrets_have_a_scope(place: &Place) {
        let store = place.open().await;
        let (user, project) = (UserId::from("usr_1"), ProjectId::from("prj_1"));
        assert!(!store.put_stored_secret(secret(None, "a", 1)).await.expect("works"));
        assert!(!store.put_stored_secret(secret(Some("prj_1"), "b", 2)).await.expect("works"));
        assert!(store.put_stored_secret(secret(None, "c", 3)).await.expect("works"));
        let replaced = StoredSecret { created_at: Millis(1), ..secret(None, "c", 3) };
        let all = vec![replaced.clone(), secret(Some("prj_1"), "b", 2)];
        assert_eq!(store.stored_secrets(&user).await.expect("read"), all);
        assert_eq!(store.all_stored_secrets().await.expect("read"), all);
        assert_eq!(store.stored_secrets(&UserId::from("usr_2")).await.expect("read"), []);
        store.remove_project(&project).await.expect("works");
        assert_eq!(store.stored_secrets(&user).await.expect("read"), [replaced]);
        assert!(!store.remove_stored_secret(&user, Some(&project), "TOKEN").await.expect("works"));
        assert!(store.remove_stored_secret(&user, None, "TOKEN").await.expect("works"));
        assert_eq!(store.stored_secrets(&user).await.expect("read"), []);
    }

    /// One holder at a time has a lease, until it ends.
    async fn a_lease_has_one_holder(place: &Place) {
        let store = place.open().await;
        for (holder, at, is_taken) in [("a", 0, true), ("b", 5, false), ("a", 8, true), ("b", 15, false), ("b", 19, true), ("a", 20, false)] {
            let taken = store.take_lease("work", holder, Millis(at), Millis(at + 10)).await.expect("works");
            assert_eq!(taken, is_taken, "{holder} at {at}");
        }
        assert!(store.take_lease("other work", "a", Millis(20), Millis(30)).await.expect("works"));
    }
}
