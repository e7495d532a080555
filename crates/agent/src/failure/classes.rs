//! Classes of failures, found in the codes and words by which model servers and agents report them.

use serde_json::Value;

/// The class of an agent's failure, by the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The agent's program is not there or does not start.
    Missing,
    /// The agent's program, or one below it, ended.
    Crashed,
    /// The agent did not answer in time.
    Silent,
    /// The agent answered a request with an error that names no other class.
    Refused,
    /// The agent does not keep to the protocol.
    InvalidOutput,
    /// The agent has no valid API key, or a person has to sign in to its account.
    AuthNeeded,
    /// A rate limit, a quota or the capacity of the model's server: it is over after a while.
    Limit,
    /// The conversation does not fit the model's context.
    ContextExceeded,
    /// The model's server cannot be reached.
    Network,
    /// The model's server failed, or answered nothing.
    ModelError,
}

use FailureClass::{AuthNeeded, ContextExceeded, Limit, ModelError, Network};

/// The codes by which errors name their kind, in lower case and without separators.
const CODES: [(FailureClass, &[&str]); 4] = [
    (
        ContextExceeded,
        &[
            "contextlengthexceeded",
            "contextwindowexceeded",
            "modelcontextwindowexceeded",
            "contextoverflowerror",
            "contextoverflow",
            "stringabovemaxlength",
            "requesttoolarge",
        ],
    ),
    (
        Limit,
        &[
            "ratelimiterror",
            "ratelimitexceeded",
            "ratelimitreached",
            "ratelimit",
            "ratelimited",
            "ratelimitreachederror",
            "toomanyrequests",
            "toomanyrequestsexception",
            "throttlingexception",
            "throttled",
            "servicequotaexceededexception",
            "limitburstrate",
            "resourceexhausted",
            "insufficientquota",
            "quotaexceeded",
            "quotaexhausted",
            "exceededcurrentquotaerror",
            "usagelimitreached",
            "usagelimitexceeded",
            "usagenotincluded",
            "sessionusagelimitexceeded",
            "billingerror",
            "billinghardlimitreached",
            "billingnotactive",
            "accountonhold",
            "insufficientcredits",
            "insufficientbalance",
            "creditsexhausted",
            "paymentrequired",
            "overloadederror",
            "overloaded",
            "serveroverloaded",
            "engineoverloadederror",
            "modelatcapacity",
        ],
    ),
    (
        AuthNeeded,
        &[
            "authenticationerror",
            "authenticationfailed",
            "authrequired",
            "autherror",
            "providerautherror",
            "invalidauthenticationerror",
            "invalidapikey",
            "apikeyinvalid",
            "incorrectapikey",
            "invalidiamtoken",
            "invalidtoken",
            "tokenexpired",
            "unauthenticated",
            "unauthorized",
            "permissionerror",
            "permissiondenied",
            "forbidden",
            "accessdenied",
            "accessdeniedexception",
            "expiredtoken",
            "expiredtokenexception",
            "unrecognizedclientexception",
            "incompletesignature",
            "oauthorgnotallowed",
            "verificationrequired",
            "cloudcredentialerror",
            "accountdeactivated",
        ],
    ),
    (
        Network,
        &[
            "timeouterror",
            "requesttimeout",
            "deadlineexceeded",
            "transportlost",
            "httpconnectionfailed",
            "responsestreamconnectionfailed",
            "responsestreamdisconnected",
        ],
    ),
];

