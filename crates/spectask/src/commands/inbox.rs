//! The inbox: what waits for a person, and answers to it.

use super::{client, watch};
use crate::cli::{Cli, Inbox, InboxAnswer, InboxCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, Color, paint, plain, short};
use anyhow::Context as _;
use protocol::words::{InboxAction, InboxEvent, InboxKind};
use protocol::{FeedMessage, InboxItem, InboxUpdate, LiveMessage, StreamMessage};
use serde_json::{Value, json};

/// How wide a summary is, in characters.
const WIDTH: usize = 100;

pub(crate) async fn run(cli: &Cli, command: &Inbox) -> anyhow::Result<()> {
    let client = client(cli)?;
    match &command.command {
        Some(InboxCommand::Answer { id, answer: chosen, text }) => {
            answer(cli, &client, id, *chosen, text.as_deref()).await
        }
        None => list(cli, &client, command.watch).await,
    }
}

/// Reads the inbox, as much of it as one page has.
async fn read(client: &Client) -> anyhow::Result<(Vec<InboxItem>, u64, Value)> {
    let answer = client.get("/inbox?limit=500", &[]).await?;
    let items: Vec<InboxItem> =
        serde_json::from_value(answer.body.clone()).context("the server's answer is no inbox")?;
    let total = answer.total.unwrap_or_else(|| u64::try_from(items.len()).unwrap_or(u64::MAX));
    Ok((items, total, answer.body))
}

/// Prints the permission requests and questions of a task, which its other properties do not show.
pub(crate) async fn print_requests(client: &Client, task: &str) -> anyhow::Result<()> {
    let answer = client.get("/inbox", &[("task_id", task.to_owned())]).await?;
    let items: Vec<InboxItem> =
        serde_json::from_value(answer.body).context("the server's answer is no inbox")?;
    let requests =
        items.iter().filter(|item| matches!(item.kind, InboxKind::Permission | InboxKind::Question));
    for (index, item) in requests.enumerate() {
        if index == 0 {
            println!("\nAn agent waits for you. Answer with: spectask inbox answer ID …\n");
        }
        print(item);
    }
    Ok(())
}

async fn list(cli: &Cli, client: &Client, is_watching: bool) -> anyhow::Result<()> {
    let (items, total, body) = read(client).await?;
    match (cli.json, is_watching) {
        (true, true) => {
            for item in body.as_array().into_iter().flatten() {
                println!("{}", json!({ "event": "added", "item": item }));
            }
        }
        (true, false) => output::json(&body),
        (false, _) => {
            if items.is_empty() {
                println!("Nothing needs you.");
            }
            for item in &items {
                print(item);
            }
            let more = total.saturating_sub(u64::try_from(items.len()).unwrap_or(u64::MAX));
            if more > 0 {
                println!("… and {more} more.");
            }
            if !items.is_empty() && !is_watching {
                println!("Answer one with: spectask inbox answer ID allow|deny|always|retry|skip|reply TEXT");
            }
        }
    }
    if !is_watching {
        return Ok(());
    }
    watch::follow(client, json!({ "topic": "fleet" }), async |message: &StreamMessage, _| {
        let StreamMessage::Live(LiveMessage { message, .. }) = message else { return Ok(false) };
        if let FeedMessage::Inbox(update) = &**message {
            if cli.json {
                println!("{}", serde_json::to_string(update)?);
            } else {
                print_update(update);
            }
        }
        Ok(false)
    })
    .await
}

fn print_update(update: &InboxUpdate) {
    match update.event {
        InboxEvent::Added => print(&update.item),
        InboxEvent::Resolved => println!("{}", resolved_line(&update.item)),
        InboxEvent::Changed => {}
    }
}

fn resolved_line(item: &InboxItem) -> String {
    format!("{}  {} · {}", paint("answered", Color::Green), item.title, task_of(item))
}

