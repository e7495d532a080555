//! What words are made of, and the words that stand for a password in examples.

use std::sync::LazyLock;

/// By first letter, the letters that follow it in most words and names of programs: the commonest third of all pairs.
/// Five of six pairs in names are among them, and one of three in letters drawn at random.
const FOLLOWS: [&str; 26] = [
    "bcdgilmnprstuvy",
    "aeilosu",
    "acehiklorstu",
    "adeilors",
    "abcdefglmnpqrstvwxy",
    "aefiloru",
    "aeilnrsu",
    "aeio",
    "abcdefglmnoprstvz",
    "",
    "e",
    "adeilostuy",
    "abeimopsu",
    "acdefginostuv",
    "abcdfgilmnoprstuvw",
    "aehiloprstu",
    "u",
    "acdeimnorstuy",
    "acehilopstuy",
    "acehilmoprstuy",
    "abeilmnprst",
    "aei",
    "ai",
    "et",
    "p",
    "e",
];

/// Fewer letters say too little of whether they are words.
const FEWEST: usize = 20;

/// Returns whether a value is letters, large and small, that make no words; a digit may be among them.
pub(crate) fn is_scrambled(value: &[u8]) -> bool {
    let (mut large, mut small) = (0, 0);
    for byte in value {
        match byte {
            b'A'..=b'Z' => large += 1,
            b'a'..=b'z' => small += 1,
            b'0'..=b'9' => {}
            _ => return false,
        }
    }
    if large + small < FEWEST || large < 3 || small < 3 {
        return false;
    }
    let (mut pairs, mut common) = (0, 0);
    for pair in value.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_alphabetic)) {
        pairs += 1;
        let first = usize::from(pair[0].to_ascii_lowercase() - b'a');
        common += usize::from(FOLLOWS[first].as_bytes().contains(&pair[1].to_ascii_lowercase()));
    }
    common * 10 <= pairs * 6
}

/// Words that examples are made of: `mysecretpassword` is three of them.
const EXAMPLES: &str = "\
    a access account admin administrator aladdin an and any api app at auth aws azure backup bar base basic baz \
    bearer benutzer bitbucket bot bucket build cache change changeit ci clave clear client cloud code config \
    contrasena credential credentials creds current customer data database db de default demo deploy dev developer \
    development docker does dummy edge elastic email empty encoded encrypted enough enter env escaped example fake \
    field file foo for from ftp geheim generated ghcr git gitea github gitlab go google grafana guest hash hashed \
    here hidden host hostname http https id in insert installation integration internal invalid is it jdbc jenkins \
    job kennwort key keycloak lab latest ldap like local localhost login long mail main manager maria mariadb master \
    me minio mongo mongodb mot mssql my mysql name nats new nexus nightly no node none not npm null oauth of old one \
    open optional or oracle org our own pass passe passphrase passwd password passwort path personal pg pgsql php \
    place plain plaintext please port postgres postgresql private prod production project proxy psql public put pw \
    pwd qux rabbit rabbitmq random raw read readonly real redacted redis registry release remote removed replace \
    repo repository required role root sa safe sample secret secrets secure senha sentry server service sesame set \
    sftp shared site slim smtp some something sql ssh stable stage staging string strong svc sys system temp test \
    tester testing text that the this tmp to token two type uri url use user username users value var variable vault \
    very web with word work write wrong x you your yours";

/// The subjects of such words.
const ABOUT: [&str; 9] = ["password", "passwd", "pass", "pwd", "pw", "secret", "token", "key", "credential"];

/// Returns whether a value stands for a password in an example: words of examples in any number, or several words one
/// of which says what they are.
pub(crate) fn is_example(value: &[u8]) -> bool {
    let is_constant = value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let lower = value.to_ascii_lowercase();
    let mut parts =
        lower.split(|byte| !byte.is_ascii_alphabetic()).filter(|part| !part.is_empty()).peekable();
    if is_constant || parts.peek().is_none() {
        return true;
    }
    let is_several = lower.iter().any(|byte| matches!(byte, b'_' | b'-'));
    if is_several && parts.clone().any(|part| ABOUT.iter().any(|word| word.as_bytes() == part)) {
        return true;
    }
    parts.all(is_made_of_examples)
}

/// Returns whether letters fall into words of examples without a rest.
fn is_made_of_examples(letters: &[u8]) -> bool {
    let mut ends = vec![false; letters.len() + 1];
    ends[0] = true;
    for from in 0..letters.len() {
        if ends[from] {
            for word in examples_with(letters[from]) {
                if letters[from..].starts_with(word.as_bytes()) {
                    ends[from + word.len()] = true;
                }
            }
        }
    }
    ends[letters.len()]
}

/// Returns the words of examples that begin with a small letter.
fn examples_with(first: u8) -> &'static [&'static str] {
    static BY_LETTER: LazyLock<[Vec<&'static str>; 26]> = LazyLock::new(|| {
        let of = |letter: usize| {
            EXAMPLES.split(' ').filter(|word| usize::from(word.as_bytes()[0] - b'a') == letter).collect()
        };
        std::array::from_fn(of)
    });
    first.checked_sub(b'a').and_then(|letter| BY_LETTER.get(usize::from(letter))).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_drawn_at_random_are_told_from_names() {
        for value in ["XTAnNxsUpvxwXKqsjLUxrIEjJSIubiIHFIqAlibs", "ehVFwGlLJWvWFwOJljidCiwWb2RXXOGJeSEysZHU"]
        {
            assert!(is_scrambled(value.as_bytes()), "{value}");
        }
        for value in [
            "XMLHttpRequestEventTargetBase",
            "getCredentialsProviderForProfile",
            "SecretManagerServiceClientFactory",
            "AbstractSingletonProxyFactoryBean",
            "correcthorsebatterystaple",
            "INVALID_AUTHENTICATION_TOKEN",
            "HreUnWDhtejMacFr",
        ] {
            assert!(!is_scrambled(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn examples_are_told_from_passwords() {
        for value in [
            "password",
            "mysecretpassword",
            "yourPasswordHere",
            "user_pass",
            "CI_JOB_TOKEN",
            "secret123",
            "rabbit-mq-pw",
            "latest",
            "12345",
        ] {
            assert!(is_example(value.as_bytes()), "{value}");
        }
        for value in ["swordfish", "CorrectHorseBattery", "SuperSecretPass", "hunter2", "alaptdi"] {
            assert!(!is_example(value.as_bytes()), "{value}");
        }
    }
}
