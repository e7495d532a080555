//! The secrets that people store for sessions: encrypted in the database, decrypted for processes alone.

mod key;

use crate::clock::now;
use crate::settings::config::Config;
use anyhow::Context as _;
use key::Key;
pub use key::{check_key, key_file};
use secrets::{Exact, Redactor};
use std::collections::BTreeMap;
use store::{Store, StoreError, StoredSecret};
use workflow::{ProjectId, UserId};

/// Shorter values are in ordinary texts too, and cannot be kept out of these.
pub const MIN_CHARS: usize = 8;

/// The stored secrets. Cheap to clone.
#[derive(Clone)]
pub struct SecretStore {
    store: Store,
    redactor: Redactor,
    key: Key,
}

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the stored secrets cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error(
        "the secret {name} was encrypted with the key {stored}, and this server has the key {present} (from {origin}). Restore \
         that key and start the server again, or set the secret again with `spectask secrets set {name}`"
    )]
    OtherKey { name: String, stored: String, present: String, origin: String },
    #[error(
        "the secret {name} cannot be decrypted: its row in the database was changed. Set it again with `spectask secrets set \
         {name}`"
    )]
    Damaged { name: String },
    #[error("the secret {name} is too large to be encrypted")]
    TooLarge { name: String },
}

/// A process that gets secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver<'a> {
    /// A setup command, a check, a teardown command.
    Command,
    /// An agent, with the variables of the server's environment that it gets.
    Agent { inherits: &'a [String] },
}

impl SecretStore {
    /// Opens the store, and lets the redactor take out the values. A value that cannot be decrypted is a warning.
    pub(crate) async fn open(config: &Config, store: Store, redactor: Redactor) -> anyhow::Result<Self> {
        let opened = Self { store, redactor, key: Key::load(config)? };
        let all = opened.store.all_stored_secrets().await.context("cannot read the stored secrets")?;
        let mut values = Vec::new();
        for secret in all {
            match opened.value(&secret) {
                Ok(value) => values.push(Exact { name: secret.name, value }),
                Err(error) => tracing::warn!("{error}"),
            }
        }
        opened.learn(values);
        Ok(opened)
    }

    /// Returns whether this server's key decrypts a secret.
    pub fn is_readable(&self, secret: &StoredSecret) -> bool {
        self.value(secret).is_ok()
    }

    /// Encrypts and keeps a secret. Returns it as it is kept, and whether there was one with its name and scope.
    pub async fn set(
        &self,
        user: &UserId,
        project: Option<&ProjectId>,
        name: &str,
        value: &str,
    ) -> Result<(StoredSecret, bool), SecretError> {
        let sealed = self.key.seal(&context(user, project, name), value);
        let at = now();
        let secret = StoredSecret {
            user: user.clone(),
            project: project.cloned(),
            name: name.to_owned(),
            sealed: sealed.ok_or_else(|| SecretError::TooLarge { name: name.to_owned() })?,
            key_id: self.key.id.clone(),
            fingerprint: self.key.fingerprint(value),
            created_at: at,
            updated_at: at,
        };
        // No text that is written from here on has the value.
        self.learn(vec![Exact { name: name.to_owned(), value: value.to_owned() }]);
        let is_replaced = self.store.put_stored_secret(secret.clone()).await?;
        Ok((secret, is_replaced))
    }

    /// Returns the secrets that a process gets, by name: those of its project go before the user's own.
    ///
    /// A key of a known agent that a user set for all projects is given to the agents that use it, and to no command. One that is set
    /// for a project is for all of its processes.
    pub(crate) async fn given(
        &self,
        user: &UserId,
        project: Option<&ProjectId>,
        receiver: Receiver<'_>,
    ) -> Result<BTreeMap<String, String>, SecretError> {
        let mut chosen: BTreeMap<String, StoredSecret> = BTreeMap::new();
        // The user's own come first, and those of a project replace them.
        for secret in self.store.stored_secrets(user).await? {
            let is_given = match &secret.project {
                None => is_for(&secret.name, receiver),
                own => own.as_ref() == project,
            };
            if is_given {
                chosen.insert(secret.name.clone(), secret);
            }
        }
        let mut given = BTreeMap::new();
        for (name, secret) in chosen {
            given.insert(name, self.value(&secret)?);
        }
        // Another server may have stored them.
        self.learn(
            given.iter().map(|(name, value)| Exact { name: name.clone(), value: value.clone() }).collect(),
        );
        Ok(given)
    }

    /// Returns by which the key is known that encrypts what this server keeps.
    pub(crate) fn key_id(&self) -> &str {
        &self.key.id
    }

    /// Encrypts a secret of the server's own; `purpose` is what it is for, and decrypts it for nothing else. None when it is too
    /// large.
    pub(crate) fn seal(&self, purpose: &str, value: &str) -> Option<String> {
        self.key.seal(&own_context(purpose), value)
    }

    /// Decrypts a secret of the server's own; none when it was encrypted with another key or for another purpose.
    pub(crate) fn open_sealed(&self, purpose: &str, sealed: &str) -> Option<String> {
        self.key.open(&own_context(purpose), sealed)
    }

    fn value(&self, secret: &StoredSecret) -> Result<String, SecretError> {
        let name = secret.name.clone();
        if secret.key_id != self.key.id {
            return Err(SecretError::OtherKey {
                name,
                stored: secret.key_id.clone(),
                present: self.key.id.clone(),
                origin: self.key.origin.clone(),
            });
        }
        let context = context(&secret.user, secret.project.as_ref(), &secret.name);
        self.key.open(&context, &secret.sealed).ok_or(SecretError::Damaged { name })
    }

