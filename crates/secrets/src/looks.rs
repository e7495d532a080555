//! What random characters look like, and what stands in for them in examples.

use crate::words;
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Bits per byte, by how often each byte occurs.
pub(crate) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Words that stand in for secrets.
static EXAMPLES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    const WORDS: [&str; 16] = [
        "example",
        "your_",
        "your-",
        "changeme",
        "change_me",
        "change-me",
        "placeholder",
        "redacted",
        "dummy",
        "xxxxxx",
        "......",
        "000000",
        "123456789",
        "abcdefghij",
        "insert_",
        "replace_me",
    ];
    let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS);
    // The words are constants that every test of the rules searches for.
    searcher.expect("a few short words can be searched for")
});

/// Returns whether a value stands in for a secret: an example, a variable, a mask.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default();
    let is_variable = match first {
        b'$' => value[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_{}().:-".contains(byte)),
        b'%' => matches!(value.get(1), Some(b'(' | b's' | b'{')),
        b'{' => matches!(value.get(1), Some(b'{')),
        _ => false,
    };
    is_variable || value.iter().all(|byte| *byte == first) || EXAMPLES.is_match(value)
}

/// Returns whether a value looks drawn at random: letters and digits in no order that a name has.
pub(crate) fn is_random(value: &[u8]) -> bool {
    let is_hex = value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    if entropy(value) < if is_hex { 3.0 } else { 3.5 } {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == value.len() {
        return false;
    }
    let changes = value.windows(2).filter(|pair| is_change(pair[0], pair[1])).count();
    // Names change from letters to digits once or twice, values drawn at random every few characters.
    digits > 0 && changes >= (value.len() / 12).max(2) || words::is_scrambled(value)
}

/// Returns whether a value looks drawn at random from letters, digits and signs.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = b"!@#$%^&*+".iter().filter(|sign| value.contains(sign)).count();
    is_random(value) || digits >= 2 && signs >= 2 && entropy(value) >= 3.8
}

/// Returns whether a value looks like a password that a person made up: letters with digits or signs, and no code.
pub(crate) fn is_password(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = value.iter().filter(|byte| b"!@#$%^&*+?~".contains(byte)).count();
    // What most words fail comes first.
    (digits + signs >= 1 && !is_name(value) || words::is_scrambled(value))
        && is_plain(value)
        && !is_file_path(value)
        && entropy(value) >= 2.5
}

/// Returns whether a value is an absolute path, or one that begins at a home or the current folder, as `PWD=` has it.
fn is_file_path(value: &[u8]) -> bool {
    [&b"/"[..], b"~/", b"./", b"../"].iter().any(|start| value.starts_with(start))
        && value[1..].contains(&b'/')
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-~".contains(byte))
}

/// Returns whether a value is a password where nothing but one can stand, as in a URL: whatever is no code, no word of
/// examples and not the name before it again.
pub(crate) fn is_chosen(value: &[u8], user: &[u8]) -> bool {
    value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() >= 4
        && value.len() >= 6
        && is_plain(value)
        && !value.iter().any(|byte| matches!(byte, b';' | b','))
        && entropy(value) >= 1.5
        && !value.eq_ignore_ascii_case(user)
        && !words::is_example(value)
}

/// Returns whether the argument of a command that takes a password is one: no variable, path or option, and no word of
/// examples.
pub(crate) fn is_argument(value: &[u8], user: &[u8]) -> bool {
    let is_reference =
        matches!(value.first(), Some(b'$' | b'-' | b'/' | b'~' | b'.' | b'@' | b'[' | b'%' | b'{'));
    !is_reference && (is_password(value) || is_random(value) || is_chosen(value, user))
}

/// Words in the name before a key that say that it is one.
const KEY_NAMES: [&str; 26] = [
    "sk", "pk", "rk", "ak", "key", "apikey", "api", "tok", "token", "pat", "oat", "aat", "secret", "sec",
    "live", "prod", "priv", "private", "admin", "auth", "cred", "svc", "access", "bot", "webhook", "signkey",
];

/// Names of things that have random identifiers which are no secrets: objects of APIs, hashes and builds.
const OBJECT_NAMES: [&str; 64] = [
    "acct", "agent", "asst", "batch", "blob", "build", "bundle", "call", "card", "ch", "chatcmpl", "chunk",
    "class", "cmpl", "cmt", "commit", "cs", "cus", "digest", "evt", "event", "file", "fp", "gen", "h1",
    "hash", "id", "img", "in", "inv", "item", "job", "layer", "md5", "msg", "obj", "order", "org", "pi",
    "pm", "price", "prj", "prod", "proj", "req", "resp", "rev", "rs", "run", "seti", "ses", "session",
    "sha1", "sha256", "sha384", "sha512", "src", "step", "sub", "task", "thread", "toolu", "trace", "ws",
];

