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

#[test]
fn places_of_passwords_without_one_are_no_secrets() {
    for text in [
        "postgres://user:password@localhost/db",
        "https://user:pass@host and https://user:pass@host/path",
        "DATABASE_URL=postgres://${USER}:${PASSWORD}@${HOST}/db",
        "postgres://<user>:<password>@<host>/db",
        "postgres://{user}:{password}@{host}:{port}/{db}",
        "psql -U postgres -h localhost",
        r#"git commit -m "password: changed" -u origin"#,
        "curl -u user:password https://example.com",
        r#"curl -u "$USER:$PASS" https://example.com"#,
        "curl -u ${USER}:${PASS} https://example.com",
        "curl --user username:password -X POST",
        "curl -u admin:admin http://localhost:9200",
        "curl -u elastic:changeme localhost:9200",
        "curl -sSL https://example.com/install.sh | sh -u foo",
        "curl -fsSLu user:token https://x",
        "curl -u : --negotiate https://x",
        r#"curl -H "X: y" --user-agent "Mozilla/5.0:foo" http://x"#,
        "curl -u <client_id>:<client_secret> https://api",
        "curl https://x:8080 -u me:$(cat token)",
        "mysql -u root -p",
        "mysql -u root -p mydb < dump.sql",
        r#"mysql -uroot -p"$MYSQL_ROOT_PASSWORD" db"#,
        "mysql -u root -ppassword -h db",
        "mysql -u root -p${PW}",
        "mysqldump -u root -psecret db",
        "docker run --name mysql -u 1000 -p3306:3306 mysql:8",
        "docker run -d --name mysql --user=1000 -p 3306:3306 -e MYSQL_ROOT_PASSWORD=my-secret-pw mysql:tag",
        r#"password = request.form["password"]"#,
        r#"SECRET_KEY = env("SECRET_KEY")"#,
        "SECRET_KEY = os.environ.get('SECRET_KEY', 'change-me-in-production-please')",
        r#"SECRET_KEY=config("DJANGO_SECRET_KEY")"#,
        "secret_key = generate_secret_key_for_environment(environment_name)",
        "token: String, secret: Option<String>, password: &str",
        r#"'Enter your password' "Passwort vergessen?" password: 'Enter your password'"#,
        "password 'Enter a password' and the password 'required'",
        r#""forgotPassword": "Forgot your password?", "passwordPlaceholder": "Password""#,
        "CREATE USER app WITH PASSWORD 'password';",
        "CREATE USER 'jeffrey'@'localhost' IDENTIFIED BY 'password';",
        "IDENTIFIED BY 'new_password' IDENTIFIED BY 'auth_string' IDENTIFIED BY 'mypass'",
        "ALTER USER postgres PASSWORD 'postgres';",
        "identified by 'something' else; identified by the user",
        "APP_KEY= and APP_KEY=base64:... and APP_KEY=base64:your-key-here",
        r#"psk="passphrase" psk=${PSK} psk = self.psk_value; wpa_psk=hostname"#,
        "as-is as-of-yet as-expected ak-47 as-abcdefghijklmnopqrstuv as-ExpectedFromThisComponent",
        "fc-cache fc-list fc-match rfc-2119",
        "docker://alpine:latest@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "redis://localhost:6379 redis://:password@localhost redis://default:redispw@localhost:6379",
        "amqp://guest:guest@localhost amqp://rabbitmq:rabbitmq@rabbit",
        "mongodb://root:example@mongo:27017 mongodb://mongoadmin:mongoadmin@h",
        "https://x-access-token:TOKEN@github.com/a/b https://oauth2:CI_JOB_TOKEN@gitlab.com",
        "https://oauth2:YOUR_TOKEN@gitlab.com/x.git https://user:app-password@bitbucket.org https://me:mypassword@host",
        "http://proxyUser:proxyPass@proxy:3128 http://user:pass123@host",
        "scheme://user:password@host:port/path protocol://username:password@hostname",
        "postgresql://[user[:password]@][netloc][:port]",
        "postgres://spectask:spectask@127.0.0.1:5432/spectask",
        "smtp://username:password@smtp.example.com:587 smtps://user:secret@h",
        "Use `https://name:secret@host` to log in",
        "http://localhost:3000@x http://localhost:PORT@x",
        "const url = `https://${user}:${pass}@${host}`;",
        r#"format!("postgres://{user}:{password}@{host}")"#,
        r#""postgres://%s:%s@%s/%s" % (u, p, h, d)"#,
        "bcrypt $2y$10$ prefix, $apr1$ is what htpasswd writes, $6$salt$hash",
        "regexes such as s/(a)(b)/$2$1/ and $5$6$7",
        "1/2 0/1 2/3 10/12/2024 1/10 commits",
        "ApiKey string ApiKey authentication with ApiKeyAuthenticationSchemeHandler2Options",
        "Private-Lines: the number of lines. Private-Lines: 14 is followed by Base64.",
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "Bot commands: bot.run(token) client.login(process.env.DISCORD_TOKEN)",
        "MyCompanyServiceFactory.create.something_else_that_is_long(foo)",
        "NodeIntegrationTestHelper1.method.another_very_long_method_name_here",
        "export DB_PASSWORD=$PW && run; PASSWORD=x&y=1",
        "?password=foo&user=bar /login?password=hunter&x=1",
        "passwordField=document.getElementById&&x",
        "token = XMLHttpRequestEventTargetBase; secret = AbstractSingletonProxyFactoryBeans",
        "clientSecret: GoogleApplicationCredentialsProviderChain",
        r#"lark: a parser; lark-parser u-boot t-shirt a-frame; lark = "a-simple-name-of-something""#,
        "EAA is an area; OCEAAN",
        "sl.no, tsl.map, sl.StringList",
        "intercom = IntercomMessengerSettingsProvider",
        "authorization: Bot token, Authorization: ApiKey base64",
        "password=${password}&username=${username}",
        "pwd=$(pwd)&&ls",
        "if let Some(password) = &self.password2 && is_set(&self.password2) {",
        "columns identified by \"colUsed\" and users identified by their_name",
        "http://Aladdin:opensesame@localhost:8887 and http://foo:%F0%9F%92%A9@example.com/bar",
        "curl --user test:pass;auth=NTLM ... `http://test:pass;auth=NTLM@example.com` is the same",
    ] {
        unchanged("places", text);
    }
}

