//! Ordinary text stays as it is, byte for byte.

use crate::keys::{self, Draw};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

fn unchanged(what: &str, text: &str) {
    let redactor = keys::redactor();
    if let Cow::Owned(_) = redactor.redact(text) {
        let found: Vec<String> = redactor
            .findings(text)
            .into_iter()
            .map(|one| {
                let line = text[..one.span.start].matches('\n').count() + 1;
                let near = &text[text.floor_char_boundary(one.span.start.saturating_sub(40))..one.span.end];
                format!("{what}:{line}: {} in {near:?}", one.kind)
            })
            .collect();
        panic!("{}", found.join("\n"));
    }
}

fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | "dist" | ".git") {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

#[test]
fn this_repository_has_no_secrets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    let endings = [
        ".rs", ".md", ".toml", ".lock", ".ts", ".tsx", ".mjs", ".json", ".html", ".css", ".snap", ".yml",
        ".py", ".go", ".js", ".sh", "Makefile", "LICENSE",
    ];
    files(&root, &endings, &mut found);
    assert!(found.len() > 300, "{} files", found.len());
    for path in found {
        // The formats of secrets look like secrets.
        if path.ends_with("secrets/tests/it/keys.rs") {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(&path) {
            unchanged(&path.display().to_string(), &text);
        }
    }
}

#[test]
fn hashes_and_identifiers_are_no_secrets() {
    let mut draw = Draw(1);
    let mut text = String::new();
    for _ in 0..200 {
        text.push_str(&draw.fill(concat!(
            "commit {h40}\nindex {h7}..{h7} 100644\nsha256:{h64}  file.tar.gz\n{h32}  other.zip\n{g}\n",
            "spt_01J{u23} rev_01J{u23}\nchecksum = \"{h64}\"\n\"integrity\": \"sha512-{s86}==\",\n",
            "resolved https://registry.example.org/a/-/a-1.2.3.tgz#{h40}\nETag: \"{h32}\"\n",
            "/nix/store/{l32}-hello-2.12.1\nGET /assets/index-{a8}.js 200\nimage: app@sha256:{h64}\n",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{s43} me@host\nport 0x{h8} pid {d5} at {d13}\n",
        )));
    }
    unchanged("identifiers", &text);
}

#[test]
fn images_in_base64_are_no_secrets() {
    let mut draw = Draw(2);
    for size in [64, 1000, 5000, 60_000] {
        let bytes: Vec<u8> = (0..size).map(|_| (draw.next() & 0xff) as u8).collect();
        let encoded = STANDARD.encode([b"\x89PNG\r\n\x1a\n".as_slice(), &bytes].concat());
        unchanged("image", &format!("<img src=\"data:image/png;base64,{encoded}\">"));
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        unchanged("image", &lines.join("\n"));
    }
    let certificate = STANDARD.encode((0..900).map(|_| (draw.next() & 0xff) as u8).collect::<Vec<u8>>());
    unchanged(
        "certificate",
        &format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"),
    );
}

#[test]
fn words_about_secrets_are_no_secrets() {
    for text in [
        "Set the password: it must have at least 8 characters.",
        "The token is read from the environment; the secret is never logged.",
        "password: z.string().min(8).max(128),",
        "let token = self.tokens.next_token(Kind::Ident2)?;",
        "const apiKey = process.env.OPENAI_API_KEY;",
        "api_key: \"${OPENAI_API_KEY}\"",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN",
        "curl -H \"Authorization: Bearer ${API_TOKEN}\" https://example.org",
        "password_hash = argon2id$v=19",
        "DATABASE_URL=postgres://postgres:postgres@127.0.0.1:5432/test",
        "postgres://user:password@localhost/db",
        "redis://localhost:6379/0 and amqp://guest:guest@localhost",
        "https://user@example.org/repo.git and git@github.com:owner/name.git",
        "AKIAIOSFODNN7EXAMPLE is the key of the documentation",
        "max_tokens: 4096, input_tokens: 12000, cached_tokens: 8192",
        "\"key\": \"react-router-dom\", \"tokenType\": \"bearer\"",
        "secret_key_base: <%= ENV[\"SECRET_KEY_BASE\"] %>",
        "private_key_path = /etc/ssl/private/server.key",
        "-----BEGIN PRIVATE KEY----- begins a private key, and -----END PRIVATE KEY----- ends it.",
        "pub(crate) fn token(&self) -> Result<Token, TokenError2024> { self.token.clone() }",
        "Bearer authentication-and-authorization are described in RFC6750.",
        "basic authentication is base64 of user:password",
        "keyboard-interactive, keydown, monkey, tokenizer, author, cookies",
        "resource \"aws_iam_access_key\" \"deploy\" { user = aws_iam_user.deploy.name }",
        "sk-learn, task_1, ask_for, risk-based, disk-usage, eyJson, re_export_module_names_from_here",
        "The password is stored with bcrypt; password: bcrypt12 is its column type.",
        "s.trim().to_owned(), s.split_whitespace().map(str::to_owned)",
        "session_token=\ncsrf_token=\npassword=\n",
        "token: 'string', secret: 'string', password: 'string',",
    ] {
        unchanged("words", text);
    }
}
