//! The owner of a server, and the token that a server starts with.
//!
//! The store keeps hashes of tokens only. The token that the command line uses is in a file of the data directory that
//! only its user may read; agents' sandboxes hide that directory.

use crate::clock::now;
use crate::settings::config::Config;
use anyhow::Context as _;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use store::{AuditEntry, Store, Token, User};
use workflow::UserId;

/// The owner's id, the same on every server.
pub const OWNER: &str = "usr_owner";
/// The name of the token that a server starts with.
const LABEL: &str = "owner";
/// Shorter tokens can be guessed.
const MIN_LENGTH: usize = 12;

/// Creates the owner on the first start, and returns the token that this server starts with: that of `SPECTASK_TOKEN`,
/// else the one in the data directory, else a random one.
///
/// Another `SPECTASK_TOKEN` than at the start before replaces that one. Replicas that share a database each keep the token
/// of their own data directory.
pub(crate) async fn ensure(store: &Store, config: &Config) -> anyhow::Result<String> {
    let owner = UserId::from(OWNER);
    store
        .put_user(User {
            id: owner.clone(),
            name: "owner".to_owned(),
            roles: vec!["owner".to_owned()],
            created_at: now(),
        })
        .await?;
    let path = config.data_dir.join("token");
    let written = std::fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
    let tokens = store.tokens(&owner).await?;
    let known = |token: &str| tokens.iter().find(|known| known.hash == hash(token));
    let (token, origin) = match &config.token {
        Some(token) => {
            check_given(token, known(token))?;
            replace_others(store, &tokens, token, &written).await?;
            (token.clone(), "environment")
        }
        None if !written.is_empty() && known(&written).is_none_or(is_usable) => (written.clone(), "file"),
        None => {
            if !written.is_empty() {
                tracing::warn!(file = %path.display(), "the token in the data directory was revoked; making another");
            }
            (fresh(), "file")
        }
    };
    if known(&token).is_none() {
        let token = Token {
            hash: hash(&token),
            id: format!("tok_{}", ulid::Ulid::generate()),
            user: owner,
            scope: "owner".to_owned(),
            target: None,
            decides: true,
            label: LABEL.to_owned(),
            origin: origin.to_owned(),
            created_at: now(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        store.put_token(token).await?;
    }
    if written != token {
        write(&path, &token)?;
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot protect {}", path.display()))?;
    Ok(token)
}

fn is_usable(token: &Token) -> bool {
    token.is_valid_at(now()) && token.scope == "owner"
}

/// Refuses a `SPECTASK_TOKEN` with which nothing could be done.
fn check_given(token: &str, known: Option<&Token>) -> anyhow::Result<()> {
    if let Some(known) = known.filter(|known| !is_usable(known)) {
        anyhow::bail!(
            "SPECTASK_TOKEN is the token {:?} ({}), which was revoked, has expired or is not the owner's; set another or unset it",
            known.label,
            known.id
        );
    }
    if token.len() < MIN_LENGTH {
        tracing::warn!(
            "SPECTASK_TOKEN is short and can be guessed; set a random one, for example from `openssl rand -hex 32`"
        );
    }
    Ok(())
}

/// Removes the tokens that this server was started with before: they give no access any more.
async fn replace_others(store: &Store, tokens: &[Token], token: &str, written: &str) -> anyhow::Result<()> {
    let (kept, own_file) = (hash(token), hash(written));
    let former = tokens.iter().filter(|one| {
        let is_starting = match one.origin.as_str() {
            "environment" | "" => true,
            "file" => one.hash == own_file,
            _ => false,
        };
        is_starting && one.hash != kept && one.revoked_at.is_none()
    });
    for one in former {
        store.remove_token(&one.hash).await?;
        tracing::warn!(
            token = one.id,
            "SPECTASK_TOKEN replaces the token that this server started with before; that one no longer works"
        );
        let entry = AuditEntry {
            at: now(),
            user: one.user.clone(),
            way: "start".to_owned(),
            credential: one.label.clone(),
            peer: String::new(),
            action: "replace_token".to_owned(),
            subject: one.id.clone(),
            subject_name: one.label.clone(),
            data: serde_json::Value::Null,
        };
        store.audit(entry).await?;
    }
    Ok(())
}

/// Returns a token of 256 bits.
pub fn fresh() -> String {
    random("sptk")
}

/// Returns a random text of 256 bits, with a prefix that says what it is.
pub fn random(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}_{}", hex::encode(bytes))
}

/// Returns what the store keeps of a token.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

pub fn write(path: &Path, token: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(token.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
