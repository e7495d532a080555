//! Several hundred secrets of known formats: none gets through, however it is written or cut.

use crate::keys::{self, Key};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Whether a stretch of the secret that would be of use is still there.
fn is_left(clean: &str, secret: &str) -> bool {
    let core = &secret[..secret.len().min(24)];
    clean.contains(secret) || secret.len() >= 12 && clean.contains(core)
}

fn contexts(key: &Key) -> Vec<String> {
    let text = key.text();
    let json = serde_json::Value::from(format!("first\n{text}\nlast")).to_string();
    let twice = serde_json::Value::from(json.as_str()).to_string();
    vec![
        text.clone(),
        format!("I found {text} in the file."),
        format!("first line\n{text}\nlast line"),
        format!("export X={text}\n"),
        format!("+{text}"),
        format!("    12\t{text}"),
        format!("ein Schlüssel – {text} – und mehr"),
        json,
        twice,
    ]
}

#[test]
fn there_are_several_hundred() {
    assert!(keys::all().len() >= 600);
}

#[test]
fn none_gets_through_in_plain_or_escaped() {
    let redactor = keys::redactor();
    for key in keys::all() {
        for text in contexts(&key) {
            let clean = redactor.redact(&text);
            assert!(!is_left(&clean, &key.secret), "{}: {text}\n -> {clean}", key.rule);
            assert!(clean.contains("[secret:"), "{}: {text}\n -> {clean}", key.rule);
        }
    }
}

#[test]
fn each_is_found_by_its_rule() {
    let redactor = keys::redactor();
    for key in keys::all() {
        let text = key.text();
        let kinds: Vec<String> = redactor.findings(&text).into_iter().map(|finding| finding.kind).collect();
        assert!(kinds.iter().any(|kind| kind == key.rule), "{}: {text} is {kinds:?}", key.rule);
    }
}

#[test]
fn none_gets_through_in_base64() {
    let redactor = keys::redactor();
    for key in keys::all() {
        // Some are found with what stands beside them only; a place without a format of its own says too little.
        let is_likely =
            redactor.findings(&key.text()).iter().all(|one| one.confidence == secrets::Confidence::Likely);
        if is_likely {
            continue;
        }
        for encoded in
            [STANDARD.encode(key.text()), URL_SAFE_NO_PAD.encode(format!("line\n{}\n", key.text()))]
        {
            let clean = redactor.redact(&encoded);
            assert!(!is_left(&clean, &encoded), "{}: {}\n -> {clean}", key.rule, key.text());
        }
    }
}

#[test]
fn none_gets_through_cut_in_two_anywhere() {
    let redactor = keys::redactor();
    for key in keys::all().iter().step_by(2) {
        let text = format!("It is {} here.", key.text());
        let whole = redactor.redact(&text);
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let mut stream = redactor.stream();
            let mut clean = stream.push(&text[..at]);
            clean.push_str(&stream.push(&text[at..]));
            clean.push_str(&stream.finish());
            assert_eq!(clean, whole, "{} cut at {at}", key.rule);
        }
    }
}

#[test]
fn the_same_secret_has_the_same_tag_in_every_form() {
    let redactor = keys::redactor();
    let key = keys::all().into_iter().find(|key| key.rule == "github-token").expect("there is one");
    let tag = redactor.redact(&key.secret).into_owned();
    assert!(
        tag.starts_with("[secret:github-token:") && tag.len() == "[secret:github-token:0000]".len(),
        "{tag}"
    );
    let written = [
        format!("GITHUB_TOKEN={}", key.secret),
        format!("https://x:{}@github.com/a/b", key.secret),
        STANDARD.encode(&key.secret),
    ];
    for text in written {
        let clean = redactor.redact(&text);
        assert!(clean.contains(&tag[tag.len() - 6..]), "{clean}");
    }
    let other = keys::all().into_iter().rfind(|key| key.rule == "github-token").expect("there is one");
    assert_ne!(redactor.redact(&other.secret), tag);
}

#[test]
fn a_tag_depends_on_the_servers_key() {
    let key = keys::all().remove(0);
    let with = |byte: u8| {
        let settings = secrets::Settings { key: [byte; 32], ..Default::default() };
        let redactor = secrets::Redactor::new(&settings).expect("the rules compile");
        redactor.redact(&key.secret).into_owned()
    };
    assert_ne!(with(1), with(2));
}

#[test]
fn private_keys_go_whole() {
    let redactor = keys::redactor();
    for lines in [1, 2, 6, 25, 50, 100] {
        let pem = keys::pem(lines);
        let written = [
            format!("the key:\n{pem}\nis here"),
            serde_json::Value::from(format!("the key:\n{pem}\nis here")).to_string(),
            format!("     7\u{2192}{}", pem.replace('\n', "\n     8\u{2192}")),
            format!("+{}", pem.replace('\n', "\n+")),
            STANDARD.encode(&pem),
        ];
        for text in written {
            let clean = redactor.redact(&text);
            for line in pem.lines().filter(|line| line.len() == 64) {
                assert!(!clean.contains(line), "{lines} lines: {clean}");
            }
            assert!(clean.len() < 80, "{lines} lines: {clean}");
        }
    }
}

#[test]
fn private_keys_of_putty_go_whole_and_their_public_half_stays() {
    let redactor = keys::redactor();
    for lines in [1, 2, 14, 60] {
        let ppk = keys::ppk(lines);
        let written = [
            format!("{ppk}\nand more"),
            serde_json::Value::from(format!("{ppk}\nand more")).to_string(),
            format!("+{}\n and more", ppk.replace('\n', "\n+")),
        ];
        let secret = ppk.split_once("Private-Lines").expect("it has them").1;
        for text in written {
            let clean = redactor.redact(&text);
            assert!(
                !secret.lines().any(|line| line.len() >= 64 && clean.contains(line)),
                "{lines} lines: {clean}"
            );
            assert!(clean.contains("Public-Lines: 1") && clean.contains("AAAAB3NzaC1yc2E"), "{clean}");
            assert!(clean.contains("[secret:private-key:") && clean.contains("and more"), "{clean}");
        }
    }
}

#[test]
fn an_ampersand_ends_a_value_in_queries_forms_and_scripts_alone() {
    let mut draw = keys::Draw(13);
    let value = draw.fill("Tr0ub4dor{a6}");
    for (text, left) in [
        (format!("/login?password={value}&user=bob"), "&user=bob"),
        (format!("-d user=bob&password={value}&x"), "&x"),
        (format!("-d password={value}&user=bob"), "&user=bob"),
        (format!("export DB_PASSWORD={value}&&make"), "&&make"),
        (format!("DB_PASSWORD={value}& make"), "& make"),
        (format!("DB_PASSWORD={value}&3xyz"), ""),
        (format!("'password' => '{value}&x=1'"), "'"),
    ] {
        let clean = keys::redactor().redact(&text).into_owned();
        assert!(clean.ends_with(&format!("]{left}")), "{text} -> {clean}");
    }
}

#[test]
fn what_is_clean_stays_as_it_is() {
    let redactor = keys::redactor();
    for key in keys::all() {
        let once = redactor.redact(&key.text()).into_owned();
        assert_eq!(redactor.redact(&once), once);
    }
}

#[test]
fn most_keys_of_unknown_services_are_found() {
    let redactor = keys::redactor();
    let all = keys::of_unknown_services();
    let left: Vec<&String> =
        all.iter().filter(|key| is_left(&redactor.redact(&format!("I set {key} there")), key)).collect();
    assert!(left.len() * 20 <= all.len(), "{} of {} pass: {left:?}", left.len(), all.len());
}
