//! The owner of a server and the owner's token.

use crate::clock::now;
use crate::config::Config;
use anyhow::Context as _;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use store::{Store, Token, User};
use workflow::UserId;

/// The owner's id, the same on every server.
pub const OWNER: &str = "usr_owner";

/// Creates the owner on the first start and returns the owner's token.
///
/// The store keeps the token's hash; the token itself is in a file that only its user may read.
pub(crate) async fn ensure(store: &Store, config: &Config) -> anyhow::Result<String> {
    let path = config.data_dir.join("token");
    let written = std::fs::read_to_string(&path).ok().map(|token| token.trim().to_owned());
    let token = match (&config.token, written) {
        (Some(token), _) => token.clone(),
        (None, Some(token)) if !token.is_empty() => token,
        (None, _) => fresh(),
    };
    let owner = UserId::from(OWNER);
    store
        .put_user(User {
            id: owner.clone(),
            name: "owner".to_owned(),
            roles: vec!["owner".to_owned()],
            created_at: now(),
        })
        .await?;
    store
        .put_token(Token {
            hash: hash(&token),
            user: owner,
            scope: "owner".to_owned(),
            label: "owner".to_owned(),
            created_at: now(),
            revoked_at: None,
        })
        .await?;
    write(&path, &token)?;
    Ok(token)
}

/// A token of 256 bits.
pub fn fresh() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("sptk_{}", hex::encode(bytes))
}

/// What the store keeps of a token.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn write(path: &Path, token: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(token.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