fn print(item: &InboxItem) {
    let color = match item.kind {
        InboxKind::Failure | InboxKind::Landing => Color::Red,
        InboxKind::Permission
        | InboxKind::Question
        | InboxKind::SpecReview
        | InboxKind::ChangeReview
        | InboxKind::Message => Color::Yellow,
    };
    println!("{}", heading(item, color));
    if !item.summary.is_empty() {
        println!("    {}", short(&item.summary, WIDTH));
    }
    let mut facts = vec![item.id.clone(), format!("since {}", item.since)];
    facts.extend(item.deadline.iter().map(|deadline| format!("rejected at {deadline}")));
    facts.push(answers(item).join(" | "));
    println!("    {}\n", facts.join("  "));
}

fn heading(item: &InboxItem, color: Color) -> String {
    let session = item.work_session.as_ref().map(|session| format!(" / {}", short(&session.name, 40)));
    format!("{}{}  {}", task_of(item), session.unwrap_or_default(), paint(&plain(&item.title), color))
}

/// Returns the task of an item as people know it: its short id and its name.
fn task_of(item: &InboxItem) -> String {
    format!("{}  {}", item.task.short_id, short(&item.task.name, 60))
}

/// Returns the answers as they are typed; for a review, the command that has it.
fn answers(item: &InboxItem) -> Vec<String> {
    if is_review(item) {
        return vec![review_command(item)];
    }
    let word = |action: &InboxAction| match action {
        InboxAction::Allow => Some("allow".to_owned()),
        InboxAction::Deny => Some("deny".to_owned()),
        InboxAction::AllowAlways => Some("always".to_owned()),
        InboxAction::Retry => Some("retry".to_owned()),
        InboxAction::Skip => Some("skip".to_owned()),
        InboxAction::Reply => Some("reply TEXT".to_owned()),
        InboxAction::Approve | InboxAction::RequestChanges | InboxAction::Open => None,
    };
    let words: Vec<String> = item.actions.iter().filter_map(word).collect();
    if words.is_empty() { vec![format!("spectask show {}", item.task.short_id)] } else { words }
}

fn is_review(item: &InboxItem) -> bool {
    matches!(item.kind, InboxKind::SpecReview | InboxKind::ChangeReview)
}

/// Returns the commands by which a review is read and answered.
fn review_command(item: &InboxItem) -> String {
    let reading = if item.kind == InboxKind::SpecReview { "document" } else { "diff" };
    format!("spectask {reading} {0}, then spectask approve {0}", item.task.short_id)
}

async fn answer(
    cli: &Cli,
    client: &Client,
    id: &str,
    chosen: InboxAnswer,
    text: Option<&str>,
) -> anyhow::Result<()> {
    let (items, _, _) = read(client).await?;
    let item = find(&items, id)?;
    if is_review(item) {
        return Err(wrong(format!("a review is answered after it is read: {}", review_command(item))).into());
    }
    let action = match chosen {
        InboxAnswer::Allow => InboxAction::Allow,
        InboxAnswer::Deny => InboxAction::Deny,
        InboxAnswer::Always => InboxAction::AllowAlways,
        InboxAnswer::Retry => InboxAction::Retry,
        InboxAnswer::Skip => InboxAction::Skip,
        InboxAnswer::Reply => InboxAction::Reply,
    };
    if !item.actions.contains(&action) {
        let possible = answers(item).join(", ");
        return Err(wrong(format!("{:?} is answered with: {possible}", item.title)).into());
    }
    let (path, body) = request(item, action, text)?;
    let answered = client.post(&path, &body).await?;
    if cli.json {
        output::json(&answered);
    } else {
        println!("{}", resolved_line(item));
    }
    Ok(())
}

