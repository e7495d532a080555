//! Redacts everything that agents and people write, before it is stored, sent or committed.

use crate::settings::config::Config;
use crate::settings::expand::expand;
use anyhow::Context as _;
use rand::RngCore as _;
use secrets::{Exact, OwnRule, Redactor, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Shorter values of variables are settings and not secrets.
const SHORTEST: usize = 8;

/// Returns the redactor of what agents get in their environment (`agents`), what is the server's own, and what the configuration names.
pub(crate) fn redactor(
    config: &Config,
    agents: Vec<(String, String)>,
    token: &str,
) -> anyhow::Result<Redactor> {
    let mut exact = vec![value("spectask-token", token)];
    let given = agents.into_iter().filter(|(name, text)| is_secret(name, text));
    exact.extend(given.map(|(name, text)| value(&name, &text)));
    for server in &config.mcp_servers {
        let given = server.env.iter().chain(&server.headers);
        let given =
            given.map(|(name, text)| (name, expand(text))).filter(|(name, text)| is_secret(name, text));
        exact.extend(given.map(|(name, text)| value(name, &text)));
    }
    for (name, text) in &config.secrets.values {
        exact.push(value(name, &expand(text)));
    }
    for webhook in &config.webhooks {
        exact.push(value("webhook-secret", &expand(&webhook.secret)));
    }
    for (name, url) in [("database-password", &config.database_url), ("nats-password", &config.nats_url)] {
        exact.extend(url.as_deref().and_then(password).map(|text| value(name, text)));
    }
    for weak in exact.iter().filter(|one| !secrets::is_strong(&one.value)) {
        tracing::warn!(
            secret = weak.name,
            "this secret is easy to guess, and it stands in ordinary text too: it is redacted only beside words such as `password`; choose a random value"
        );
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

/// Returns a value without secrets, in every text it has.
///
/// Where a tag would make the value unreadable, as in the name of a variant, that one text stays: it was read as one of a few
/// known words and cannot hold a secret. Every other text is redacted all the same.
pub fn cleaned<T: Serialize + DeserializeOwned>(redactor: &Redactor, value: T) -> T {
    let original = match serde_json::to_value(&value) {
        Ok(json) => json,
        // Plain data, whose serialization cannot fail.
        Err(error) => unreachable!("a value is plain data: {error}"),
    };
    let redacted = without_blocking(text_bytes(&original), || {
        let mut redacted = original.clone();
        redactor.redact_json(&mut redacted);
        redacted
    });
    if redacted == original {
        return value;
    }
    serde_json::from_value(redacted.clone()).unwrap_or_else(|error| {
        tracing::warn!(%error, "a secret stands where only known words can; redacting the other texts one by one");
        redact_each_text(redactor, value, original, &redacted)
    })
}

/// Redacts JSON in place, without holding up other work of the thread while it is long.
pub fn redact_json(redactor: &Redactor, json: &mut Value) {
    without_blocking(text_bytes(json), || redactor.redact_json(json));
}

/// Returns a text without secrets, without holding up other work of the thread while it is long.
pub fn redact<'t>(redactor: &Redactor, text: &'t str) -> Cow<'t, str> {
    without_blocking(text.len(), || redactor.redact(text))
}

/// Takes over each redacted text that leaves the value readable.
fn redact_each_text<T: DeserializeOwned>(
    redactor: &Redactor,
    value: T,
    original: Value,
    redacted: &Value,
) -> T {
    let mut places = Vec::new();
    texts(&original, String::new(), &mut places);
    let (mut json, mut readable) = (original, value);
    for place in places {
        let Some(Value::String(text)) = json.pointer(&place) else { continue };
        let clean = match redacted.pointer(&place) {
            Some(Value::String(clean)) => clean.clone(),
            _ => redactor.redact(text).into_owned(),
        };
        if clean == *text {
            continue;
        }
        let mut trial = json.clone();
        if let Some(text) = trial.pointer_mut(&place) {
            *text = clean.into();
        }
        if let Ok(read) = serde_json::from_value(trial.clone()) {
            (json, readable) = (trial, read);
        }
    }
    readable
}

/// Lists the JSON pointers of every text.
fn texts(json: &Value, at: String, places: &mut Vec<String>) {
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(_) => places.push(at),
        Value::Array(all) => {
            for (index, one) in all.iter().enumerate() {
                texts(one, format!("{at}/{index}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, one) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                texts(one, format!("{at}/{name}"), places);
            }
        }
    }
}

fn text_bytes(json: &Value) -> usize {
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(all) => all.iter().map(text_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(name, one)| name.len() + text_bytes(one)).sum(),
    }
}

/// Texts from this size on are searched without holding up other work of the thread, in bytes.
const LARGE: usize = 64 * 1024;

/// Does work on a text of some size; other tasks of the thread move to another one while it takes long.
pub(crate) fn without_blocking<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let can_move =
        Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes >= LARGE && can_move { tokio::task::block_in_place(work) } else { work() }
}

fn value(name: &str, value: &str) -> Exact {
    Exact { name: name.to_owned(), value: value.to_owned() }
}

/// Returns whether a variable holds a secret and no setting: a path, a switch, a word or the name of a model.
pub(crate) fn is_secret(name: &str, text: &str) -> bool {
    const NAMES: [&str; 7] = ["key", "token", "secret", "pass", "pwd", "auth", "credential"];
    let name = name.to_ascii_lowercase();
    let is_place = text.starts_with('/') || text.contains("://") && !text.contains('@');
    let is_url_with_password = text.contains("://") && text.contains('@');
    text.len() >= SHORTEST
        && !is_place
        && (NAMES.iter().any(|one| name.contains(one)) || is_url_with_password || secrets::is_strong(text))
}

/// Returns the password in a URL.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| password.len() >= SHORTEST)
}

/// Returns what tags are made with: random, the same after a restart, and for this server's user alone.
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
        for (name, text) in [
            ("API_KEY", "short"),
            ("NODE_ENV", "production"),
            ("AUTH_FILE", "/home/me/auth.json"),
            ("MODEL", "claude-sonnet-4-5-20250929"),
        ] {
            assert!(!is_secret(name, text), "{name}");
        }
        assert_eq!(password("postgres://me:long-enough@db/x"), Some("long-enough"));
        assert_eq!(password("postgres://me@db/x"), None);
    }

    #[test]
    fn what_cannot_hold_a_tag_keeps_nothing_else_from_being_redacted() {
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        enum Kind {
            #[serde(rename = "correct-horse-7Q2x9Zk4")]
            Known,
        }
        let exact = vec![value("word", "correct-horse-7Q2x9Zk4")];
        let redactor = Redactor::new(&Settings { exact, ..Settings::default() }).expect("it compiles");
        let (kind, texts) =
            cleaned(&redactor, (Kind::Known, vec!["it is correct-horse-7Q2x9Zk4".to_owned()]));
        assert_eq!(kind, Kind::Known);
        assert!(texts[0].starts_with("it is [secret:word:"), "{texts:?}");
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
