//! Push messages, with push services on this machine that read them as a browser does.

use crate::harness::{Place, Server, TOKEN, eventually, http, text, until};
use crate::job::{PROMPT, note, scenario, session};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::{aead, hkdf, rand, signature};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};
use web_push_native::p256;

/// A request that a push service got.
#[derive(Clone)]
struct Got {
    /// The browser that it is for.
    browser: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The answer to the n-th request for a browser.
type Answer = fn(&str, usize) -> StatusCode;

/// A push service.
#[derive(Clone)]
struct Service {
    got: Arc<Mutex<Vec<Got>>>,
    answer: Answer,
    url: String,
}

impl Service {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let service = Self { got: Arc::default(), answer, url };
        let app = Router::new().route("/send/{browser}", post(receive)).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        service
    }

    fn got(&self, browser: &str) -> Vec<Got> {
        let all = self.got.lock().expect("no panic");
        all.iter().filter(|got| got.browser == browser).cloned().collect()
    }

    /// The requests for a browser, once there are so many.
    async fn wait_for(&self, browser: &str, many: usize) -> Vec<Got> {
        eventually(async || {
            let got = self.got(browser);
            if got.len() >= many { Ok(got) } else { Err(format!("only {} came for {browser}", got.len())) }
        })
        .await
    }

    /// The first message of a kind for a browser. One about something that was answered at once may never have come.
    async fn message(&self, browser: &Browser, kind: &str) -> Value {
        eventually(async || {
            let all: Vec<Value> = self.got(browser.name).iter().map(|got| browser.decrypt(got)).collect();
            let found = all.iter().find(|message| message["kind"] == kind);
            found.cloned().ok_or_else(|| format!("no {kind} among {all:#?}"))
        })
        .await
    }

    fn setting(&self) -> String {
        setting(&[&self.url])
    }
}

fn setting(services: &[&str]) -> String {
    format!("\n[push]\ncontact = \"mailto:ops@example.org\"\nprivate_services = {services:?}\n")
}

async fn receive(
    State(service): State<Service>,
    Path(browser): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let number = {
        let mut got = service.got.lock().expect("no panic");
        got.push(Got { browser: browser.clone(), headers, body: body.to_vec() });
        got.iter().filter(|got| got.browser == browser).count()
    };
    let status = (service.answer)(&browser, number);
    match status {
        StatusCode::TOO_MANY_REQUESTS => (status, [(header::RETRY_AFTER, "1")]).into_response(),
        StatusCode::SERVICE_UNAVAILABLE => (status, [(header::RETRY_AFTER, "600")]).into_response(),
        _ => status.into_response(),
    }
}

/// A browser with its keys.
struct Browser {
    name: &'static str,
    private: p256::SecretKey,
    auth: [u8; 16],
}

impl Browser {
    fn new(name: &'static str) -> Self {
        // Keys need not be random here, and differ by the browser's name.
        let seed = Sha256::digest(name);
        let auth = seed[..16].try_into().expect("16 bytes");
        Self { name, private: p256::SecretKey::from_slice(&seed).expect("a key"), auth }
    }

    fn uncompressed(key: &p256::PublicKey) -> Vec<u8> {
        use p256::elliptic_curve::sec1::ToEncodedPoint as _;
        key.to_encoded_point(false).as_bytes().to_vec()
    }

    fn endpoint(&self, service: &Service) -> String {
        format!("{}/send/{}", service.url, self.name)
    }

