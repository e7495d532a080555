//! What is taken out of everything that agents and people write, before it is stored, sent or committed.

use crate::agents::{Agents, expand};
use crate::config::Config;
use anyhow::Context as _;
use rand::RngCore as _;
use secrets::{Exact, OwnRule, Redactor, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Shorter values of variables are settings and not secrets.
const SHORTEST: usize = 8;

/// What to look for: what agents are given, what is the server's own, and what the configuration names.
pub(crate) fn redactor(config: &Config, agents: &Agents, token: &str) -> anyhow::Result<Redactor> {
    let mut exact = vec![value("spectask-token", token)];
    let given = agents.environment().into_iter().filter(|(name, text)| is_secret(name, text));
    exact.extend(given.map(|(name, text)| value(&name, &text)));
    for (name, text) in &config.secrets.values {
        exact.push(value(name, &expand(text)));
    }
    for (name, url) in [("database-password", &config.database_url), ("nats-password", &config.nats_url)] {
        exact.extend(url.as_deref().and_then(password).map(|text| value(name, text)));
    }
    let rules = config.secrets.patterns.iter();
    let rules = rules
        .map(|pattern| OwnRule {
            id: pattern.id.clone(),
            regex: pattern.regex.clone(),
            keywords: pattern.keywords.clone(),
        })
        .collect();
    let key = key(&config.data_dir.join("secrets.key"))?;
    let settings = Settings { key, exact, rules, allowed: config.secrets.allowed.clone() };
    Redactor::new(&settings).context("cannot use the patterns under [secrets] in the configuration")
}

/// A value without secrets, in every text it has.
pub(crate) fn cleaned<T: Serialize + DeserializeOwned>(redactor: &Redactor, value: T) -> T {
    let clean = serde_json::to_value(&value).and_then(|mut json| {
        redactor.redact_json(&mut json);
        serde_json::from_value(json)
    });
    clean.unwrap_or_else(|error| {
        // Tags stand in texts, and any text may have one; a value that cannot be read back is a mistake of ours.
        tracing::error!(%error, "could not look for secrets in a value");
        value
    })
}

fn value(name: &str, value: &str) -> Exact {
    Exact { name: name.to_owned(), value: value.to_owned() }
}

/// Whether a variable holds a secret and no setting: a path, a switch or a word.
fn is_secret(name: &str, text: &str) -> bool {
    const NAMES: [&str; 7] = ["key", "token", "secret", "pass", "pwd", "auth", "credential"];
    let name = name.to_ascii_lowercase();
    let is_place = text.starts_with('/') || text.contains("://") && !text.contains('@');
    let is_word = text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-. ".contains(&byte));
    text.len() >= SHORTEST && !is_place && (NAMES.iter().any(|one| name.contains(one)) || !is_word)
}

/// The password in a URL.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| password.len() >= SHORTEST)
}

/// What tags are made with: random, the same after a restart, and for this server's user alone.
fn key(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    if std::fs::read(path).is_ok_and(|bytes| bytes.len() == key.len()) {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        key.copy_from_slice(&bytes);
        return Ok(key);
    }
    rand::rng().fill_bytes(&mut key);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(&key).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_settings() {
        for (name, text) in [("API_KEY", "abcdefgh"), ("X", "Zx81Qw93kd"), ("URL", "https://a:b@c.example")] {
            assert!(is_secret(name, text), "{name}");
        }
        for (name, text) in
            [("API_KEY", "short"), ("NODE_ENV", "production"), ("AUTH_FILE", "/home/me/auth.json")]
        {
            assert!(!is_secret(name, text), "{name}");
        }
        assert_eq!(password("postgres://me:long-enough@db/x"), Some("long-enough"));
        assert_eq!(password("postgres://me@db/x"), None);
    }

    #[test]
    fn the_key_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.key");
        let first = key(&path).expect("it is written");
        assert_eq!(key(&path).expect("it is read"), first);
        assert_ne!(first, [0; 32]);
    }
}
