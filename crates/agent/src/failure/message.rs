//! Whether the last message of a turn reports a model's failure instead of work.
//!
//! Agents write about errors all day: that a request is answered with 429, that `unauthorized()` is there. A message is a
//! report only when it is short and *begins* as reports do; code in it does not count, and what tells of work is an answer.

use super::classes::{bodies, is_error_body};
use crate::readable::strip_escapes;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// How many lines a report has at most, without the bodies of answers in it.
const MAX_LINES: usize = 8;
/// How long it is at most, in bytes.
const MAX_LENGTH: usize = 1_500;

/// The mark in the place of an error body that a message quotes.
const BODY: &str = "{error}";

/// Begins reports alone.
static REPORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:
            \[api\ error:\ \S
          | exceeded\ retry\ limit,\ last\ status
          | unexpected\ status\ [45]\d\d\b
          | stream\ (?:disconnected|closed)\ before\b
          | ran\ into\ this\ error:
          | (?:claude\ (?:ai\ )?)?usage\ limit\ reached\|\d
        )",
    )
});

/// Carries the body of an error, with no verb in front of it that says what it is.
static WITH_BODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[^.{]{0,60}\b(?:error|failed|failure|exception|rejected|status|code)\b[^.{]{0,40}|(?:http\s*)?[45]\d\d[\s:,-]*)\{error\}",
    )
});
static STATES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[^{]*\b(?:is|are|with|as|like|looks|returns?|sends|answers|body|shape|format|example)\b")
});

/// Names the model's side as what failed; what follows is whatever it said.
static MODEL_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:
            (?:anthropic\ |openai\ |gemini\ )?api\ (?:call\ |request\ )?(?:error|failed|failure)
          | internal\ error
          | (?:llm|model|inference)\ (?:provider\ |request\ |connection\ |service\ |call\ )?(?:error|failed|failure)
          | (?:provider|upstream)\ (?:api\ )?(?:request\ )?(?:error|failed|failure)
          | error\ (?:calling|communicating\ with|from|contacting|while\ calling)\ (?:the\ )?(?:\w+\ )?(?:model|api|llm|provider|server)(?:\ server|\ api)?
          | (?:ai_)?\w*api\w*error
          | ai_\w+error
        )(?:\s*:\s|\s*:$|\s*\(|\s+-\s|\s*·|\s+[45]\d\d\b|$)",
    )
});

/// Says that something failed, not what: only a sentence of a server after it is a report.
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:
            (?:fatal\ |unexpected\ |unknown\ |server\ |connection\ |network\ |stream\ |transport\ |rate\ limit\ |authentication\ )*error(?:\ code)?
          | (?:request|execution|turn|session|provider|prompt|connection|stream|authentication)\ (?:failed|failure|error)
          | exception | failed | failure | warning | sorry | oops
          | (?:\w+\.)*\w+(?:error|exception)
          | retries\ exhausted | (?:last|final)\ error | failed\ after\ \d+\ (?:attempts|retries)
          | (?:turn|task|prompt)\ (?:ended|aborted|stopped)
          | [a-z]
        )(?:\s*[:.,]\s+|\s*[:.]$|\s+-\s|\s*\(|\s*$|\s+(?:http\s)?\(?(?:[45]\d\d)\b)",
    )
});

/// A status in front of its reason.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\(?(?:http\s*)?(?:error\s*|status\s*)?(?:code\s*)?:?\s*[45]\d\d\)?(?:\s*status\ code\s*)?(?:\s*[:·—–-]\s*|\s+|$)",
    )
});
/// A code of a remote call in front of its reason.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\[?(?:resource_exhausted|unauthenticated|unavailable|permission_denied|internal|deadline_exceeded|overloaded_error|rate_limit_error|authentication_error|api_error|server_error|invalid_api_key|insufficient_quota|rate_limit_exceeded|context_length_exceeded|usage_limit_reached)(?:\]:?\s*(?:error\b)?|\s*:\s|\s*$)",
    )
});