    fn body(&self, endpoint: &str) -> Value {
        let public = Self::uncompressed(&self.private.public_key());
        json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": { "p256dh": BASE64_URL_SAFE_NO_PAD.encode(public), "auth": BASE64_URL_SAFE_NO_PAD.encode(self.auth) },
            "name": self.name,
        })
    }

    async fn subscribe(&self, server: &Server, service: &Service) -> String {
        text(&server.post("/push/subscriptions", &self.body(&self.endpoint(service))).await, "id")
    }

    /// Decrypts a message as RFC 8291 and RFC 8188 say.
    fn decrypt(&self, got: &Got) -> Value {
        assert_eq!(got.header("content-encoding"), "aes128gcm");
        assert!(got.body.len() <= 4096, "{} bytes", got.body.len());
        let (salt, rest) = got.body.split_at(16);
        let (size, rest) = rest.split_at(4);
        let size = u32::from_be_bytes(size.try_into().expect("4 bytes"));
        let (sender, record) = rest[1..].split_at(usize::from(rest[0]));
        assert!(record.len() <= usize::try_from(size).expect("a size"), "one record");
        let sender_key = p256::PublicKey::from_sec1_bytes(sender).expect("a point");
        let shared = p256::ecdh::diffie_hellman(self.private.to_nonzero_scalar(), sender_key.as_affine());
        let own = Self::uncompressed(&self.private.public_key());
        let info = [b"WebPush: info\0".as_slice(), &own, sender].concat();
        let secret = derive(&self.auth, shared.raw_secret_bytes(), &info, 32);
        let key = derive(salt, &secret, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = derive(salt, &secret, b"Content-Encoding: nonce\0", 12);
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).expect("a key"));
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).expect("a nonce");
        let mut record = record.to_vec();
        let plain =
            key.open_in_place(nonce, aead::Aad::empty(), &mut record).expect("it is for this browser");
        let end = plain.iter().rposition(|byte| *byte != 0).expect("a delimiter");
        assert_eq!(plain[end], 2, "the last record");
        assert!(end <= 3072, "{end} bytes");
        serde_json::from_slice(&plain[..end]).expect("JSON")
    }
}

/// Derives bytes with HKDF and SHA-256.
fn derive(salt: &[u8], secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut derived = vec![0; length];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], Length(length))
        .expect("a length")
        .fill(&mut derived)
        .expect("filled");
    derived
}

/// Checks by whom and for whom a request is signed, as RFC 8292 says, and returns what is claimed.
fn verified(got: &Got, public_key: &str) -> Value {
    let (token, key) = got
        .header("authorization")
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.split_once(", k="))
        .expect("a token and a key");
    assert_eq!(key, public_key);
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let verifier = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, decode(key));
    verifier.verify(signed.as_bytes(), &decode(signature)).expect("the signature is right");
    let (head, claims) = signed.split_once('.').expect("two parts");
    let head: Value = serde_json::from_slice(&decode(head)).expect("JSON");
    assert_eq!(head["alg"], "ES256");
    serde_json::from_slice(&decode(claims)).expect("JSON")
}

const OK: Answer = |_, _| StatusCode::CREATED;
const WRITE: &str = "{ write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }";

/// A place whose agent plays a first session, and whose server may send to a service.
fn place(steps: &str, setting: &str) -> Place {
    let place = Place::new(0);
    place.configure(&scenario(&(session(1, steps) + &note(2))));
    place.configure_more(setting);
    place
}

async fn project(place: &Place, server: &Server) -> String {
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    server.put(&format!("/projects/{project}"), &json!({ "settings": { "permissions": "ask" } })).await;
    project
}

async fn begin(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": PROMPT, "project_id": project });
    text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
}

