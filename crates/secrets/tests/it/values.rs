//! Known values, JSON, rules of a configuration, and lines.

use crate::keys::{self, Draw};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use secrets::{Confidence, Exact, OwnRule, Redactor, Settings};
use serde_json::json;

fn knowing(value: &str) -> Redactor {
    let exact = vec![Exact { name: "DEPLOY_PASSWORD".to_owned(), value: value.to_owned() }];
    Redactor::new(&Settings { exact, ..Default::default() }).expect("it compiles")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_known_value_is_found_in_every_form(value in "[ -~é]{6,40}", before in "[a-z:]{0,4}", at in 0_usize..400) {
        prop_assume!(value.trim().len() >= 10);
        // A value of letters and digits alone may be a word, which is looked for beside key words only.
        prop_assume!(value.trim().bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte))));
        let value = value.trim();
        let redactor = knowing(value);
        let json = serde_json::Value::from(value).to_string();
        let url: String = value.bytes().map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        }).collect();
        let forms = [
            value.to_owned(),
            json.trim_matches('"').to_owned(),
            url,
            STANDARD.encode(format!("{before}{value}")),
            URL_SAFE.encode(format!("{before}{value} and more")),
        ];
        for form in forms {
            let text = format!("a {form} b");
            let whole = redactor.redact(&text).into_owned();
            prop_assert!(whole.contains("[secret:deploy_password:"), "{} -> {}", text, whole);
            prop_assert!(!whole.contains(form.as_str()));
            let at = text.floor_char_boundary(at.min(text.len()));
            let mut stream = redactor.stream();
            let clean = stream.push(&text[..at]) + &stream.push(&text[at..]) + &stream.finish();
            prop_assert_eq!(clean, whole);
        }
    }
}

#[test]
fn a_known_value_of_several_lines_is_found_line_by_line() {
    let pem = keys::pem(12);
    let redactor = knowing(&pem);
    let inside: Vec<&str> = pem.lines().skip(3).take(4).collect();
    let clean = redactor.redact(&inside.join("\\n")).into_owned();
    assert!(inside.iter().all(|line| !clean.contains(line)), "{clean}");
}

#[test]
fn a_known_value_comes_before_rules() {
    let key = keys::all().into_iter().find(|key| key.rule == "github-token").expect("there is one");
    let clean = knowing(&key.secret).redact(&key.secret).into_owned();
    assert!(clean.starts_with("[secret:deploy_password:"), "{clean}");
}

#[test]
fn json_is_cleaned_in_strings_names_and_by_names() {
    let mut draw = Draw(7);
    let (token, secret) = (draw.fill("ghp_{a36}"), draw.fill("{a32}"));
    let mut value = json!({
        "text": format!("use {token} here"),
        "nested": [{ "api_key": secret }, { "name": "API_KEY", "value": secret }, 7, null, true],
        "env": { token.clone(): "x" },
        "id": "01J9Z3K4M5N6P7Q8R9S0T1V2W3",
    });
    keys::redactor().redact_json(&mut value);
    let text = value.to_string();
    assert!(!text.contains(&token) && !text.contains(&secret), "{text}");
    assert_eq!(value["id"], "01J9Z3K4M5N6P7Q8R9S0T1V2W3");
    assert_eq!(value["nested"][2], 7);
}

#[test]
fn a_configuration_adds_rules_and_allows_values() {
    let mut draw = Draw(9);
    let (own, allowed) = (draw.fill("acme_{h20}"), draw.fill("ghp_{a36}"));
    let settings = Settings {
        rules: vec![OwnRule {
            id: "Acme key".to_owned(),
            regex: "acme_[0-9a-f]{20}".to_owned(),
            keywords: vec!["acme_".to_owned()],
        }],
        allowed: vec![allowed.clone()],
        ..Default::default()
    };
    let redactor = Redactor::new(&settings).expect("it compiles");
    let clean = redactor.redact(&format!("{own} {allowed}")).into_owned();
    assert!(clean.starts_with("[secret:acme-key:") && clean.ends_with(&allowed), "{clean}");
}

#[test]
fn findings_say_where_and_how_sure() {
    let mut draw = Draw(11);
    let (token, secret) = (draw.fill("ghp_{a36}"), draw.fill("{a32}"));
    let text = format!("a\n{token}\napi_key = {secret}\n");
    let found = keys::redactor().findings(&text);
    let found: Vec<_> =
        found.iter().map(|one| (one.kind.as_str(), &text[one.span.clone()], one.confidence)).collect();
    assert_eq!(
        found,
        [("github-token", token.as_str(), Confidence::Sure), ("secret", secret.as_str(), Confidence::Likely)]
    );
}

#[test]
fn lines_stay_as_many_as_they_are() {
    let pem = keys::pem(3);
    let text = format!("first\n  key: |\n{pem}\nlast");
    let lines: Vec<&str> = text.lines().collect();
    let clean = keys::redactor().redact_lines(&lines);
    assert_eq!(clean.len(), lines.len());
    assert_eq!((clean[0].as_str(), clean[lines.len() - 1].as_str()), ("first", "last"));
    assert!(clean[2].starts_with("[secret:private-key:") && clean[3].is_empty(), "{clean:?}");
}

#[test]
fn a_known_value_is_not_shown_when_printed() {
    let exact = Exact { name: "A".to_owned(), value: "not to be seen".to_owned() };
    assert!(!format!("{exact:?}").contains("seen"));
}
