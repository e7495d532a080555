//! The subscriptions of browsers: their addresses and keys are kept encrypted.

use super::service::AddressError;
use super::{Inner, KeyError, Push};
use crate::clock::now;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{PushSubscription, StoreError};
use web_push_native::{Auth, p256};
use workflow::{Millis, UserId};

/// How many subscriptions a user has at most.
pub(super) const MAX_SUBSCRIPTIONS: u64 = 20;
/// How many hexadecimal digits of the hash of its address name a subscription.
const ID_DIGITS: usize = 24;
/// The bytes of the secret that a browser shares with its senders.
const AUTH_BYTES: usize = 16;

/// Browsers leave out the padding; some libraries do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A subscription as a browser makes it.
pub struct NewSubscription {
    pub user: UserId,
    /// The hash of the token that was shown.
    pub token: String,
    /// When the browser signed in; none for a program.
    pub signed_in_at: Option<Millis>,
    /// The project that the token is limited to.
    pub project: Option<String>,
    /// The task that the token is limited to.
    pub task: Option<String>,
    pub name: String,
    /// The address at the push service.
    pub address: String,
    /// The browser's public key, as base64url.
    pub p256dh: String,
    /// The secret that the browser shares with its senders, as base64url.
    pub auth: String,
}

/// Why a subscription is not kept.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    #[error("{0}")]
    Address(String),
    #[error("is not a public key of the curve P-256 in base64url")]
    PublicKey,
    #[error("is not {AUTH_BYTES} bytes in base64url")]
    Auth,
    #[error("you have {MAX_SUBSCRIPTIONS} subscriptions already; remove one")]
    TooMany,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where and for whom messages are encrypted.
#[derive(Serialize, Deserialize)]
pub(super) struct Browser {
    pub(super) address: String,
    p256dh: String,
    auth: String,
}

impl Browser {
    /// Encrypts a message for the browser; none when it cannot be.
    pub(super) fn encrypt(&self, message: &str) -> Option<Vec<u8>> {
        let (key, auth) = (public_key(&self.p256dh)?, auth(&self.auth)?);
        web_push_native::encrypt(message.as_bytes().to_vec(), &key, &auth).ok()
    }
}

fn public_key(text: &str) -> Option<p256::PublicKey> {
    p256::PublicKey::from_sec1_bytes(&BASE64.decode(text).ok()?).ok()
}

fn auth(text: &str) -> Option<Auth> {
    let bytes: [u8; AUTH_BYTES] = BASE64.decode(text).ok()?.try_into().ok()?;
    Some(Auth::from(bytes))
}

impl Push {
    /// Keeps a subscription. One with the same address is replaced: the browser is the same.
    pub async fn subscribe(&self, new: NewSubscription) -> Result<PushSubscription, SubscribeError> {
        let Inner { store, secrets, services, .. } = &*self.0;
        let service = services
            .check(&new.address)
            .map_err(|error: AddressError| SubscribeError::Address(error.to_string()))?;
        public_key(&new.p256dh).ok_or(SubscribeError::PublicKey)?;
        auth(&new.auth).ok_or(SubscribeError::Auth)?;
        // Without a key nothing could be sent.
        self.server_key().await?;
        let id = id_of(&new.address);
        let browser = Browser { address: new.address, p256dh: new.p256dh, auth: new.auth };
        // Plain data, whose serialization cannot fail.
        let text = serde_json::to_string(&browser).unwrap_or_default();
        let sealed = secrets.seal(&purpose(&id), &text).ok_or(KeyError::Damaged)?;
        let at = now();
        let subscription = PushSubscription {
            id: id.clone(),
            user: new.user,
            token: new.token,
            signed_in_at: new.signed_in_at.unwrap_or(Millis(0)),
            project: new.project.unwrap_or_default(),
            task: new.task.unwrap_or_default(),
            name: new.name,
            service,
            key_id: secrets.key_id().to_owned(),
            sealed,
            created_at: at,
            confirmed_at: at,
        };
        if !store.put_push_subscription(subscription.clone(), MAX_SUBSCRIPTIONS).await? {
            return Err(SubscribeError::TooMany);
        }
        Ok(store.push_subscription(&id).await?.unwrap_or(subscription))
    }

    /// Returns whether this server's key decrypts a subscription.
    pub fn is_readable(&self, subscription: &PushSubscription) -> bool {
        self.browser(subscription).is_some()
    }

    /// Returns where the messages of a subscription go; none when this server's key does not decrypt it.
    pub(super) fn browser(&self, subscription: &PushSubscription) -> Option<Browser> {
        let text = self.0.secrets.open_sealed(&purpose(&subscription.id), &subscription.sealed)?;
        serde_json::from_str(&text).ok()
    }
}

/// Returns the id of a subscription, by which its browser knows it: the beginning of the SHA-256 of its address.
fn id_of(address: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(address));
    digits.truncate(ID_DIGITS);
    format!("psh_{digits}")
}

fn purpose(id: &str) -> String {
    format!("push subscription {id}")
}