/// Sentences of model servers and agents. What follows them is their end and no verb.
static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:
        # Signing in.
            (?:incorrect|invalid|missing|expired|no|bad)\ (?:x-)?(?:\w+\ )?(?:api[\s_-]?key|authentication|auth\ credentials|authentication\ credentials|bearer\ token|access\ token|oauth\ token|token|subscription\ key|credentials)(?:\ (?:provided|supplied|given|found|configured|or\ token))?END
          | (?:your\ |the\ )?(?:\w+\ )?(?:api[\s_-]?key|credentials|(?:access\ |oauth\ |refresh\ |auth\ )?token|login|session|membership|subscription)\ (?:not\ valid|is\ not\ valid|(?:is\ |has\ |was\ |has\ been\ )?(?:invalid|expired|revoked|missing|disabled|required))END
          | (?:your\ |the\ )?access\ token\ could\ not\ be\ refreshed
          | your\ authentication\ session\ could\ not
          | (?:the\ )?security\ token\ included
          | (?:unauthorized|unauthenticated|forbidden)(?:\ access)?END
          | (?:not\ (?:logged|signed)\ in|(?:authentication|authorization|login)\ (?:failed|error|required)|access\ (?:is\ )?denied)END
          | (?:you(?:'re|\ are)\ not\ (?:logged|signed)\ in)END
          | (?:please\ )?(?:run|use|type)\ [`'\x22]?/?(?:login|\w+\ login)
          | please\ (?:sign|log)\ in\b
          | please\ set\ an?\ auth\ method
          | no\ (?:auth\ credentials|authentication\ information|api\ key)\ (?:found|provided|set|configured)
          | could\ not\ (?:resolve\ authentication|load\ (?:the\ )?(?:default\ )?credentials)
          | failed\ to\ authenticateEND
          | llm\ (?:is\ )?not\ set
          | (?:your|this)\ (?:organization|account|workspace)\ (?:has\ been\ (?:disabled|suspended|deactivated)|does\ not\ have\ access|is\ on\ hold|is\ not\ (?:authorized|active))
          | you\ (?:do\ not|don't)\ have\ access\ to\ the\ model
          | permission\ (?:denied\ on\ resource|'[\w.]+'\ denied)
          | request\ had\ invalid\ authentication
          | api\ keys\ are\ not\ supported
          | to\ use\ codex\ with\ your\ chatgpt\ plan
        # Limits.
          | you(?:'ve|\ have)\ (?:hit|reached|exceeded|exhausted|used\ up|run\ out\ of)\ (?:a\ |an\ |your\ |the\ )?(?:\w+\ ){0,3}(?:limit|limits|quota|allowance|credits|usage)(?:END|\ (?:for|on|of|that|and|until|this|in|or|with|to|reset)\b)
          | you\ exceeded\ your\ current\ quota
          | you(?:'re|\ are)\ (?:out\ of\ (?:extra\ |user\ )?(?:usage|credits|messages)|being\ rate[\s-]limited)
          | (?:out\ of|insufficient|not\ enough|no)\ (?:\w+\ )?(?:credits?(?:\ balance)?|balance|quota|funds)END
          | you\ have\ no\ quota
          | (?:your\ )?credit\ balance\ (?:is\ too\ low|exhausted)
          | (?:claude\ (?:ai\ )?|your\ |qwen\ oauth\ |daily\ |monthly\ |weekly\ |session\ |5-hour\ |opus\ |sonnet\ |free\ |api\ |model\ )*(?:usage|rate|quota|request|token|spending|spend|message|session|weekly|daily|5-hour|monthly)?\s?(?:limit|quota|usage)\ (?:is\ |was\ |has\ been\ )?(?:reached|exceeded|exhausted|hit)END
          | rate[\s-]limit(?:ed)?(?:\ (?:reached|exceeded|hit)\ (?:for|on|in|with)\b|\ error)
          | (?:this\ request\ would\ exceed|number\ of\ request\ tokens\ has\ exceeded|requests?\ (?:rate|to\ the\ \w+\ operation))\b
          | rate[\s-]limitedEND
          | this\ request\ requires\ more\ credits
          | too\ many\ (?:requests|tokens|concurrent\ requests)END
          | (?:resource|quota)\ (?:has\ been\ |is\ )?exhaustedEND
          | payment\ requiredEND
          | the\ engine\ is\ currently\ overloaded
          | (?:repeated\ 529\ )?overloaded(?:\ errors)?END
          | (?:the\ |this\ |selected\ |that\ |your\ )*(?:\w+\ )?(?:model|server|service|api|engine|provider|backend)(?:\ '?[\w./:-]+'?)?\ (?:is\ )?(?:currently\ |temporarily\ |now\ )?(?:(?:overloaded|unavailable|at\ capacity|over\ capacity|busy)END|experiencing\ high)
          | we(?:'re|\ are)\ (?:currently\ )?experiencing\ (?:high|heavy|increased|unusually)
          | quota\ exceeded\ for\ quota
          | free\ usage\ exceeded
          | (?:service|model)\ tier\ capacity\ exceeded
          | request\ (?:was\ )?(?:throttled|rejected\ \(429\)|not\ allowed|was\ aborted|reached\ organization)END?
        # Context.
          | (?:the\ |this\ |your\ )?(?:prompt|input|conversation|request|message|context)\ (?:is\ |was\ )?too\ (?:long|large)END?
          | (?:this\ |the\ )?(?:model|endpoint)'s\ (?:maximum\ )?context
          | maximum\ (?:context|prompt)\ (?:length|window|size)\ (?:is\ \d|exceededEND|reachedEND)
          | context\ (?:length|window|limit|size)(?:\ limit)?\ (?:exceeded|reached|overflow|overflowed)END
          | (?:your\ |the\ |this\ )?(?:input|prompt|request|message|conversation)(?:\ (?:length|size|token\ count|tokens))*(?:\ \([\d,]+\))?\ exceed(?:s|ed)\ (?:the|this|maximum|limit|context|available)
          | (?:codex\ |the\ agent\ )?ran\ out\ of\ room\ in\ the\ model
          | input\ length\ and\ `?max_tokens`?\ exceed
          | tokens\ in\ (?:the\ |your\ )?(?:prompt|input|request)\ exceed
          | (?:please\ )?reduce\ the\ length\ of\ the\ (?:messages|prompt|input)
          | range\ of\ input\ length
        # Servers.
          | internal\ (?:server\ )?error(?:\ occurred|\ encountered)?END
          | (?:bad\ gateway|gateway\ time-?out|service\ (?:temporarily\ )?unavailable|server\ error|no\ response)END
          | (?:the\ |this\ |our\ )?(?:api\ |model\ )?(?:server|system|model|backend|service|provider)s?\ (?:had|encountered|has\ encountered|returned|experienced|responded\ with)\ (?:an?\ )?(?:unexpected\ |internal\ |server\ |invalid\ )*(?:error|empty|response|status)
          | (?:an?\ |the\ )?(?:unexpected|unknown|internal|upstream|server|system)\ (?:server\ |api\ )?error\ (?:has\ )?occurredEND
          | something\ went\ wrongEND
          | an\ error\ (?:has\ )?occurred\.?\s*(?:please|$)
          | (?:an?\ )(?:unexpected\ |unknown\ |internal\ )?(?:error|problem|issue)\ (?:has\ )?occurred\ (?:while|when|during)\ (?:processing\ (?:your|the)\ request|calling\ the|communicating|contacting|streaming|generating)
          | an\ unexpected\ error\ occurred\ while
          | provider\ returned\ (?:an\ )?error
          | (?:we\ )?encountered\ an\ issue\ sending\ your\ message
          | bedrock\ is\ unable\ to\ process
          | (?:the\ |this\ |selected\ )?(?:model|deployment)(?:\ `|\ ['\x22]?[\w./:-]+['\x22]?)?\ (?:not\ foundEND|does\ not\ exist(?:END|\ or\b)|is\ not\ (?:supported|available)(?:END|\ (?:when|for|in)\b))
          | there's\ an\ issue\ with\ the\ selected\ model
          | (?:the\ )?(?:api\ )?deployment\ for\ this\ resource
          | model\ stream\ ended\ (?:with|without)
          | (?:the\ |model\ )?(?:empty|no|incomplete|invalid)\ response\ (?:received\ )?from\ (?:the\ )?(?:model|api|server|llm|provider)
          | failed\ to\ get\ (?:a\ )?response\ from
          | the\ (?:model|agent|api|server)\ did\ not\ (?:respond|answer|return)
        # Network.
          | (?:connection|network|socket)\ (?:error|refused|reset|closed|lost|failed|timed?\ ?out|hang\ up)(?:\ by\ \w+)?END
          | (?:request|stream|streaming\ request|connection|model|response|operation)\ (?:timed?\ ?out|timeout|terminated)END
          | streaming\ request\ timeout\ after
          | (?:socket\ hang\ up|fetch\ failed|failed\ to\ fetch|terminated|premature\ close|other\ side\ closed|aborted)END
          | (?:unable|failed|could\ not|cannot)\ (?:to\ )?(?:(?:connect|communicate)(?:\ (?:to|with)\b|END)|reach\ (?:the\ )?(?:\w+\ )?(?:api|model|server|provider)|get\ a\ response)
          | error\ (?:sending\ request|decoding\ response|communicating\ with|calling|reading\ response|processing\ your\ request)\b
          | (?:connect|read|write|getaddrinfo|request\ to\ \S+\ failed,?(?:\ reason:)?(?:\ connect)?)\ (?:econn\w+|etimedout|enotfound|eai_again|epipe|ehostunreach|enetunreach)
          | (?:econn\w+|etimedout|enotfound|eai_again|ehostunreach|enetunreach)END
          | (?:client\ error\ \(connect\)|dns\ error|tls\ handshake|transport\ error|peer\ closed\ connection|the\ socket\ connection\ was\ closed|self[\s-]signed\ certificate|unable\ to\ (?:verify|get)\ \w*\ ?(?:issuer|the\ first)\ ?certificate)
        )",
    )
});