/// The words that only failures of one class have. The order counts: servers report a prompt that is too long as a request
/// that is invalid, and a spent quota as one that is not authorized.
const WORDS: [(FailureClass, &[&str]); 5] = [
    (
        ContextExceeded,
        &[
            "context_length_exceeded",
            "context length",
            "context window",
            "context limit",
            "context size",
            "maximum context",
            "maximum prompt length",
            "maximum number of tokens",
            "maximum allowed number of tokens",
            "maximum number of input tokens",
            "prompt is too long",
            "prompt too long",
            "prompt is too large",
            "input is too long",
            "input too long",
            "input length should be",
            "input length exceeds",
            "conversation is too long",
            "conversation too long",
            "too many input tokens",
            "too many tokens in",
            "request too large",
            "request is too large",
            "range of input length",
            "reduce the length of the messages",
        ],
    ),
    (
        Limit,
        &[
            "rate limit",
            "rate_limit",
            "ratelimit",
            "rate-limit",
            "rate limited",
            "too many requests",
            "too many tokens, please wait",
            "throttl",
            "quota",
            "usage limit",
            "limit reached",
            "limit exceeded",
            "limit will reset",
            "hit your limit",
            "you've hit your",
            "you've reached your",
            "you have hit your",
            "you have reached your",
            "exceeded your monthly",
            "exceeded your premium",
            "usage exceeded",
            "resource_exhausted",
            "resource exhausted",
            "resource has been exhausted",
            "insufficient credit",
            "insufficient_credit",
            "insufficient balance",
            "insufficient funds",
            "credit balance",
            "billing_error",
            "requires more credits",
            "out of credits",
            "out of extra usage",
            "out of user messages",
            "run out of credits",
            "no credits",
            "spending limit",
            "spend limit",
            "billing details",
            "payment required",
            "membership expired",
            "overloaded",
            "over capacity",
            "at capacity",
            "high demand",
            "capacity constraints",
            "exceeded retry limit, last status: 429",
        ],
    ),
    (
        AuthNeeded,
        &[
            "authentication required",
            "authentication failed",
            "authentication error",
            "authentication_error",
            "authentication fails",
            "authentication information",
            "authentication session",
            "authentication credentials",
            "invalid authentication",
            "auth credentials",
            "auth method",
            "failed to authenticate",
            "not authenticated",
            "unauthenticated",
            "unauthorized",
            "not authorized",
            "forbidden",
            "access denied",
            "not logged in",
            "not signed in",
            "log in again",
            "sign in again",
            "please log in",
            "please login",
            "please sign in",
            "please run /login",
            "run /login",
            "send \"/login\"",
            " login` first",
            " login' first",
            "login required",
            "login expired",
            "invalid api key",
            "incorrect api key",
            "invalid_api_key",
            "api key not valid",
            "api key is invalid",
            "api key is not valid",
            "api key not found",
            "api key expired",
            "api_key_invalid",
            "invalid x-api-key",
            "no api key",
            "missing api key",
            "api key is required",
            "api key is missing",
            "load credentials",
            "subscription key",
            "invalid bearer token",
            "invalid access token",
            "security token",
            "token has expired",
            "token expired",
            "token is expired",
            "token revoked",
            "token has been revoked",
            "permission_denied",
            "permission denied on resource",
            "organization has been disabled",
            "does not have access to",
            "don't have access to the model",
        ],
    ),
    (
        ModelError,
        &[
            "internal server error",
            "internal_server_error",
            "server had an error",
            "server_error",
            "api_error",
            "service unavailable",
            "service_unavailable",
            "bad gateway",
            "gateway timeout",
            "gateway time-out",
            "temporarily unavailable",
            "model is unavailable",
            "empty response",
            "no response from the model",
            "response from the ai model",
        ],
    ),
    (
        Network,
        &[
            "econnrefused",
            "econnreset",
            "econnaborted",
            "enotfound",
            "etimedout",
            "enetunreach",
            "ehostunreach",
            "eai_again",
            "epipe",
            "socket hang up",
            "socket closed",
            "socket connection",
            "fetch failed",
            "failed to fetch",
            "failed to connect",
            "unable to connect",
            "could not connect",
            "cannot connect",
            "network error",
            "network connection",
            "network is unreachable",
            "connection refused",
            "connection reset",
            "connection closed",
            "connection lost",
            "connection dropped",
            "connection error",
            "connection failed",
            "connection timed out",
            "other side closed",
            "premature close",
            "transport error",
            "stream disconnected",
            "stream closed",
            "stream error",
            "error decoding response body",
            "error sending request",
            "failed to lookup address",
            "dns error",
            "tls handshake",
            "certificate",
            "timed out",
            "request timeout",
            "timeout exceeded",
            "timeout after",
            "terminated",
        ],
    ),
];

