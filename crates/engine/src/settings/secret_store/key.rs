//! The key that encrypts stored secrets. It is never in the database.

use crate::settings::config::Config;
use anyhow::Context as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngCore as _;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The name of the key file in the data directory.
pub(crate) const FILE: &str = "secret-store.key";
/// The bytes of a nonce of XChaCha20-Poly1305: random ones do not repeat.
const NONCE: usize = 24;

/// A key, with the names by which people know it.
#[derive(Clone)]
pub(crate) struct Key {
    cipher: XChaCha20Poly1305,
    /// What fingerprints of values are made with.
    fingerprints: [u8; 32],
    /// By which rows name the key that encrypted them.
    pub(crate) id: String,
    /// Where it was read from, in words.
    pub(crate) origin: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the key of a server: that of `SPECTASK_SECRETS_KEY`, else that of the key file, which is made where there is none.
    pub(crate) fn load(config: &Config) -> anyhow::Result<Self> {
        if let Some(text) = &config.secrets_key {
            let key = parse(text).context("SPECTASK_SECRETS_KEY cannot be used")?;
            return Ok(Self::new(&key, "SPECTASK_SECRETS_KEY".to_owned()));
        }
        let file = config.secrets.key_file.clone();
        let file = file.unwrap_or_else(|| config.data_dir.join(FILE));
        let key = read_or_make(&file)?;
        Ok(Self::new(&key, file.display().to_string()))
    }

    pub(super) fn new(key: &[u8; 32], origin: String) -> Self {
        let derive = |purpose: &str| Sha256::new().chain_update(purpose).chain_update(key).finalize();
        Self {
            cipher: XChaCha20Poly1305::new(key.into()),
            fingerprints: derive("spectask secret fingerprints ").into(),
            id: hex::encode(&derive("spectask secret key id ")[..4]),
            origin,
        }
    }

    /// Encrypts a value; `context` is what it belongs to, and decrypts it for nothing else. None when the value is too large.
    pub(super) fn seal(&self, context: &[u8], value: &str) -> Option<String> {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: value.as_bytes(), aad: context };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(hex::encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts a value; none when the key or the context is another one, or the text was changed.
    pub(super) fn open(&self, context: &[u8], sealed: &str) -> Option<String> {
        let bytes = hex::decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: context };
        String::from_utf8(self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?).ok()
    }

    /// Returns what tells equal values from others, and nothing of a value without the key.
    pub(super) fn fingerprint(&self, value: &str) -> String {
        let digest = Sha256::new().chain_update(self.fingerprints).chain_update(value).finalize();
        hex::encode(&digest[..6])
    }
}

/// Reads a key of 64 hexadecimal digits.
fn parse(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(text.trim()).ok();
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.context("a key has 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
}

fn read_or_make(file: &Path) -> anyhow::Result<[u8; 32]> {
    let cannot = |what: &str| format!("cannot {what} the key of stored secrets, {}", file.display());
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(file);
    let mut opened = match opened {
        // A key file that is given, as a mounted one, may be read-only.
        Err(_) if file.is_file() => File::open(file).with_context(|| cannot("read"))?,
        opened => opened.with_context(|| cannot("make"))?,
    };
    // Servers that start together agree on one key.
    flock(&opened, FlockOperation::LockExclusive).with_context(|| cannot("lock"))?;
    let mut text = String::new();
    opened.read_to_string(&mut text).with_context(|| cannot("read"))?;
    if !text.trim().is_empty() {
        protect(&opened, file);
        return parse(&text).with_context(|| {
            format!(
                "{} is not a key; restore it from a backup, or move it away to begin with another key",
                file.display()
            )
        });
    }
    let mut key = [0; 32];
    rand::rng().fill_bytes(&mut key);
    writeln!(opened, "{}", hex::encode(key)).with_context(|| cannot("write"))?;
    opened.sync_all().with_context(|| cannot("write"))?;
    Ok(key)
}

/// Lets the server's user alone read a key file.
fn protect(opened: &File, file: &Path) {
    let is_open = opened.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = opened.set_permissions(Permissions::from_mode(0o600)) {
        tracing::warn!(%error, file = %file.display(), "other users can read the key of stored secrets; set its mode to 0600");
    }
}

/// Checks the key of stored secrets and returns where it is read from, in words; makes none.
///
/// # Errors
/// The key cannot be read, or is not a key.
pub fn check_key(config: &Config) -> anyhow::Result<String> {
    match key_file(config) {
        Some(file) if !file.exists() => Ok(format!("{}; made at the first start", file.display())),
        _ => Ok(format!("from {}", Key::load(config)?.origin)),
    }
}

/// Returns where the key of a server is kept, unless its environment has it.
pub fn key_file(config: &Config) -> Option<PathBuf> {
    let file = config.secrets.key_file.clone().unwrap_or_else(|| config.data_dir.join(FILE));
    config.secrets_key.is_none().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::new(&[byte; 32], "a test".to_owned())
    }

    #[test]
    fn a_value_opens_with_its_key_and_for_what_it_belongs_to_alone() {
        let sealed = key(1).seal(b"me/API_KEY", "hunter2-hunter2").expect("sealed");
        assert_eq!(key(1).open(b"me/API_KEY", &sealed).as_deref(), Some("hunter2-hunter2"));
        assert_eq!(key(2).open(b"me/API_KEY", &sealed), None);
        assert_eq!(key(1).open(b"you/API_KEY", &sealed), None);
        let mut changed = sealed.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert_eq!(key(1).open(b"me/API_KEY", &String::from_utf8(changed).expect("text")), None);
        for broken in ["", "00", "no hex", &sealed[..40]] {
            assert_eq!(key(1).open(b"me/API_KEY", broken), None, "{broken}");
        }
        assert_ne!(key(1).seal(b"me/API_KEY", "hunter2-hunter2"), Some(sealed), "a nonce is used once");
    }

    #[test]
    fn fingerprints_tell_values_apart_and_depend_on_the_key() {
        assert_eq!(key(1).fingerprint("a"), key(1).fingerprint("a"));
        assert_ne!(key(1).fingerprint("a"), key(1).fingerprint("b"));
        assert_ne!(key(1).fingerprint("a"), key(2).fingerprint("a"));
    }

    #[test]
    fn the_key_file_is_made_once_for_its_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let file = folder.path().join(FILE);
        assert!(check_key(&config).expect("none yet").ends_with("made at the first start") && !file.exists());
        let made = Key::load(&config).expect("a key");
        assert_eq!(Key::load(&config).expect("a key").id, made.id);
        let mode = || std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("readable");
        Key::load(&config).expect("a key");
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn what_is_no_key_is_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        std::fs::write(folder.path().join(FILE), "not a key\n").expect("written");
        let error = format!("{:#}", Key::load(&config).expect_err("no key"));
        assert!(error.contains("is not a key; restore it from a backup"), "{error}");
        assert_eq!(format!("{:#}", check_key(&config).expect_err("no key")), error);
        config.secrets_key = Some("abc".to_owned());
        let error = format!("{:#}", Key::load(&config).expect_err("no key"));
        assert!(error.contains("SPECTASK_SECRETS_KEY") && error.contains("openssl rand -hex 32"), "{error}");
    }
}