    fn learn(&self, values: Vec<Exact>) {
        if let Err(error) = self.redactor.learn(values) {
            tracing::error!(%error, "the values of stored secrets cannot be looked for in texts");
        }
    }
}

/// What a value is bound to: a row that is copied to another user, project or name does not decrypt.
fn context(user: &UserId, project: Option<&ProjectId>, name: &str) -> Vec<u8> {
    let parts = ["spectask secret", user.as_str(), project.map_or("", ProjectId::as_str), name];
    // Names of variables and ids have no NUL.
    parts.join("\0").into_bytes()
}

/// What a secret of the server's own is bound to.
fn own_context(purpose: &str) -> Vec<u8> {
    ["spectask server", purpose].join("\0").into_bytes()
}

/// Whether a process gets a secret that a user set for all projects.
fn is_for(name: &str, receiver: Receiver<'_>) -> bool {
    let is_agents =
        agent::catalog::known().iter().any(|known| known.inherits.iter().any(|inherited| inherited == name));
    match receiver {
        Receiver::Command => !is_agents,
        Receiver::Agent { inherits } => !is_agents || inherits.iter().any(|inherited| inherited == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store(folder: &tempfile::TempDir, key: u8) -> SecretStore {
        let url = format!("sqlite://{}", folder.path().join("db").display());
        let store = Store::open(&url);
        let redactor = Redactor::new(&secrets::Settings::default()).expect("a redactor");
        let config = Config { secrets_key: Some(hex::encode([key; 32])), ..Config::default() };
        SecretStore::open(&config, store.await.expect("a database"), redactor).await.expect("opens")
    }

    fn names(given: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[tokio::test]
    async fn a_projects_secret_goes_before_the_users_own_and_reaches_no_other_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder, 1).await;
        let (user, other) = (UserId::from("usr_1"), UserId::from("usr_2"));
        let (shop, blog) = (ProjectId::from("prj_shop"), ProjectId::from("prj_blog"));
        store.set(&user, None, "TOKEN", "of all projects").await.expect("kept");
        store.set(&user, Some(&shop), "TOKEN", "of the shop").await.expect("kept");
        let (_, is_replaced) =
            store.set(&user, Some(&shop), "SHOP_KEY", "a first value").await.expect("kept");
        assert!(!is_replaced);
        assert!(store.set(&user, Some(&shop), "SHOP_KEY", "another value").await.expect("kept").1);
        let given = store.given(&user, Some(&shop), Receiver::Command).await.expect("given");
        assert_eq!(names(&given), [("SHOP_KEY", "another value"), ("TOKEN", "of the shop")]);
        let given = store.given(&user, Some(&blog), Receiver::Command).await.expect("given");
        assert_eq!(names(&given), [("TOKEN", "of all projects")]);
        assert!(store.given(&other, Some(&shop), Receiver::Command).await.expect("given").is_empty());
        assert_eq!(
            store.redactor.redact("it is another value."),
            "it is another value.".replace("another value", &store.redactor.redact("another value"),)
        );
        assert!(!store.redactor.redact("it is another value.").contains("another value"));
    }

    #[tokio::test]
    async fn keys_of_known_agents_reach_these_agents_and_no_command() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder, 1).await;
        let (user, project) = (UserId::from("usr_1"), ProjectId::from("prj_1"));
        store.set(&user, None, "ANTHROPIC_API_KEY", "sk-ant-0123456789").await.expect("kept");
        let claude = ["ANTHROPIC_API_KEY".to_owned()];
        let codex = ["OPENAI_API_KEY".to_owned()];
        for (receiver, count) in [
            (Receiver::Command, 0),
            (Receiver::Agent { inherits: &claude }, 1),
            (Receiver::Agent { inherits: &codex }, 0),
        ] {
            let given = store.given(&user, Some(&project), receiver).await.expect("given");
            assert_eq!(given.len(), count, "{receiver:?}");
        }
        store.set(&user, Some(&project), "ANTHROPIC_API_KEY", "sk-ant-of-project").await.expect("kept");
        let given = store.given(&user, Some(&project), Receiver::Command).await.expect("given");
        assert_eq!(names(&given), [("ANTHROPIC_API_KEY", "sk-ant-of-project")]);
    }

    #[tokio::test]
    async fn another_key_and_a_moved_row_are_sentences() {
        let folder = tempfile::tempdir().expect("a folder");
        let user = UserId::from("usr_1");
        let first = store(&folder, 1).await;
        first.set(&user, None, "TOKEN", "a value of mine").await.expect("kept");
        let second = store(&folder, 2).await;
        let error = second.given(&user, None, Receiver::Command).await.expect_err("another key").to_string();
        assert!(error.contains("the secret TOKEN was encrypted with the key"), "{error}");
        assert!(
            error.contains("SPECTASK_SECRETS_KEY") && error.contains("spectask secrets set TOKEN"),
            "{error}"
        );
        let [row] = &first.store.stored_secrets(&user).await.expect("rows")[..] else { panic!("one row") };
        assert!(first.is_readable(row) && !second.is_readable(row));
        assert!(!row.sealed.contains("value") && !row.fingerprint.is_empty());
        let moved = StoredSecret { name: "OTHER".to_owned(), ..row.clone() };
        first.store.put_stored_secret(moved).await.expect("kept");
        let error = first.given(&user, None, Receiver::Command).await.expect_err("moved").to_string();
        assert!(error.contains("the secret OTHER cannot be decrypted"), "{error}");
    }
}
