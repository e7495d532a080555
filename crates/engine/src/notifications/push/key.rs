//! The key by which push services know the server (VAPID, RFC 8292).

use super::KeyError;
use crate::clock::now;
use crate::settings::config::Config;
use crate::settings::secret_store::SecretStore;
use anyhow::ensure;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngCore as _;
use serde_json::{Value, json};
use store::{PushKey, Store};
use web_push_native::p256::ecdsa::signature::Signer as _;
use web_push_native::p256::ecdsa::{Signature, SigningKey};
use workflow::Millis;

/// What the private key is encrypted for.
const PURPOSE: &str = "push key";
/// How long a signature holds, in seconds; push services take at most a day.
const VALID_SECONDS: i64 = 12 * 3600;

/// The server's key.
pub(super) struct ServerKey {
    signing: SigningKey,
    /// The public part, as base64url of an uncompressed point.
    pub(super) public: String,
}

impl ServerKey {
    /// Reads the key that this server's key of stored secrets decrypts, or makes and keeps one.
    pub(super) async fn load_or_make(store: &Store, secrets: &SecretStore) -> Result<Self, KeyError> {
        let kept = match store.push_key(secrets.key_id()).await? {
            Some(kept) => kept,
            None => {
                let (private, made) = Self::make();
                let sealed = secrets.seal(PURPOSE, &private).ok_or(KeyError::Damaged)?;
                let (key_id, public_key) = (secrets.key_id().to_owned(), made.public);
                store.add_push_key(PushKey { key_id, public_key, sealed, created_at: now() }).await?
            }
        };
        let private = secrets.open_sealed(PURPOSE, &kept.sealed).and_then(|text| hex::decode(text).ok());
        let read = private.and_then(|bytes| Self::of(&bytes));
        read.filter(|key| key.public == kept.public_key).ok_or(KeyError::Damaged)
    }

    /// Makes a key; its private part comes in hexadecimal digits.
    fn make() -> (String, Self) {
        loop {
            let mut bytes = [0; 32];
            rand::rng().fill_bytes(&mut bytes);
            // Nearly every number is a key.
            if let Some(key) = Self::of(&bytes) {
                return (hex::encode(bytes), key);
            }
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let signing = SigningKey::from_slice(bytes).ok()?;
        let point = signing.verifying_key().to_encoded_point(false);
        Some(Self { public: BASE64_URL_SAFE_NO_PAD.encode(point.as_bytes()), signing })
    }

    /// Returns the `Authorization` header of a request to a push service.
    pub(super) fn authorization(&self, service: &str, contact: Option<&str>, at: Millis) -> String {
        let mut claims = json!({ "aud": service, "exp": at.0 / 1000 + VALID_SECONDS });
        if let Some(contact) = contact {
            claims["sub"] = json!(contact);
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ES256" })), part(&claims));
        let signature: Signature = self.signing.sign(signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public)
    }
}

/// Returns how push services reach who runs a server.
pub(super) fn contact(config: &Config) -> anyhow::Result<Option<String>> {
    let is_contact = |text: &str| text.starts_with("mailto:") || text.starts_with("https://");
    match &config.push.contact {
        Some(contact) => {
            ensure!(
                is_contact(contact) && !contact.chars().any(char::is_whitespace),
                "push.contact is {contact:?}; set an address such as \"mailto:ops@example.org\" or \"https://example.org\""
            );
            Ok(Some(contact.clone()))
        }
        None => Ok(config.public_url.clone().filter(|url| url.starts_with("https://"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web_push_native::p256::ecdsa::VerifyingKey;
    use web_push_native::p256::ecdsa::signature::Verifier as _;

    #[test]
    fn an_authorization_is_signed_for_one_service_and_for_less_than_a_day() {
        let (private, key) = ServerKey::make();
        let header =
            key.authorization("https://push.example:8443", Some("mailto:ops@example.org"), Millis(5_000));
        let (token, public) =
            header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("two parts");
        assert_eq!(public, ServerKey::of(&hex::decode(private).expect("hex")).expect("a key").public);
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let claims: Value =
            serde_json::from_slice(&decode(signed.split_once('.').expect("claims").1)).expect("JSON");
        assert_eq!(
            claims,
            json!({ "aud": "https://push.example:8443", "exp": 43_205, "sub": "mailto:ops@example.org" })
        );
        let verifier = VerifyingKey::from_sec1_bytes(&decode(public)).expect("a point");
        let signature = Signature::from_slice(&decode(signature)).expect("a signature");
        verifier.verify(signed.as_bytes(), &signature).expect("it is the key's");
        assert!(verifier.verify(b"another", &signature).is_err());
    }

    #[test]
    fn the_contact_is_an_address_that_people_can_use() {
        let read = |given: Option<&str>, url: Option<&str>| {
            let mut config = Config { public_url: url.map(str::to_owned), ..Config::default() };
            config.push.contact = given.map(str::to_owned);
            contact(&config).map_err(|error| error.to_string())
        };
        assert_eq!(read(Some("mailto:a@b.c"), None), Ok(Some("mailto:a@b.c".to_owned())));
        assert_eq!(read(None, Some("https://b.c")), Ok(Some("https://b.c".to_owned())));
        assert_eq!(read(None, Some("http://localhost:1")), Ok(None));
        assert!(read(Some("a@b.c"), None).expect_err("no address").contains("mailto:ops@example.org"));
    }
}
