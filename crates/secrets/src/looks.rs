//! What random characters look like, and what stands in for them in examples.

use crate::words;

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

/// Whether a value stands in for a secret: an example, a variable, a mask.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
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
    let first = value.first().copied().unwrap_or_default();
    let is_variable = match first {
        b'$' => value[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_{}().:-".contains(byte)),
        b'%' => matches!(value.get(1), Some(b'(' | b's' | b'{')),
        b'{' => matches!(value.get(1), Some(b'{')),
        _ => false,
    };
    if is_variable || value.iter().all(|byte| *byte == first) {
        return true;
    }
    let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// Whether a value looks drawn at random: letters and digits in no order that a name has.
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

/// Whether a value looks drawn at random from letters, digits and signs.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = b"!@#$%^&*+".iter().filter(|sign| value.contains(sign)).count();
    is_random(value) || digits >= 2 && signs >= 2 && entropy(value) >= 3.8
}

/// Whether a value looks like a password somebody thought of: letters with digits or signs, and no code.
pub(crate) fn is_password(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = value.iter().filter(|byte| b"!@#$%^&*+?~".contains(byte)).count();
    is_plain(value)
        && entropy(value) >= 2.5
        && (digits + signs >= 1 && !is_name(value) || words::is_scrambled(value))
}

/// Whether a value is a password where nothing but one can stand, as in a URL: whatever is no code, no word of examples
/// and not the name before it again.
pub(crate) fn is_chosen(value: &[u8], user: &[u8]) -> bool {
    value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() >= 4
        && value.len() >= 6
        && is_plain(value)
        && !value.iter().any(|byte| matches!(byte, b';' | b','))
        && entropy(value) >= 1.5
        && !value.eq_ignore_ascii_case(user)
        && !words::is_example(value)
}

/// Whether a value has letters and is no code.
fn is_plain(value: &[u8]) -> bool {
    const ALGORITHMS: [&str; 8] = ["argon2", "bcrypt", "scrypt", "pbkdf2", "sha1", "sha256", "sha512", "md5"];
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
    let is_code = value.iter().any(|byte| b"(){}[]\\|".contains(byte))
        || lower.contains("::")
        || lower.contains("->")
        || lower.contains("//")
        || ALGORITHMS.iter().any(|name| lower.starts_with(name));
    !is_code && !is_path(&lower) && letters >= 2
}

/// Whether a value says where in a program something is: `process.env.DB_PASS1`.
fn is_path(lower: &str) -> bool {
    const ROOTS: [&str; 18] = [
        "process", "self", "this", "config", "env", "os", "cfg", "settings", "options", "props", "params",
        "args", "req", "request", "ctx", "data", "form", "state",
    ];
    lower.split_once('.').is_some_and(|(root, _)| ROOTS.contains(&root))
}

/// Whether a value is words with a number at their end, as names of things are: `field2`, `v1.2.3`, `user_id-7`.
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
    fn examples_stand_in_for_secrets() {
        for value in ["AKIAIOSFODNN7EXAMPLE", "your_api_key_here", "${TOKEN}", "xxxxxxxxxxxx", "********"] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        assert!(!is_placeholder(b"q8Zr2LmX0vT5yBn3KdW7"));
    }
}