impl FailureClass {
    /// Returns the class as logs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureClass::Missing => "agent_missing",
            FailureClass::Crashed => "agent_crashed",
            FailureClass::Silent => "agent_silent",
            FailureClass::Refused => "agent_refused",
            FailureClass::InvalidOutput => "invalid_output",
            AuthNeeded => "auth_needed",
            Limit => "limit",
            ContextExceeded => "context_exceeded",
            Network => "network",
            ModelError => "agent_error",
        }
    }
}

/// Returns the class that a code names, as errors carry it in `type`, `code`, `status`, `__type` or `errorKind`.
pub(crate) fn by_code(code: &str) -> Option<FailureClass> {
    let name = code.rsplit(['#', '.', '/']).next().unwrap_or(code);
    let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    let letters: String = letters.collect();
    let known = CODES.iter().find(|(_, codes)| codes.contains(&letters.as_str()));
    known.map(|(class, _)| *class).or_else(|| letters.parse().ok().and_then(by_status))
}

/// Returns the class of an HTTP status that a model server answers with; none for what is no failure of its.
pub(crate) fn by_status(status: u64) -> Option<FailureClass> {
    match status {
        401 | 403 => Some(AuthNeeded),
        402 | 429 | 529 => Some(Limit),
        413 => Some(ContextExceeded),
        408 => Some(Network),
        500..=599 => Some(ModelError),
        _ => None,
    }
}

/// Returns the class of a failure from its words alone.
fn by_words(text: &str) -> Option<FailureClass> {
    let text = text.to_lowercase().replace('’', "'");
    WORDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(class, _)| *class)
}

/// Returns the class of a failure from its text: the codes of a JSON body in it, else its words, else an HTTP status.
pub(crate) fn by_text(text: &str) -> Option<FailureClass> {
    let bodies = || bodies(text).map(|(_, body)| body);
    let named = bodies().find_map(|body| codes(&body).into_iter().find_map(|code| named_by(&code)));
    named
        .or_else(|| by_words(text))
        .or_else(|| bodies().find_map(|body| codes(&body).into_iter().find_map(|code| status_of(&code))))
        .or_else(|| statuses(text).find_map(by_status))
}

/// Returns the JSON objects and arrays in a text, with where they stand.
pub(crate) fn bodies(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, Value)> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(at) = text[from..].find(['{', '[']).map(|at| at + from) {
            let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
            if let Some(Ok(body)) = values.next() {
                from = at + values.byte_offset();
                return Some((at..from, body));
            }
            from = at + 1;
        }
        None
    })
}

/// Returns whether a JSON value is the body of an error.
pub(crate) fn is_error_body(body: &Value) -> bool {
    let body = body.as_array().and_then(|items| items.first()).unwrap_or(body);
    let error = &body["error"];
    let has_error = error.is_object() || error.as_str().is_some_and(|text| !text.is_empty());
    let is_failed = body["type"] == "error" || body["__type"].is_string();
    let has_status = ["statusCode", "status_code", "status", "code"]
        .iter()
        .any(|key| status_of(&body[*key]).is_some() && !words_of(body).is_empty());
    // What FastAPI's servers answer.
    let is_detail = body.as_object().is_some_and(|fields| fields.len() == 1) && body["detail"].is_string();
    has_error || is_failed || has_status || is_detail
}

/// Returns what a body says in words.
fn words_of(body: &Value) -> &str {
    let found = ["message", "detail", "msg"].iter().find_map(|key| body[*key].as_str());
    found.unwrap_or_default()
}

/// Where bodies keep their codes, the most specific first.
const CODE_PLACES: [&str; 16] = [
    "/error/error/code",
    "/error/error/type",
    "/error/details/0/reason",
    "/error/code",
    "/error/type",
    "/error/status",
    "/error/errorKind",
    "/__type",
    "/errorKind",
    "/code",
    "/reason",
    "/error",
    "/type",
    "/status",
    "/statusCode",
    "/status_code",
];

