//! Push messages: what waits for a person, sent to the browsers that asked for it, also while no page is open.
//!
//! The messages are queued with webhooks, in the transaction of the change that they are about, and written when they are sent:
//! they say what the item says then, and an item that was answered is not sent. Push services get them encrypted for the browser
//! (RFC 8291), with a signature by which they know the server (RFC 8292).

mod deliver;
mod key;
mod message;
mod service;
mod subscription;

pub(crate) use deliver::run;
pub use message::TEST;
pub use subscription::{NewSubscription, SubscribeError};

use crate::notifications::webhooks::Webhooks;
use crate::settings::config::Config;
use crate::settings::secret_store::SecretStore;
use key::ServerKey;
use service::Services;
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::{Notify, OnceCell};

/// The sender of push messages. Cheap to clone.
#[derive(Clone)]
pub struct Push(Arc<Inner>);

struct Inner {
    store: Store,
    secrets: SecretStore,
    services: Services,
    /// How push services reach who runs the server.
    contact: Option<String>,
    key: OnceCell<Arc<ServerKey>>,
    wake: Arc<Notify>,
}

/// Why the server's key for push messages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key of push messages cannot be read or kept: {0}")]
    Store(#[from] StoreError),
    #[error(
        "the key of push messages cannot be decrypted: its row in the database was changed. Remove the row of the table push_keys; \
         browsers then have to turn notifications on again"
    )]
    Damaged,
}

impl Push {
    /// Reads the settings. The error says which one cannot be used, and what to change.
    pub(crate) fn new(
        config: &Config,
        store: Store,
        secrets: SecretStore,
        webhooks: &Webhooks,
    ) -> anyhow::Result<Self> {
        let services = Services::new(&config.push.private_services)?;
        let contact = key::contact(config)?;
        let (key, wake) = (OnceCell::new(), webhooks.push_wake());
        Ok(Self(Arc::new(Inner { store, secrets, services, contact, key, wake })))
    }

    /// Returns the public part of the server's key, as base64url: browsers give it to their push service. The key is made at first
    /// use.
    pub async fn public_key(&self) -> Result<String, KeyError> {
        Ok(self.server_key().await?.public.clone())
    }

    /// Wakes the sender.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    async fn server_key(&self) -> Result<Arc<ServerKey>, KeyError> {
        let Inner { store, secrets, .. } = &*self.0;
        let key = self.0.key.get_or_try_init(|| async {
            Ok::<_, KeyError>(Arc::new(ServerKey::load_or_make(store, secrets).await?))
        });
        Ok(Arc::clone(key.await?))
    }
}