/// Returns the request that answers an item.
fn request(item: &InboxItem, action: InboxAction, text: Option<&str>) -> anyhow::Result<(String, Value)> {
    let of_session = |verb: &str| {
        item.work_session.as_ref().map(|session| format!("/work-sessions/{}/{verb}", session.id))
    };
    let permission = format!("/permissions/{}", item.request_id.as_deref().unwrap_or_default());
    Ok(match action {
        InboxAction::Allow => (permission, json!({ "answer": "allow" })),
        InboxAction::Deny => (permission, json!({ "answer": "deny" })),
        InboxAction::AllowAlways => (permission, json!({ "answer": "allow_always" })),
        InboxAction::Retry => {
            let of_task = || format!("/spec-tasks/{}/retry", item.task.id);
            (of_session("retry").unwrap_or_else(of_task), json!({}))
        }
        InboxAction::Skip => (of_session("skip").context("the item has no work session")?, json!({})),
        InboxAction::Reply => {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| wrong("a reply needs a text".to_owned()))?;
            let path = of_session("messages").context("the item has no work session")?;
            (path, json!({ "content": text, "mode": "queue" }))
        }
        InboxAction::Approve | InboxAction::RequestChanges | InboxAction::Open => {
            anyhow::bail!("this is answered on the page of the task")
        }
    })
}

fn find<'i>(items: &'i [InboxItem], id: &str) -> Result<&'i InboxItem, Failure> {
    let id = if id.starts_with("inb_") { id.to_owned() } else { format!("inb_{id}") };
    let mut found = items.iter().filter(|item| item.id.starts_with(&id));
    match (found.next(), found.next()) {
        (Some(item), None) => Ok(item),
        (Some(_), Some(_)) => Err(wrong(format!("several items begin with {id:?}; give more of the id"))),
        (None, _) => Err(Failure::NotFound(format!(
            "nothing with the id {id:?} waits for you; `spectask inbox` lists what does"
        ))),
    }
}

fn wrong(detail: String) -> Failure {
    Failure::Refused { status: 422, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{InboxSession, InboxTask};

    fn item(id: &str, kind: InboxKind, actions: &[InboxAction]) -> InboxItem {
        InboxItem {
            id: id.to_owned(),
            kind,
            task: InboxTask {
                id: "spt_1".into(),
                short_id: "SPEC-1".into(),
                name: "Dates".into(),
                project_id: "prj_1".into(),
            },
            work_session: Some(InboxSession { id: "stws_1".into(), name: "Add".into() }),
            title: "Title".to_owned(),
            summary: String::new(),
            since: String::new(),
            deadline: None,
            actions: actions.to_vec(),
            content_hash: None,
            commit: None,
            request_id: Some("7-1".to_owned()),
        }
    }

    #[test]
    fn an_item_is_found_by_the_beginning_of_its_id_when_no_other_begins_so() {
        let items = [
            item("inb_0aa", InboxKind::Failure, &[]),
            item("inb_0ab", InboxKind::Failure, &[]),
            item("inb_1", InboxKind::Failure, &[]),
        ];
        assert_eq!(find(&items, "1").expect("found").id, "inb_1");
        assert_eq!(find(&items, "inb_0ab").expect("found").id, "inb_0ab");
        assert!(find(&items, "inb_0a").expect_err("two").to_string().contains("several"));
        assert!(matches!(find(&items, "2"), Err(Failure::NotFound(_))));
    }

    #[test]
    fn each_answer_is_the_request_of_its_route() {
        let asked = item("inb_1", InboxKind::Permission, &[]);
        let sent = |action| request(&asked, action, Some(" Yes ")).expect("a request");
        assert_eq!(
            sent(InboxAction::AllowAlways),
            ("/permissions/7-1".to_owned(), json!({ "answer": "allow_always" }))
        );
        assert_eq!(sent(InboxAction::Skip).0, "/work-sessions/stws_1/skip");
        assert_eq!(sent(InboxAction::Reply).1, json!({ "content": "Yes", "mode": "queue" }));
        assert!(request(&asked, InboxAction::Reply, Some("  ")).is_err());
        let of_task = InboxItem { work_session: None, ..asked };
        assert_eq!(
            request(&of_task, InboxAction::Retry, None).expect("a request").0,
            "/spec-tasks/spt_1/retry"
        );
    }
}