fn codes(body: &Value) -> Vec<Value> {
    let body = body.as_array().and_then(|items| items.first()).unwrap_or(body);
    let mut codes: Vec<Value> = CODE_PLACES.iter().filter_map(|place| body.pointer(place).cloned()).collect();
    // Servers in between pass on what the model's server said as a text.
    for text in ["/error/message", "/message", "/error/metadata/raw"] {
        for (_, inner) in body.pointer(text).and_then(Value::as_str).into_iter().flat_map(bodies) {
            codes.extend(CODE_PLACES.iter().filter_map(|place| inner.pointer(place).cloned()));
        }
    }
    codes
}

fn named_by(code: &Value) -> Option<FailureClass> {
    code.as_str().filter(|name| name.parse::<u64>().is_err()).and_then(by_code)
}

fn status_of(code: &Value) -> Option<FailureClass> {
    code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(by_status)
}

/// Returns the numbers of a text that can be an HTTP status of a failure.
fn statuses(text: &str) -> impl Iterator<Item = u64> + '_ {
    let numbers = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| word.len() == 3);
    numbers.filter_map(|word| word.parse().ok()).filter(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_real_agents_have_their_class() {
        let cases = [
            ("Internal error: Incorrect API key provided: test-key.", AuthNeeded),
            ("API key not valid. Please pass a valid API key.", AuthNeeded),
            ("exceeded retry limit, last status: 429 Too Many Requests", Limit),
            ("API Error: Request rejected (429) · please wait", Limit),
            ("You've hit your usage limit. Upgrade or try again at 3 PM.", Limit),
            ("We’re currently experiencing high demand, which may cause temporary errors.", Limit),
            ("unexpected status 529 <unknown status code>: url: http://127.0.0.1:1/v1/responses", Limit),
            ("API Error: 500 try again in a moment", ModelError),
            ("Prompt is too long · the request is ~250000 tokens (limit 200000)", ContextExceeded),
            ("The input token count (2500000) exceeds the maximum number of tokens allowed", ContextExceeded),
            ("Internal error: connect ECONNREFUSED 127.0.0.1:1", Network),
            ("stream disconnected before completion: Transport error", Network),
            ("terminated", Network),
        ];
        for (text, class) in cases {
            assert_eq!(by_text(text), Some(class), "{text}");
        }
        assert_eq!(by_text("I will not do that"), None);
        assert_eq!(by_text("listening on 127.0.0.1:8500, 4.01 s"), None);
    }

    #[test]
    fn codes_decide_before_words() {
        let text = r#"API Error: 400 {"error":{"code":"context_length_exceeded","message":"the rate limit is fine"}}"#;
        assert_eq!(by_text(text), Some(ContextExceeded));
        let nested = r#"{"error":{"code":400,"message":"{\"error\":{\"status\":\"UNAUTHENTICATED\"}}"}}"#;
        assert_eq!(by_text(nested), Some(AuthNeeded));
        // A status is the last that counts: quotas are reported as 403, too.
        assert_eq!(by_text(r#"{"error":{"code":403,"message":"Quota exceeded"}}"#), Some(Limit));
        assert_eq!(by_text(r#"{"error":{"code":"429","message":"Wait."}}"#), Some(Limit));
        assert_eq!(by_code("com.amazon.coral.availability#ThrottlingException"), Some(Limit));
    }

    #[test]
    fn bodies_of_errors_are_told_from_other_json() {
        let is_error = |text: &str| is_error_body(&serde_json::from_str(text).expect("JSON"));
        assert!(is_error(r#"{"error":{"message":"boom","type":"server_error"}}"#));
        assert!(is_error(r#"[{"error":{"code":401}}]"#));
        assert!(is_error(r#"{"statusCode":401,"message":"Access denied"}"#));
        assert!(!is_error(r#"{"error":null,"done":true}"#));
        assert!(!is_error(r#"{"status":"done","message":"all is written"}"#));
    }
}