/// Returns whether a value is a name and then characters drawn at random, as keys of services are written:
/// `acme_live_q8Zr2…`.
///
/// Identifiers of objects are written so too. They count only where their name says that they are a key; a longer random
/// rest in letters of both cases and digits counts after any other name.
pub(crate) fn is_prefixed_key(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|byte| matches!(byte, b'-' | b'_')).collect();
    let named = parts.iter().take_while(|part| is_name_part(part)).count();
    let (names, rest) = parts.split_at(named);
    let rest: Vec<u8> = rest.concat();
    if names.is_empty() || rest.len() < 16 || !is_random(&rest) || is_placeholder(value) {
        return false;
    }
    let names: Vec<String> =
        names.iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    let is_hex = rest.iter().all(u8::is_ascii_hexdigit);
    let is_ulid = rest.len() == 26
        && (rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            || rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    let says_key = names.iter().any(|name| KEY_NAMES.contains(&name.as_str()));
    let is_object = OBJECT_NAMES.contains(&names[0].as_str()) && !(names[0] == "prod" && names.len() > 1);
    if is_ulid || is_object {
        return false;
    }
    if says_key {
        return !is_hex || rest.len() >= 24;
    }
    let count = |is: fn(&u8) -> bool| rest.iter().filter(|byte| is(byte)).count();
    names.len() <= 2
        && names.iter().all(|name| name.len() <= 10)
        && rest.len() >= 22
        && !is_hex
        && count(u8::is_ascii_uppercase) >= 2
        && count(u8::is_ascii_lowercase) >= 2
        && count(u8::is_ascii_digit) >= 2
}

/// Returns whether a part of a value is a word of a name: letters, and a number behind them at most.
fn is_name_part(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = part[letters..].iter().filter(|byte| byte.is_ascii_digit()).count();
    (1..=12).contains(&letters) && letters + digits == part.len() && digits <= 2 && !words::is_scrambled(part)
        || part.len() == 2 && part[0].is_ascii_alphanumeric() && part[1].is_ascii_alphanumeric()
}

/// How many bytes of letters outside Latin a value may have and still be a password.
const MAX_FOREIGN_BYTES: usize = 6;