async fn approve_specs(server: &Server, task: &str) {
    server.wait_for(task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
}

fn deliveries(id: &str) -> String {
    format!("/push/subscriptions/{id}/deliveries")
}

/// Asks with a token other than the owner's.
async fn with_token(server: &Server, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = http().request(method.parse().expect("a method"), format!("{}/api/v1{path}", server.url));
    let answer = request.bearer_auth(token).json(body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_encrypted_with_the_answers_that_a_notification_may_give() {
    let service = Service::start(|_, number| match number {
        1 => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::CREATED,
    })
    .await;
    let asks = format!("{{ ask = \"npm run migrate\", kind = \"execute\" }}, {WRITE}");
    let place = place(&asks, &service.setting());
    let server = place.serve().await;
    let key = text(&server.get("/push/key").await, "public_key");
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&key).map(|key| key.len()), Ok(65));
    let phone = Browser::new("phone");
    let id = phone.subscribe(&server, &service).await;
    let hash = hex::encode(Sha256::digest(phone.endpoint(&service)));
    assert_eq!(id, format!("psh_{}", &hash[..24]));

    // A test is sent until it is taken; a service that is busy says when to come back.
    server.post(&format!("/push/subscriptions/{id}/test"), &json!({})).await;
    let got = service.wait_for("phone", 2).await;
    assert!(got.iter().all(|got| phone.decrypt(got)["kind"] == "test"));
    let bodies = [&got[0].body, &got[1].body];
    assert_ne!(bodies[0][..16], bodies[1][..16], "each attempt has its own salt");
    let log = until(&server, &deliveries(&id), |log| log[0]["state"] == "delivered").await;
    assert_eq!((&log[0]["attempts"], &log[0]["status"]), (&json!(2), &json!(201)), "{log:#}");
    assert_eq!((&log[0]["item_id"], &log[0]["task_short_id"]), (&Value::Null, &Value::Null));
    let claims = verified(&got[0], &key);
    let now = jiff::Timestamp::now().as_second();
    let expires = claims["exp"].as_i64().expect("a time");
    assert!(expires > now && expires <= now + 24 * 3600, "{claims}");
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(service.url), &json!("mailto:ops@example.org")));

    let project = project(&place, &server).await;
    let task = begin(&server, &project).await;
    let got = service.wait_for("phone", 3).await;
    let review = phone.decrypt(&got[2]);
    let short_id = text(&server.wait_for(&task, &["spec_review"]).await, "short_id");
    assert_eq!((&review["kind"], &review["answers"]), (&json!("spec_review"), &json!([])), "{review:#}");
    assert_eq!(review["task"], json!({ "id": task, "short_id": short_id, "name": review["task"]["name"] }));
    assert_eq!(review["path"], format!("/tasks/{task}?tab=specification"));
    assert_eq!((got[2].header("urgency"), got[2].header("ttl")), ("normal", "259200"));
    assert_eq!(got[2].header("topic"), review["id"]);
    approve_specs(&server, &task).await;

    let got = service.wait_for("phone", 4).await;
    let permission = phone.decrypt(&got[3]);
    assert_eq!(
        permission["answers"],
        json!([{ "id": "allow", "label": "Allow once" }, { "id": "deny", "label": "Reject" }]),
        "{permission:#}"
    );
    assert_eq!(
        (&permission["title"], &permission["text"]),
        (&json!("Allow a command"), &json!("npm run migrate"))
    );
    let ttl: i64 = got[3].header("ttl").parse().expect("a number");
    assert!(
        got[3].header("urgency") == "high" && (800..=900).contains(&ttl),
        "not beyond its deadline: {ttl}"
    );
    let path = format!("/permissions/{}", text(&permission, "request_id"));
    server.post(&path, &json!({ "answer": "allow" })).await;
    let got = service.wait_for("phone", 5).await;
    assert_eq!(phone.decrypt(&got[4])["kind"], "change_review");

    // Neither the address and keys of the browser nor the server's key are shown or logged, or in the database as they are.
    let listed = server.get("/push/subscriptions").await;
    assert_eq!((&listed[0]["name"], &listed[0]["service"]), (&json!("phone"), &json!(service.url)));
    let shown =
        format!("{listed}{}{}{}", server.get("/audit").await, server.get("/config").await, place.read_log());
    let keys = phone.body("")["keys"].clone();
    let stored = if place.on_postgres { Vec::new() } else { database(&place) };
    for secret in ["/send/phone", &text(&keys, "p256dh"), &text(&keys, "auth")] {
        assert!(!shown.contains(secret), "{secret} is shown");
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is stored");
    }
    let audit = server.get("/audit?action=subscribe_push").await;
    assert_eq!(audit.as_array().map(Vec::len), Some(1), "{audit:#}");
    phone.subscribe(&server, &service).await;
    assert_eq!(
        server.get("/audit?action=subscribe_push").await,
        audit,
        "a browser that says so again is no other"
    );
    server.end().await;
}