/// Tells of work: what is done, and what code does.
static WORK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[\s(])(?:
            i(?:'m|'ve|'ll|'d)?\s+(?:\w+\s+)?(?:have|has|add|added|fixed|changed|made|wrote|did|am|was|will|could|can|cannot|can't|couldn't|need|stopped|left|implemented|now|see|found|think|ran|used|put|map|mapped|handle|handled|also|updated|moved|kept|replaced|reviewed|checked|verified|wired)\b
          | (?:added|implemented|fixed|handles|handled|handling|maps|mapped|mapping|returns|covers|covered|tests|retries\ (?:are|with|use|now|it|them)|wired|refactored|documented|shown|shows|caught|catches|raises|throws|propagates|passes|merged|written|renamed|replaced|wraps|wrapped|logs|becomes|triggers|leads|yields|surfaces|extracted|committed|verified)\b
          | (?:is|are|gets?|be|was|were|stays?)\s+(?:now\s+|all\s+|both\s+|no\s+longer\s+|also\s+|only\s+)*(?:handled|mapped|retried|answered|caught|returned|shown|surfaced|reported|recorded|converted|translated|wrapped|propagated|ignored|swallowed|cached|counted|tested|checked|covered|documented|refused|rejected\ with|there|in\ place|done|complete|green|fixed|added|implemented|centrali[sz]ed|typed|unified|enforced|sent)\b
          | now[.!](?:\s|$)|now\s+(?:a|an|are|be|has|have|returns?|with|all|uses?|\w+s|\w+ed)\b
          | (?:are|has|have|does|do|will|should|must|can)\s+now\b
          | (?:all|the)\s+(?:\d+\s+)?tests?\b
          | [^\n]*:\s*[45]\d\d\b[^\n]*:\s*[45]\d\d\b
          | (?:handler|handlers|handling|middleware|helper|helpers|endpoint|endpoints|unit\ tests?|module|function|enum|variant|struct|class|mapper|mapping|branch|codebase|commit|diff|worktree|acceptance\ criteri\w+|requirements?)\b
        )",
    )
});
/// The report of a planned item.
static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^[\s*-]*\d+(?:\.\d+)*\s*[:.)]\s*(?:done|complete|not\ done|finished|skipped|implemented)\b|^\s*(?:\#{1,4}\s|[-*]\s+\[[\ x]\])",
    )
});
static STATUSES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:400|401|402|403|404|408|409|413|422|429|500|502|503|504|529)\b"));
static CODE_SPAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)```.*?(?:```|$)|`[^`\n]*`"));
static PAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<(?:!doctype|html|\?xml).*$"));

/// Words by which sentences of other languages are known: servers answer in English.
const FOREIGN: [&str; 40] = [
    "und",
    "wird",
    "werden",
    "wurde",
    "wurden",
    "mit",
    "bei",
    "jetzt",
    "nicht",
    "ist",
    "sind",
    "der",
    "das",
    "ein",
    "les",
    "des",
    "une",
    "sont",
    "pour",
    "maintenant",
    "avec",
    "dans",
    "el",
    "los",
    "las",
    "una",
    "ahora",
    "para",
    "gli",
    "adesso",
    "viene",
    "uma",
    "agora",
    "são",
    "het",
    "een",
    "wordt",
    "som",
    "och",
    "är",
];

/// Returns the expressions of this file, which are tested: in verbose mode, without regard to case; `END` is a
/// sentence's end.
fn pattern(text: &str) -> Regex {
    let end = r"(?:\s*[.,:;!?](?:\s|$)|\s*(?:[|·∙—–{\[\]]|$)|\s+(?:\(|-)|\s+(?:please|and\ please|try|retry|for\ the\ (?:model|selected)|while\ (?:processing|calling|connecting|sending)|when\ (?:calling|connecting)|reading|writing|status|code)\b)";
    let text = text.replace("END", end);
    Regex::new(&format!("(?xi){text}")).expect("a regular expression that is a constant")
}

/// Returns whether the whole of an agent's last message reports a failure of its model.
pub(crate) fn reports_failure(message: &str) -> bool {
    let message = strip_escapes(message).replace('’', "'");
    let message = message.trim();
    if message.is_empty() {
        return false;
    }
    let text = prose(message);
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && !"[({`/<\"'".contains(c));
    let text = text.trim_start_matches("[ERROR]").trim_start_matches("(system)").trim_start();
    if text.is_empty() || text.starts_with('`') {
        return false;
    }
    if text.trim_end_matches(['.', ',']) == BODY {
        return true;
    }
    let is_short =
        text.len() <= MAX_LENGTH && text.lines().filter(|line| !line.trim().is_empty()).count() <= MAX_LINES;
    is_short && (REPORT.is_match(text) || begins_as_report(text) && !tells_of_work(text))
}