/// Returns whether a value is words of a language that writes without Latin letters or without blanks, as in
/// `密码：用户登录后…`.
fn is_prose(value: &[u8]) -> bool {
    if value.is_ascii() {
        return false;
    }
    let text = String::from_utf8_lossy(value);
    let foreign = text.chars().filter(|letter| *letter >= '\u{250}');
    foreign.map(char::len_utf8).sum::<usize>() > MAX_FOREIGN_BYTES
        || text.chars().any(|letter| matches!(letter, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff65}'))
}

/// Returns whether a known value is hard enough to guess to be looked for everywhere: a word of a dictionary or the
/// name of a model stands in texts that have nothing to do with it.
pub fn is_strong(value: &str) -> bool {
    let bytes = value.as_bytes();
    let runs = bytes.split(|byte| !byte.is_ascii_alphanumeric());
    let is_scattered = |run: &[u8]| {
        run.len() >= 8 && run.windows(2).filter(|pair| is_change(pair[0], pair[1])).count() >= 2
            || words::is_scrambled(run)
            || run.len() >= 16 && is_random(run)
    };
    // Names of models, hosts and packages are made of these.
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/@-".contains(byte);
    runs.into_iter().any(is_scattered) || bytes.len() >= 8 && !bytes.iter().all(is_plain)
}

/// Returns whether a value has letters and is no code.
fn is_plain(value: &[u8]) -> bool {
    const ALGORITHMS: [&str; 8] = ["argon2", "bcrypt", "scrypt", "pbkdf2", "sha1", "sha256", "sha512", "md5"];
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let begins_with =
        |name: &str| value.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
    let is_code = value.iter().any(|byte| b"(){}[]\\|".contains(byte))
        || value.windows(2).any(|pair| matches!(pair, b"::" | b"->" | b"//"))
        || ALGORITHMS.iter().any(|name| begins_with(name));
    letters >= 2 && !is_code && !is_path(value) && !is_prose(value)
}

/// Returns whether a value says where in a program something is: `process.env.DB_PASS1`.
fn is_path(value: &[u8]) -> bool {
    const ROOTS: [&str; 18] = [
        "process", "self", "this", "config", "env", "os", "cfg", "settings", "options", "props", "params",
        "args", "req", "request", "ctx", "data", "form", "state",
    ];
    let root = value.iter().position(|byte| *byte == b'.').map(|end| &value[..end]);
    root.is_some_and(|root| ROOTS.iter().any(|known| root.eq_ignore_ascii_case(known.as_bytes())))
}

/// Returns whether a value is words with a number at their end, as names of things are: `field2`, `v1.2.3`,
/// `user_id-7`.
fn is_name(value: &[u8]) -> bool {
    let changes = value.windows(2).filter(|pair| is_change(pair[0], pair[1])).count();
    let has_signs = value.iter().any(|byte| b"!@#$%^&*+?~".contains(byte));
    let has_capitals = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    changes <= 1 && !has_signs && !has_capitals
}

fn is_change(one: u8, other: u8) -> bool {
    one.is_ascii_alphabetic() && other.is_ascii_digit() || one.is_ascii_digit() && other.is_ascii_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_are_told_from_names() {
        for value in ["q8Zr2LmX0vT5yBn3KdW7", "9f86d081884c7d659a2feaa0c55ad015", "a1b2c3d4e5f60718"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in
            ["access_token_expires_in", "self.config.token2", "aaaaaaaaaaaaaaaaaaaa", "0123456789012345"]
        {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_are_told_from_words_and_code() {
        for value in ["hunter2!", "Tr0ub4dor&3", "S3cureP4ss", "correct-Horse9"] {
            assert!(is_password(value.as_bytes()), "{value}");
        }
        for value in [
            "required",
            "z.string().min(8)",
            "argon2id",
            "user_field2",
            "password_hash",
            "this.form.password",
            "/home/anna/shop2/web",
            "~/src/app3/",
        ] {
            assert!(!is_password(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_password_is_no_example_and_no_name() {
        for (value, user) in [("swordfish", "app"), ("HreUnWDhtejMacFr", "u"), ("hunter2", "bob")] {
            assert!(is_chosen(value.as_bytes(), user.as_bytes()), "{value}");
        }
        for (value, user) in
            [("spectask", "spectask"), ("password", "user"), ("{password}", "user"), ("3000", "x")]
        {
            assert!(!is_chosen(value.as_bytes(), user.as_bytes()), "{value}");
        }
    }

    #[test]
    fn keys_with_a_name_before_them_are_told_from_identifiers() {
        for value in [
            "acme_live_|q8Zr2LmX0vT5yBn3KdW7",
            "sk_car_|4hT9xQ2LmZ8vR5yBn3KdW7pE",
            "exa-key-|9f86d081884c7d659a2feaa0c55ad015",
            "jina_|4hT9xQ2LmZ8vR5-yBn3KdW7pE_a1",
            "m0-|Qm8Zr2LmX0vT5yBn3KdW7q8Zr2LmX0vT5",
        ] {
            // Written in two parts, so that this file holds nothing that looks like a key.
            assert!(is_prefixed_key(value.replace('|', "").as_bytes()), "{value}");
        }
        for value in [
            "toolu_01A09q90qw90lq917835lq9",
            "call_q8Zr2LmX0vT5yBn3KdW7q8Zr",
            "spt_01K5QZ8RM2N7V0X3B6D9FGHJKT",
            "sha512-q8Zr2LmX0vT5yBn3KdW7q8Zr2LmX0vT5",
            "commit-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "session-550e8400-e29b-41d4-a716-446655440000",
            "auth-service-7d9f8c6b5d-x2k4z",
            "fix-login-bug-of-the-2nd-page",
            "access_token_expires_in_seconds",
            "test_that_a_key_is_found_2024",
            "index-BfK3x9ZaQ2",
        ] {
            assert!(!is_prefixed_key(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn words_of_other_languages_are_no_passwords() {
        for value in
            ["用户登录后30分钟内有效", "有効期限は30分です", "비밀번호는8자이상", "не_менее_8_символов"]
        {
            assert!(!is_password(value.as_bytes()), "{value}");
        }
        let latin = ["pässw0rd", "!9x"].concat();
        assert!(is_password(latin.as_bytes()));
    }

    #[test]
    fn known_values_that_are_words_or_models_are_weak() {
        for value in [
            "postgres",
            "password",
            "claude-sonnet-4-5-20250929",
            "gpt-4o-mini",
            "Qwen2.5-Coder-32B-Instruct",
            "llama-3.1-8b-instruct-q4_K_M",
            "mixtral-8x7b-32768",
            "production",
            "correct-Horse9",
            "http-proxy",
        ] {
            assert!(!is_strong(value), "{value}");
        }
        for value in [
            "Zx81Qw93kd",
            "hunter2!x",
            "q8Zr2LmX0vT5yBn3KdW7",
            "550e8400-e29b-41d4-a716-446655440000",
            "9f86d081884c7d65",
            "pa\"ss/w+rd 1&=?x",
        ] {
            assert!(is_strong(value), "{value}");
        }
    }

    #[test]
    fn examples_stand_in_for_secrets() {
        for value in ["AKIAIOSFODNN7EXAMPLE", "your_api_key_here", "${TOKEN}", "xxxxxxxxxxxx", "********"] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        assert!(!is_placeholder(b"q8Zr2LmX0vT5yBn3KdW7"));
    }
}