/// The bytes of the database's files.
fn database(place: &Place) -> Vec<u8> {
    let files = ["data/spectask.db", "data/spectask.db-wal"];
    files.iter().filter_map(|file| std::fs::read(place.path(file)).ok()).flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_about_what_was_answered_meanwhile_and_a_crash_loses_nothing() {
    let service = Service::start(|browser, number| match (browser, number) {
        ("busy", 1) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    })
    .await;
    let place = place(WRITE, &service.setting());
    let server = place.serve().await;
    let busy = Browser::new("busy");
    let id = busy.subscribe(&server, &service).await;
    let key = server.get("/push/key").await;
    let project = project(&place, &server).await;
    let task = begin(&server, &project).await;
    let first = busy.decrypt(&service.wait_for("busy", 1).await[0]);
    let failed = until(&server, &deliveries(&id), |log| log[0]["error"].is_string()).await;
    assert_eq!((&failed[0]["state"], &failed[0]["status"]), (&json!("pending"), &json!(503)), "{failed:#}");
    let next: jiff::Timestamp = text(&failed[0], "next_attempt_at").parse().expect("a time");
    assert!(next.as_second() > jiff::Timestamp::now().as_second() + 500, "the service says when: {failed:#}");
    server.kill().await;
    let server = place.serve().await;
    assert_eq!(server.get("/push/key").await, key, "the key stays");
    let log = server.get(&deliveries(&id)).await;
    assert_eq!(log[0]["state"], "pending", "{log:#}");
    let decision = json!({ "approved": false, "decision": "reject", "comments": "No." });
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &decision).await;
    let log = until(&server, &deliveries(&id), |log| log[0]["state"] == "withdrawn").await;
    assert_eq!(log[0]["error"], "answered before it was sent", "{log:#}");
    // Whatever comes after it comes without it.
    server.post(&format!("/push/subscriptions/{id}/test"), &json!({})).await;
    let got = service.wait_for("busy", 2).await;
    assert_eq!(
        got.iter().map(|got| busy.decrypt(got)["id"].clone()).collect::<Vec<_>>(),
        [first["id"].clone(), json!("test")]
    );
    let listed = until(&server, "/push/subscriptions", |all| all[0]["pending"] == 0).await;
    assert_eq!((&listed[0]["withdrawn"], &listed[0]["delivered"]), (&json!(1), &json!(1)), "{listed:#}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_gone_is_removed_and_a_silent_service_holds_up_no_other() {
    let service = Service::start(|browser, _| match browser {
        "gone" => StatusCode::GONE,
        "unknown" => StatusCode::NOT_FOUND,
        "refused" => StatusCode::FORBIDDEN,
        _ => StatusCode::CREATED,
    })
    .await;
    // It takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent_url = format!("http://{}", silent.local_addr().expect("an address"));
    let held = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = silent.accept().await {
            open.push(socket);
        }
    });
    let place = place(WRITE, &setting(&[&service.url, &silent_url]));
    let server = place.serve().await;
    let stuck = Browser::new("stuck");
    let stuck = server.post("/push/subscriptions", &stuck.body(&format!("{silent_url}/send/stuck"))).await;
    let mut ids = Vec::new();
    for name in ["gone", "unknown", "refused", "phone"] {
        ids.push(Browser::new(name).subscribe(&server, &service).await);
    }
    let project = project(&place, &server).await;
    begin(&server, &project).await;
    let phone = Browser::new("phone");
    assert_eq!(phone.decrypt(&service.wait_for("phone", 1).await[0])["kind"], "spec_review");
    let left =
        until(&server, "/push/subscriptions", |all| all.as_array().is_some_and(|all| all.len() == 3)).await;
    let left: Vec<String> = left.as_array().expect("a list").iter().map(|one| text(one, "name")).collect();
    assert_eq!(left, ["stuck", "refused", "phone"]);
    let (status, _) = server.try_get(&deliveries(&ids[0])).await.expect("an answer");
    assert_eq!(status, 404);
    let refused = until(&server, &deliveries(&ids[2]), |log| log[0]["state"] == "failed").await;
    assert_eq!(refused[0]["attempts"], 1, "to ask again is of no use: {refused:#}");
    let log = server.get(&deliveries(&text(&stuck, "id"))).await;
    assert_eq!(log[0]["state"], "pending", "{log:#}");
    // It ends in time although a service does not answer.
    server.end().await;
    held.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_sees_what_its_token_sees_and_ends_with_it() {
    let service = Service::start(OK).await;
    let asks = format!("{{ ask = \"npm publish\", kind = \"execute\" }}, {WRITE}");
    let place = place(&asks, &service.setting());
    let server = place.serve().await;
    let project = project(&place, &server).await;
    let other = place.repository("other", &[("README.md", "# Other\n")]);
    let other = server.project(&other, &[]).await;
    let mut tokens = Vec::new();
    for (name, body) in [
        ("working", json!({ "name": "working", "scope": "project", "project_id": project })),
        (
            "elsewhere",
            json!({ "name": "elsewhere", "scope": "project", "project_id": other, "can_decide": true }),
        ),
        (
            "deciding",
            json!({ "name": "deciding", "scope": "project", "project_id": project, "can_decide": true }),
        ),
    ] {
        let created = server.post("/tokens", &body).await;
        let (token, browser) = (text(&created, "token"), Browser::new(name));
        let body = browser.body(&browser.endpoint(&service));
        let (status, kept) = with_token(&server, &token, "POST", "/push/subscriptions", &body).await;
        assert_eq!(status, 200, "{kept:#}");
        tokens.push((token, text(&created, "id"), text(&kept, "id")));
    }
    let [(working, working_token, working_id), (_, _, elsewhere_id), (deciding, _, deciding_id)] =
        &tokens[..]
    else {
        panic!("three tokens")
    };
    // A token sees and removes its own alone; the owner sees all.
    let (_, own) = with_token(&server, working, "GET", "/push/subscriptions", &Value::Null).await;
    assert_eq!(
        own.as_array().map(|all| all.iter().map(|one| text(one, "id")).collect()),
        Some(vec![working_id.clone()])
    );
    for (method, path) in [
        ("DELETE", format!("/push/subscriptions/{deciding_id}")),
        ("POST", format!("/push/subscriptions/{deciding_id}/test")),
        ("GET", deliveries(deciding_id)),
    ] {
        assert_eq!(with_token(&server, working, method, &path, &json!({})).await.0, 404, "{method} {path}");
    }
    assert_eq!(server.get("/push/subscriptions").await.as_array().map(Vec::len), Some(3));

    let task = begin(&server, &project).await;
    approve_specs(&server, &task).await;
    for (name, answers) in [("working", 0), ("deciding", 2)] {
        let browser = Browser::new(name);
        let permission = service.message(&browser, "permission").await;
        assert_eq!(permission["answers"].as_array().map(Vec::len), Some(answers), "{name}: {permission:#}");
    }
    assert_eq!(server.get(&deliveries(elsewhere_id)).await, json!([]), "it is of another project");
    assert_eq!(service.got("elsewhere").len(), 0);

    // A revoked token has no subscriptions, and those of others stay.
    server.try_delete(&format!("/tokens/{working_token}")).await.expect("an answer");
    let left = server.get("/push/subscriptions").await;
    assert_eq!(left.as_array().map(Vec::len), Some(2), "{left:#}");
    let path = format!("/push/subscriptions/{deciding_id}");
    assert_eq!(with_token(&server, deciding, "DELETE", &path, &Value::Null).await.0, 204);
    assert_eq!(with_token(&server, deciding, "DELETE", &path, &Value::Null).await.0, 404);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_comes_with_its_options_where_these_are_few_and_short() {
    let ask = |choices: &str| {
        format!(
            "{{ call_tool = \"ask_user\", once = true, \
             arguments = {{ question = \"How long?\", choices = {choices}, wait_seconds = 0 }} }}, {WRITE}"
        )
    };
    for (choices, offered) in [
        (
            "[\"short\", \"long\"]",
            json!([{ "id": "option-0", "label": "short" }, { "id": "option-1", "label": "long" }]),
        ),
        ("[\"short\", \"middle\", \"long\"]", json!([])),
        ("[\"a text that is too long for a button\", \"long\"]", json!([])),
    ] {
        let service = Service::start(OK).await;
        let place = place(&ask(choices), &service.setting());
        let server = place.serve().await;
        let phone = Browser::new("phone");
        phone.subscribe(&server, &service).await;
        let project = project(&place, &server).await;
        let task = begin(&server, &project).await;
        approve_specs(&server, &task).await;
        let question = service.message(&phone, "question").await;
        assert_eq!(
            (&question["text"], &question["answers"]),
            (&json!("How long?"), &offered),
            "{question:#}"
        );
        let path = format!("/spec-tasks/{task}/questions/{}/answer", text(&question, "request_id"));
        server.post(&path, &json!({ "answer": "short" })).await;
        server.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_signs_out_gets_nothing_more() {
    let service = Service::start(OK).await;
    let place = place(WRITE, &service.setting());
    let server = place.serve().await;
    let sign_in = async || {
        let answer = http().post(format!("{}/api/v1/login", server.url)).json(&json!({ "token": TOKEN }));
        let answer = answer.send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        cookie.split(';').next().expect("a cookie").to_owned()
    };
    let post = async |cookie: &str, origin: &str, path: &str, body: &Value| {
        let request = http().post(format!("{}/api/v1{path}", server.url)).header("cookie", cookie);
        request.header("origin", origin).json(body).send().await.expect("an answer").status().as_u16()
    };
    let [laptop, phone] = [sign_in().await, sign_in().await];
    for (cookie, name) in [(&laptop, "laptop"), (&phone, "phone")] {
        let browser = Browser::new(name);
        let body = browser.body(&browser.endpoint(&service));
        assert_eq!(post(cookie, "https://evil.example.org", "/push/subscriptions", &body).await, 403);
        assert_eq!(post(cookie, &server.url, "/push/subscriptions", &body).await, 200);
    }
    Browser::new("program").subscribe(&server, &service).await;
    let names = async || {
        let all = server.get("/push/subscriptions").await;
        all.as_array().expect("a list").iter().map(|one| text(one, "name")).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["laptop", "phone", "program"]);
    assert_eq!(post(&laptop, &server.url, "/logout", &json!({})).await, 204);
    assert_eq!(names().await, ["phone", "program"]);
    let project = project(&place, &server).await;
    begin(&server, &project).await;
    let got = service.wait_for("phone", 1).await;
    assert_eq!(Browser::new("phone").decrypt(&got[0])["title"], "Review the specification");
    assert_eq!(service.got("laptop").len(), 0);
    assert_eq!(post(&phone, &server.url, "/logout", &json!({ "everywhere": true })).await, 204);
    assert_eq!(names().await, ["program"], "what a program made with the token stays");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_session_gets_no_content_and_an_expired_token_nothing() {
    use sqlx::Connection as _;
    let service = Service::start(OK).await;
    let mut place = place(WRITE, &service.setting());
    // Its database is changed by hand.
    place.on_postgres = false;
    let server = place.serve().await;
    let created = server.post("/tokens", &json!({ "name": "old", "scope": "owner" })).await;
    let old = Browser::new("old");
    let body = old.body(&old.endpoint(&service));
    assert_eq!(
        with_token(&server, &text(&created, "token"), "POST", "/push/subscriptions", &body).await.0,
        200
    );
    let login = http().post(format!("{}/api/v1/login", server.url)).json(&json!({ "token": TOKEN }));
    let login = login.send().await.expect("an answer");
    let cookie = login.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie");
    let phone = Browser::new("phone");
    let body = phone.body(&phone.endpoint(&service));
    let request = http().post(format!("{}/api/v1/push/subscriptions", server.url)).header("cookie", cookie);
    assert_eq!(request.json(&body).send().await.expect("an answer").status(), 200);
    server.end().await;

    let url = format!("sqlite://{}", place.path("data/spectask.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.expect("a database");
    sqlx::raw_sql("UPDATE browser_sessions SET expires_at = 1").execute(&mut database).await.expect("lapsed");
    database.close().await.expect("closed");
    let store = store::Store::open(&url).await.expect("a database");
    let hash = engine::settings::owner::hash(&text(&created, "token"));
    let token = store.token(&hash).await.expect("read").expect("a token");
    store.put_token(store::Token { expires_at: Some(workflow::Millis(2)), ..token }).await.expect("saved");
    store.close().await;

    let server = place.serve().await;
    let project = project(&place, &server).await;
    let task = begin(&server, &project).await;
    let message = phone.decrypt(&service.wait_for("phone", 1).await[0]);
    assert_eq!(
        (&message["title"], &message["answers"], &message["path"]),
        (&json!("SpecTask needs you"), &json!([]), &json!(format!("/tasks/{task}?tab=specification")))
    );
    assert!(message["task"].is_null() && message["request_id"].is_null(), "{message:#}");
    let left =
        until(&server, "/push/subscriptions", |all| all.as_array().is_some_and(|all| all.len() == 1)).await;
    assert_eq!(left[0]["name"], "phone");
    assert_eq!(service.got("old").len(), 0);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_redacted_and_long_texts_are_cut() {
    let service = Service::start(OK).await;
    let (value, long) = ("correct-horse-7Q2x9Zk4", "x".repeat(5_000));
    let asks = format!("{{ ask = \"publish --token {value} {long}\", kind = \"execute\" }}, {WRITE}");
    let place = place(&asks, &service.setting());
    let server = place.serve().await;
    server.put("/secrets/PUBLISH_TOKEN", &json!({ "value": value })).await;
    let phone = Browser::new("phone");
    let id = phone.subscribe(&server, &service).await;
    let project = project(&place, &server).await;
    let task = begin(&server, &project).await;
    approve_specs(&server, &task).await;
    let permission = service.message(&phone, "permission").await;
    let shown = text(&permission, "text");
    assert!(shown.starts_with("publish --token ") && shown.ends_with('…'), "{shown}");
    assert!(!permission.to_string().contains(value), "{permission:#}");
    assert!(!server.get(&deliveries(&id)).await.to_string().contains(value));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_in_the_servers_own_network_and_wrong_keys_are_refused() {
    let service = Service::start(OK).await;
    let place = place(WRITE, &service.setting());
    let server = place.serve().await;
    let phone = Browser::new("phone");
    let refused = async |body: &Value, field: &str| {
        let (status, problem) = server.try_post("/push/subscriptions", body).await.expect("an answer");
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{body}: {problem:#}");
        text(&problem["errors"][0], "message")
    };
    for endpoint in [
        "http://127.0.0.1:1/send/phone",
        "https://127.0.0.1/send/phone",
        "https://localhost/send/phone",
        "https://10.1.2.3/send/phone",
        "https://[::1]/send/phone",
        "https://169.254.169.254/latest/meta-data",
        "http://push.example.org/send/phone",
        "https://ada:pw@push.example.org/send/phone",
        "ftp://push.example.org/",
        "phone",
    ] {
        refused(&phone.body(endpoint), "endpoint").await;
    }
    let mut body = phone.body(&phone.endpoint(&service));
    body["keys"]["auth"] = json!("c2hvcnQ");
    refused(&body, "keys.auth").await;
    body["keys"]["p256dh"] = json!("BLn9b-VR0ca83knDNZ32dCHG");
    assert!(refused(&body, "keys.p256dh").await.contains("P-256"));
    assert_eq!(server.get("/push/subscriptions").await, json!([]));
    for number in 0..20 {
        let body = phone.body(&format!("{}/send/{number}", service.url));
        server.post("/push/subscriptions", &body).await;
    }
    let body = phone.body(&phone.endpoint(&service));
    let (status, problem) = server.try_post("/push/subscriptions", &body).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("too_many")), "{problem:#}");
    server.end().await;
    assert_eq!(service.got.lock().expect("no panic").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_server_begins_anew_and_the_first_one_still_opens_what_it_closed() {
    let service = Service::start(OK).await;
    let place = place(WRITE, &service.setting());
    let random = rand::SystemRandom::new();
    let key = || {
        let bytes: [u8; 32] = rand::generate(&random).expect("random bytes").expose();
        hex::encode(bytes)
    };
    let keys = [key(), key()];
    let server = place.serve_with(&[("SPECTASK_SECRETS_KEY", &keys[0])]).await;
    let phone = Browser::new("phone");
    let id = phone.subscribe(&server, &service).await;
    let first = server.get("/push/key").await;
    server.end().await;

    let server = place.serve_with(&[("SPECTASK_SECRETS_KEY", &keys[1])]).await;
    assert_ne!(server.get("/push/key").await, first);
    assert_eq!(server.get("/push/subscriptions").await[0]["readable"], false);
    server.post(&format!("/push/subscriptions/{id}/test"), &json!({})).await;
    let log = until(&server, &deliveries(&id), |log| log[0]["state"] == "failed").await;
    assert!(text(&log[0], "error").contains("another key"), "{log:#}");
    server.end().await;

    let server = place.serve_with(&[("SPECTASK_SECRETS_KEY", &keys[0])]).await;
    assert_eq!(server.get("/push/key").await, first);
    server.post(&format!("/push/subscriptions/{id}/test"), &json!({})).await;
    let got = service.wait_for("phone", 1).await;
    assert_eq!(phone.decrypt(&got[0])["kind"], "test");
    verified(&got[0], &text(&first, "public_key"));
    server.end().await;
}