/// Returns a message without what is quoted in it: code goes, and so do bodies of answers, of which errors leave a
/// mark.
fn prose(message: &str) -> String {
    let message = PAGE.replace(message, BODY);
    let mut plain = String::new();
    let mut from = 0;
    for (range, body) in bodies(&message).filter(|(_, body)| body.is_object() || is_error_body(body)) {
        plain.push_str(&message[from..range.start]);
        // What stands in code is quoted.
        let is_quoted =
            message[..range.start].trim_end().ends_with('`') || message[..range.start].contains("```");
        plain.push_str(if is_quoted || !is_error_body(&body) { "`" } else { BODY });
        from = range.end;
    }
    plain.push_str(&message[from..]);
    // Clients in Python print bodies as their language writes them.
    let plain = match plain.split_once("{'error': ").or_else(|| plain.split_once("{'type': 'error'")) {
        Some((before, _)) if !before.contains('`') => format!("{before}{BODY}"),
        _ => plain,
    };
    CODE_SPAN.replace_all(&plain, "`").replace("**", "")
}

fn begins_as_report(text: &str) -> bool {
    let mut rest = text;
    // What stands in front of a server's sentence, several times over at most.
    for _ in 0..5 {
        if MODEL_ERROR.is_match(rest) {
            return true;
        }
        if SENTENCE.is_match(rest) || WITH_BODY.is_match(rest) && !STATES.is_match(rest) {
            return true;
        }
        let prefix = [&*STATUS, &*CODE, &*ERROR].into_iter().find_map(|prefix| prefix.find(rest));
        let Some(prefix) = prefix.filter(|prefix| prefix.end() > 0) else { return false };
        // A prefix that ends in a status leaves the status to be read.
        let end = prefix.as_str().trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let end = if end > 0 && prefix.end() - end == 3 { end } else { prefix.end() };
        let is_bare = rest[prefix.end()..].trim().is_empty();
        rest = rest[end..].trim_start_matches(|c: char| c.is_whitespace() || "([:-·✗❌⚠️".contains(c));
        if is_bare {
            // An error and no more says that there was no answer; a single letter or word does not.
            return prefix.as_str().len() > 2 && !prefix.as_str().trim().eq_ignore_ascii_case("sorry");
        }
    }
    false
}

