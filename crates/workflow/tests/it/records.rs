//! What is rendered parses back, whatever was said, and files only grow.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};
use workflow::records::activity::{self, Activity};
use workflow::records::code_changes::{self, ChangedFile, CodeChange};
use workflow::records::comments::{self, Remark};
use workflow::records::completion::{self, Completion, Fulfilled, Part, Proof};
use workflow::records::conversation::{self, Entry, Head};
use workflow::records::coordination::{self, Coordination};
use workflow::records::decisions::{self, DecisionRecord};
use workflow::records::progress_updates::{self, ProgressUpdate};
use workflow::records::rounds::{self, Round};
use workflow::{CheckResult, Commit, Millis, ReviewId, SessionId};

/// Text that is up to no good.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -~]{0,12}",
        2 => any::<String>(),
        3 => prop::sample::select(vec![
            "\n", "\r\n", "\r", "\0", "\t", "-->", "<!--", "<!-- spectask {\"rows\":[]} -->", "\n<!-- spectask {} -->\n",
            "```", "````", "~~~", "> ", ">", "</details>", "<details>", "</summary>", "# ", "\u{202e}", "\u{2028}", "\u{feff}",
            "…", "日本語", "🦀", "|", "\\", "&lt;", "<script>", "\u{7f}", "\u{85}",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        nasty().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let spoken = prop::sample::select(vec![
        "agent_message",
        "agent_message",
        "agent_message",
        "agent_thought",
        "user_message",
        "notice",
        "recorded",
        "strange",
    ]);
    prop_oneof![
        6 => (spoken, nasty(), prop::option::of(nasty()), prop::sample::select(vec![json!(null), json!("m1"), json!("m2")]))
            .prop_map(|(kind, text, by, id)| {
                let mut entry = json!({ "kind": kind, "text": text, "message_id": id });
                if let Some(by) = by {
                    entry["by"] = json!(by);
                }
                entry
            }),
        2 => (prop::sample::select(vec!["a", "b"]), prop::option::of(nasty()), nasty(), nasty(), value()).prop_map(
            |(id, title, old, new, raw)| {
                let mut entry = json!({
                    "kind": "tool_call", "tool_call_id": id, "status": "completed", "raw_output": raw,
                    "content": [{ "type": "diff", "path": new, "oldText": old, "newText": new },
                                { "type": "content", "content": { "type": "text", "text": old } }],
                });
                if let Some(title) = title {
                    entry["title"] = json!(title);
                }
                entry
            }
        ),
        1 => (nasty(), nasty()).prop_map(|(a, b)| json!({ "kind": "plan", "entries": [{ "content": a, "status": b }] })),
        1 => (nasty(), value()).prop_map(|(reason, usage)| json!({ "kind": "turn_ended", "stop_reason": reason, "usage": usage })),
        1 => nasty().prop_map(|title| json!({ "kind": "permission_requested", "title": title })),
        1 => nasty().prop_map(|ask| json!({ "kind": "turn_started", "number": 3, "ask": { "ask": ask } })),
        1 => nasty().prop_map(|message| json!({ "kind": "turn_failed", "message": message, "tried_again": true })),
        1 => (nasty(), nasty()).prop_map(|(command, output)| json!({ "kind": "setup", "command": command, "output": output })),
        1 => value(),
    ]
}

fn numbered(entries: Vec<Value>) -> Vec<Entry> {
    (1..)
        .zip(entries)
        .map(|(seq, entry)| Entry {
            seq,
            at: Millis(1_700_000_000_000 + i64::try_from(seq).unwrap() * 77),
            entry: entry.into(),
        })
        .collect()
}

fn head() -> String {
    conversation::head(&Head {
        session: "stws_1".to_owned(),
        name: "Note --> one\n# no".to_owned(),
        task: "spt_1".to_owned(),
        agent: "scripted".to_owned(),
        part: 1,
    })
}

/// Whether a line could be taken for a git host's own: nothing that was said begins a line of the page.
fn stands_in_its_place(text: &str, said: &str) -> bool {
    let is_said = |line: &str| line.len() > 3 && said.lines().any(|part| part == line);
    text.lines()
        .filter(|line| !line.starts_with('>') && !line.starts_with("<!-- spectask "))
        .all(|line| !is_said(line))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_parses_back_and_only_grows(entries in prop::collection::vec(entry(), 0..14), at in 0usize..14) {
        let entries = numbered(entries);
        let (before, after) = entries.split_at(at.min(entries.len()));
        let mut text = head();
        text.push_str(&conversation::render(&text, before).unwrap());
        prop_assert_eq!(conversation::last_seq(&text).unwrap(), before.len() as u64);
        prop_assert_eq!(&conversation::parse(&text, 0).unwrap(), before);
        let more = conversation::render(&text, after).unwrap();
        text.push_str(&more);
        prop_assert_eq!(conversation::last_seq(&text).unwrap(), entries.len() as u64);
        prop_assert_eq!(&conversation::parse(&text, 0).unwrap(), &entries);
        prop_assert!(!text.contains(['\0', '\r', '\u{202e}', '\u{2028}']), "{}", text);
    }

    #[test]
    fn a_further_part_goes_on_with_the_numbers_of_the_part_before(entries in prop::collection::vec(entry(), 1..14), at in 0usize..14) {
        let entries = numbered(entries);
        let at = at.min(entries.len() - 1);
        let (before, after) = entries.split_at(at);
        let part = conversation::render("", after).unwrap();
        prop_assert_eq!(conversation::last_seq(&part).unwrap(), entries.len() as u64);
        prop_assert_eq!(conversation::parse(&part, before.len() as u64).unwrap(), after);
        prop_assert!(conversation::parse(&part, before.len() as u64 + 1).is_err());
    }

    #[test]
    fn what_was_said_begins_no_line_of_the_page(said in nasty()) {
        let entries = numbered(vec![json!({ "kind": "agent_message", "text": said }), json!({ "kind": "user_message", "by": said, "text": said })]);
        let text = conversation::render("", &entries).unwrap();
        prop_assert!(stands_in_its_place(&text, &said), "{}", text);
        prop_assert_eq!(text.matches("<!--").count(), 2, "{}", text);
    }

    #[test]
    fn the_other_records_parse_back(a in nasty(), b in nasty(), c in prop::option::of(nasty()), data in value()) {
        let at = Millis(1_700_000_000_000);
        let decision = DecisionRecord {
            at, by: a.clone(), what: b.clone(), text: a.clone() + &b, context: c.clone(), rationale: c.clone(), files: vec![a.clone()],
        };
        let decisions = vec![decision.clone(), DecisionRecord { text: b.clone(), context: None, files: vec![], ..decision }];
        let text = decisions::head(&a) + &decisions::render(&decisions);
        prop_assert_eq!(decisions::parse(&text).unwrap(), decisions);

        let messages = vec![Coordination {
            id: "evt_1".to_owned(), at, from: a.clone(), to: c.clone(), event_type: b.clone(), message: a.clone(), data,
        }];
        let text = coordination::head(&b) + &coordination::render(&messages);
        prop_assert_eq!(coordination::parse(&text).unwrap(), messages);

        let file = ChangedFile { path: a.clone(), status: "added".to_owned(), added: 3, removed: 0 };
        let changes = vec![CodeChange {
            commit: Commit(b.clone()), at, author: a.clone(), subject: b.clone(), reasoning: a.clone(), files: vec![file],
        }];
        let text = code_changes::head(&b) + &code_changes::render(&changes);
        prop_assert_eq!(code_changes::parse(&text).unwrap(), changes);

        let activities = vec![Activity { event: 4, at, kind: b.clone(), text: a.clone() }];
        let text = activity::head(&a) + &activity::render(&activities);
        prop_assert_eq!(activity::parse(&text).unwrap(), activities);

        let update = ProgressUpdate { at, by: a.clone(), phase: "done".to_owned(), summary: b.clone(), details: a.clone() };
        prop_assert_eq!(progress_updates::parse(&progress_updates::render(&update)).unwrap(), vec![update]);

        let done = completed(&a, &b);
        prop_assert_eq!(completion::parse(&completion::render(&done)).unwrap(), vec![done]);

        let all = vec![Round { id: ReviewId(a.clone()), round: 1, commit: Commit(b.clone()), hash: a.clone(), created_at: at, edited_by: c }];
        prop_assert_eq!(rounds::parse(&rounds::render(&all)).unwrap(), all);

        let remarks = vec![Remark {
            at, comment: "cmt_1".to_owned(), label: "C1".to_owned(), by: a.clone(), what: b.clone(), text: a, about: b,
        }];
        let text = comments::head(1) + &comments::render(&remarks);
        prop_assert_eq!(comments::parse(&text).unwrap(), remarks);
    }
}

fn completed(a: &str, b: &str) -> Completion {
    let check = CheckResult {
        command: a.to_owned(),
        passed: false,
        exit_code: Some(1),
        output: b.to_owned(),
        took_ms: 4,
        at: Millis(5),
        fails_on_base: false,
    };
    Completion {
        name: a.to_owned(),
        at: Millis(1_700_000_000_000),
        landed: Some(Commit("0123456789abcdef".to_owned())),
        requirements: vec![Fulfilled {
            number: "1.1".to_owned(),
            text: b.to_owned(),
            parts: vec!["1".to_owned()],
            proof: Proof::Evidenced,
        }],
        parts: vec![Part {
            number: "1".to_owned(),
            title: b.to_owned(),
            requirements: vec!["1.1".to_owned()],
            session: Some(SessionId::from("stws_1")),
            status: "completed".to_owned(),
            commits: vec![Commit("0123456789abcdef".to_owned())],
            proof: Proof::Claimed,
        }],
        checks: vec![check],
        prompt: a.to_owned(),
    }
}

#[test]
fn a_conversation_reads_well() {
    let entries = numbered(vec![
        json!({ "kind": "turn_started", "turn_id": "turn_1", "number": 1, "ask": { "ask": "implement" } }),
        json!({ "kind": "user_message", "turn_id": "turn_1", "by": "spectask", "text": "# Task\n\nWrite note one." }),
        json!({ "kind": "agent_thought", "text": "A file, then." }),
        json!({ "kind": "agent_message", "text": "I write th" }),
        json!({ "kind": "agent_message", "text": "e note.\n\n```rust\nfn main() {" }),
        json!({ "kind": "plan", "entries": [{ "content": "Write it", "status": "in_progress" }, { "content": "Check it", "status": "pending" }] }),
        json!({ "kind": "tool_call", "tool_call_id": "c1", "title": "Write note1.md", "tool_kind": "edit", "status": "pending" }),
        json!({ "kind": "tool_call", "tool_call_id": "c1", "status": "completed",
                "content": [{ "type": "diff", "path": "note1.md", "oldText": null, "newText": "Note 1\n" }] }),
        json!({ "kind": "permission_requested", "request_id": "7-1", "title": "Run the migration?" }),
        json!({ "kind": "permission_resolved", "request_id": "7-1", "outcome": "selected", "option_id": "allow" }),
        json!({ "kind": "user_message", "by": "Ada", "text": "<!-- British spelling, please. -->\r\n" }),
        json!({ "kind": "commit", "commit": "0123abcd" }),
        json!({ "kind": "recorded", "activity_type": "decision", "by": "Ada", "text": "One file for each note." }),
        json!({ "kind": "turn_failed", "code": "network", "message": "The line dropped.", "tried_again": true }),
        json!({ "kind": "turn_ended", "stop_reason": "end_turn", "usage": null }),
    ]);
    assert_snapshot!(head() + &conversation::render("", &entries).unwrap());
}

#[test]
fn what_was_done_reads_well() {
    assert_snapshot!(completion::render(&completed(
        "Add notes",
        "WHEN asked, THE folder SHALL | contain *them*."
    )));
}

#[test]
fn a_file_that_somebody_edited_is_refused_with_the_line() {
    let entries = numbered(vec![
        json!({ "kind": "agent_message", "text": "one" }),
        json!({ "kind": "notice", "text": "two" }),
    ]);
    let text = conversation::render("", &entries).unwrap();
    // Words may be others: they are what the file says.
    let said = |text: &str| {
        conversation::parse(text, 0).unwrap()[0].entry.text().map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(said(&text.replace("> one", "> another one")), "another one");
    let gone: String =
        text.lines().filter(|line| *line != "> one").map(|line| line.to_owned() + "\n").collect();
    assert_eq!(said(&gone), "");
    let from = text.rfind("<!--").unwrap();
    assert!(
        conversation::parse(&text[from..], 0)
            .unwrap_err()
            .to_string()
            .contains("has number 2, and 1 comes next")
    );
}
