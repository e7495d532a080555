//! The content of a push message: what is asked, of which task, where it is answered, and the answers that a notification offers.

use crate::app::App;
use crate::clock::rfc3339;
use crate::notifications::inbox::cut;
use crate::notifications::webhooks::page_of;
use protocol::InboxItem;
use protocol::words::InboxKind;
use serde_json::{Value, json};
use store::{Delivery, PushSubscription, StoreError, Token};
use workflow::{EventId, Millis, PersonRequest, Task, TaskId};

/// The event of a message by which a person tries a subscription.
pub const TEST: &str = "push.test";
/// The longest message before it is encrypted, in bytes: push services take 4096 after that.
const MAX_BYTES: usize = 3072;
/// The longest title and the longest name of a task, in characters.
const MAX_TITLE: usize = 80;
/// The longest text, in characters.
const MAX_TEXT: usize = 240;
/// The most and the longest options of a question that are offered, in characters. All are offered or none: a choice among some of
/// them would not be the one that is asked for.
const MAX_OPTIONS: usize = 2;
const MAX_OPTION: usize = 30;
/// How long a push service keeps a message for a browser that is away, in seconds.
const KEPT_SECONDS: i64 = 3 * 24 * 3600;

/// A message to send.
pub(super) struct Message {
    pub(super) payload: String,
    /// How long the push service keeps it, in seconds.
    pub(super) ttl: i64,
    /// How urgent it is, as RFC 8030 names it.
    pub(super) urgency: &'static str,
    /// A later message with the same topic replaces it.
    pub(super) topic: String,
}

/// What becomes of a queued message.
pub(super) enum Content {
    Message(Message),
    /// The item does not wait any more.
    Answered,
    /// The person may not see it.
    NotVisible,
}

/// Writes a message as things are now.
pub(super) async fn content(
    app: &App,
    subscription: &PushSubscription,
    token: &Token,
    delivery: &Delivery,
    at: Millis,
) -> Result<Content, StoreError> {
    if delivery.event == TEST {
        let payload = json!({
            "version": 1, "id": "test", "kind": "test", "title": "Test notification",
            "text": "Notifications of SpecTask reach this browser.", "path": "/settings?view=notifications", "answers": [],
        });
        let message =
            Message { payload: payload.to_string(), ttl: 300, urgency: "normal", topic: "test".to_owned() };
        return Ok(Content::Message(message));
    }
    let Some((owner, item)) = app.store.inbox_item(&delivery.message).await? else {
        return Ok(Content::Answered);
    };
    let is_within = (subscription.project.is_empty() || subscription.project == item.task.project_id)
        && (subscription.task.is_empty() || subscription.task == item.task.id);
    if owner != subscription.user || !is_within {
        return Ok(Content::NotVisible);
    }
    let signed_in = match subscription.signed_in_at {
        Millis(0) => true,
        since => app.store.is_signed_in(&subscription.user, since, at).await?,
    };
    let payload = if signed_in {
        let may_decide = token.scope == "owner" || token.decides;
        let answers = if may_decide { answers(app, &item).await? } else { json!([]) };
        of_item(&item, &answers, &|text| app.redactor.redact(text).into_owned())
    } else {
        // Whoever has the browser now may be somebody else.
        json!({
            "version": 1, "id": item.id, "kind": item.kind, "title": "SpecTask needs you",
            "text": "Sign in to see what waits for you.", "path": page_of(&item), "answers": [],
        })
        .to_string()
    };
    let (ttl, urgency) = (ttl(&item, at), urgency(item.kind));
    Ok(Content::Message(Message { payload, ttl, urgency, topic: item.id }))
}

fn of_item(item: &InboxItem, answers: &Value, redact: &dyn Fn(&str) -> String) -> String {
    let text = |text: &str, most: usize| {
        let clean: String = redact(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        cut(&clean, most)
    };
    let mut payload = json!({
        "version": 1,
        "id": item.id,
        "kind": item.kind,
        "title": text(&item.title, MAX_TITLE),
        "text": text(&item.summary, MAX_TEXT),
        "task": { "id": item.task.id, "short_id": item.task.short_id, "name": text(&item.task.name, MAX_TITLE) },
        "path": page_of(item),
        "since": item.since,
        "deadline": item.deadline,
        "request_id": item.request_id,
        "answers": answers,
    });
    if payload.to_string().len() > MAX_BYTES {
        payload["text"] = json!("");
    }
    payload.to_string()
}

/// Returns the answers that a notification offers. Reviews, failures and proposals have none: they are decided on their page, by
/// somebody who read what they are about.
async fn answers(app: &App, item: &InboxItem) -> Result<Value, StoreError> {
    Ok(match (item.kind, &item.request_id) {
        (InboxKind::Permission, Some(_)) => json!([
            { "id": "allow", "label": "Allow once" },
            { "id": "deny", "label": "Reject" },
        ]),
        (InboxKind::Question, Some(request)) => {
            let task = app.store.task(&TaskId::from(item.task.id.as_str())).await?;
            let options = task.map(|task| options(&task, request)).unwrap_or_default();
            options
                .iter()
                .enumerate()
                .map(|(at, option)| json!({ "id": format!("option-{at}"), "label": option }))
                .collect()
        }
        _ => json!([]),
    })
}

/// Returns the options of a question, if they are few and short enough.
fn options(task: &Task, request: &str) -> Vec<String> {
    let event = task.coordination_event(&EventId::from(request));
    let Some(PersonRequest::Question { choices }) = event.and_then(|event| event.person_request.as_ref())
    else {
        return Vec::new();
    };
    let is_short = |choice: &String| choice.chars().count() <= MAX_OPTION && !choice.trim().is_empty();
    if choices.len() > MAX_OPTIONS || !choices.iter().all(is_short) {
        return Vec::new();
    }
    choices.clone()
}

/// Returns how long a push service keeps a message about an item, in seconds: not beyond its deadline.
fn ttl(item: &InboxItem, at: Millis) -> i64 {
    let deadline = item.deadline.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let left = deadline.map(|deadline| (deadline.as_millisecond() - at.0) / 1000);
    left.unwrap_or(KEPT_SECONDS).clamp(0, KEPT_SECONDS)
}

/// Returns how urgent an item is: what keeps agents from work is sent to a device at once, also when its battery is low.
fn urgency(kind: InboxKind) -> &'static str {
    match kind {
        InboxKind::Permission | InboxKind::Question => "high",
        InboxKind::Failure
        | InboxKind::Landing
        | InboxKind::ChangeReview
        | InboxKind::SpecReview
        | InboxKind::Message => "normal",
    }
}

/// Returns the queued message by which a person tries a subscription.
pub(super) fn test(subscription: &PushSubscription, at: Millis) -> store::NewDelivery {
    let payload = json!({ "title": "Test notification", "kind": "test", "at": rfc3339(at) });
    store::NewDelivery {
        endpoint: subscription.endpoint(),
        message: "test".to_owned(),
        event: TEST.to_owned(),
        payload: payload.to_string(),
        at,
    }
}