fn tells_of_work(text: &str) -> bool {
    let statuses: BTreeSet<&str> = STATUSES.find_iter(text).map(|found| found.as_str()).collect();
    statuses.len() >= 3 || WORK.is_match(text) || ITEM.is_match(text) || is_foreign(text)
}

/// Returns whether a text is not in English.
fn is_foreign(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let others = text.chars().filter(|c| c.is_alphabetic() && *c > '\u{24f}').count();
    let words =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase());
    others * 5 > letters || words.filter(|word| FOREIGN.contains(&word.as_str())).count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::by_text;

    /// Returns one message in each line, with `\n` for a line break.
    fn messages(list: &'static str) -> impl Iterator<Item = String> {
        let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
        lines.map(|line| line.replace("\\n", "\n"))
    }

    #[test]
    fn failures_that_agents_send_as_their_answer_are_failures() {
        let mut wrong = Vec::new();
        for line in messages(include_str!("failures.txt")) {
            let (class, message) = line.split_once('\t').expect("a class and a message");
            let found = by_text(message).map_or("agent_error", |class| class.as_str());
            if !reports_failure(message) || found != class {
                wrong.push(format!("{} {found}, not {class}: {message}", reports_failure(message)));
            }
        }
        assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn answers_that_are_about_failures_are_answers() {
        let wrong: Vec<String> =
            messages(include_str!("answers.txt")).filter(|text| reports_failure(text)).collect();
        assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    }
}