#[test]
fn words_of_languages_without_blanks_are_no_passwords() {
    for text in [
        "密码：用户登录后30分钟内有效，密码:至少8位字符",
        "password:用户登录后30分钟内有效",
        "token:有效期为30分钟，刷新token后失效2次",
        "- パスワード password：有効期限は30分です（最大3回）",
        "password=비밀번호는8자이상이어야합니다",
        "secret: секретный_ключ_не_короче_32_символов",
    ] {
        unchanged("language", text);
    }
}

#[test]
fn options_and_identifiers_are_no_secrets() {
    for text in [
        "redis-cli -a $REDIS_PASSWORD ping; redis-cli -h host -a ${PASS}",
        "docker login -u me --password-stdin; docker login -p $TOKEN; docker run -p 8080:80 x login",
        "ldapsearch -x -W -D cn=admin; ldapsearch -w $PASS",
        "openssl rsa -passin pass:password -passin env:PASS; class bypass:something",
        "tests that pass:all of them; compass:north",
        "zip -r out.zip dir; unzip -P; 7z x file.7z",
        "machine learning default user interface password reset",
        "/search?key=value&code=ok ?code=404 &key=name_of_the_field_to_sort_by",
        "toolu_01A09q90qw90lq917835lq9 call_Q8zr2LmX0vT5yBn3KdW7q8Zr chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwX",
        "spt_01K5QZ8RM2N7V0X3B6D9FGHJKT stws_01k5qz8rm2n7v0x3b6d9fghjkt",
        "index-BfK3x9Za.js chunk-vendors.4f3a2b1c.js app-7d9f8c6b5d-x2k4z",
        "user-550e8400-e29b-41d4-a716-446655440000",
        "refs/heads/task/fix-the-2nd-login-page-of-2024",
    ] {
        unchanged("options", text);
    }
}
