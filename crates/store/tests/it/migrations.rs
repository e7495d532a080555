//! Upgrades and what is too new.

use crate::database::on_both;
use store::OpenError;
use workflow::Millis;

on_both! {
    /// Opening again changes nothing, however many open at once.
    async fn opening_is_repeatable(place: &Place) {
        let stores = futures::future::join_all((0..4).map(|_| place.open())).await;
        for store in &stores {
            store.check().await.expect("it answers");
        }
        let user = store::User { id: "usr_1".into(), name: "Ada".to_owned(), roles: Vec::new(), created_at: Millis(1) };
        stores[0].put_user(user.clone()).await.expect("saved");
        let again = place.open().await;
        assert_eq!(again.user(&user.id).await.expect("read"), Some(user));
    }

    /// A database that a newer program wrote is refused with a sentence, and not touched.
    async fn a_newer_database_is_refused(place: &Place) {
        place.open().await.close().await;
        place.sql("INSERT INTO schema_version (version) VALUES (9999)").await;
        let Err(error) = place.try_open().await else { panic!("a newer database was opened") };
        assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error:?}");
        assert!(error.to_string().contains("newer SpecTask"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_database_is_named() {
    let Err(error) = store::Store::open("mysql://somewhere").await else { panic!("opened") };
    assert!(error.to_string().contains("sqlite://"), "{error}");
}
