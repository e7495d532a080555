//! Renders templates. An override that fails is reported, and the built-in text is used.

use super::catalog::{self, PromptTemplate};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many instructions an override may take, so that its loops end.
const FUEL: u64 = 200_000;
/// How long the text of an override may become, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The stack on which overrides are read and rendered, in bytes. The template library recurses for each nested expression and
/// each call of a macro, and a text of [`MAX_SOURCE`] bytes can nest as many; the memory is used only where it is needed.
const STACK: usize = 512 << 20;
/// How long an override may be, in bytes.
const MAX_SOURCE: usize = 64 * 1024;

/// A template that was used in a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedTemplate {
    pub name: &'static str,
    /// The text that was rendered.
    pub text: String,
    /// Whether the project overrides it.
    pub is_override: bool,
}

/// Why an override was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    pub name: &'static str,
    /// What is wrong, as a clause.
    pub error: String,
}

/// A prompt as it is put together.
#[derive(Default)]
pub(super) struct Parts<'o> {
    pub(super) overrides: Option<&'o BTreeMap<String, String>>,
    pub(super) text: String,
    pub(super) used: Vec<UsedTemplate>,
    pub(super) problems: Vec<TemplateProblem>,
}

impl Parts<'_> {
    /// Appends a template, filled with its variables.
    pub(super) fn template(&mut self, name: &'static str, variables: &Value) {
        let Some(template) = catalog::find(name) else { return };
        let given = self.overrides.and_then(|all| all.get(name)).filter(|_| template.can_override);
        let rendered = given.map(|text| (text, render_override(template, text, variables)));
        let (text, source) = match rendered {
            Some((source, Ok(text))) => (text, Some(source)),
            Some((_, Err(error))) => {
                self.problems.push(TemplateProblem { name, error });
                (built_in(template, variables), None)
            }
            None => (built_in(template, variables), None),
        };
        self.used.push(UsedTemplate {
            name,
            text: source.map_or(template.text, |text| text).to_owned(),
            is_override: source.is_some(),
        });
        self.text(&text);
    }

    /// Appends text as a paragraph of its own.
    pub(super) fn text(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A tag on a line of its own leaves no line. The configuration has no delimiters that could be wrong.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment
}

fn built_in(template: &PromptTemplate, variables: &Value) -> String {
    let rendered = environment().render_named_str(template.name, template.text, Serde(variables));
    // Tests render each of them with each of its variables.
    rendered.unwrap_or_else(|error| unreachable!("the built-in prompt {}: {error}", template.name))
}

fn render_override(template: &PromptTemplate, text: &str, variables: &Value) -> Result<String, String> {
    check(template, text)?;
    stacker::grow(STACK, || render_checked(template, text, variables))
}

fn render_checked(template: &PromptTemplate, text: &str, variables: &Value) -> Result<String, String> {
    let mut environment = environment();
    environment.set_fuel(Some(FUEL));
    let rendered = environment.render_named_str(template.name, text, Serde(variables));
    let rendered = rendered.map_err(|error| clause(&error))?;
    if rendered.len() > MAX_BYTES {
        return Err(format!("it becomes {} bytes; it may become {MAX_BYTES}", rendered.len()));
    }
    if rendered.trim().is_empty() {
        return Err("it renders to nothing".to_owned());
    }
    Ok(rendered)
}

/// Checks the syntax of an override, and that it uses known variables only. The error is a clause.
pub fn check(template: &PromptTemplate, text: &str) -> Result<(), String> {
    if text.len() > MAX_SOURCE {
        return Err(format!("it has {} bytes; it may have {MAX_SOURCE}", text.len()));
    }
    stacker::grow(STACK, || check_bounded(template, text))
}

fn check_bounded(template: &PromptTemplate, text: &str) -> Result<(), String> {
    let environment = environment();
    let parsed = environment.template_from_named_str(template.name, text);
    let parsed = parsed.map_err(|error| clause(&error))?;
    let known: Vec<&str> = template.variables.iter().map(|variable| variable.name).collect();
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut unknown: Vec<String> = parsed
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !known.contains(&name.as_str()) && !globals.contains(&name.as_str()))
        .collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) if known.is_empty() => Err(format!("it uses the unknown variable {name:?}; it has none")),
        Some(name) => Err(format!("it uses the unknown variable {name:?}; there are {}", known.join(", "))),
    }
}

fn clause(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fmt::Write as _;

    /// Returns a value of a variable's type: an example, or an empty one.
    fn value(template: &str, name: &str, about: &str, is_empty: bool) -> Value {
        let (kind, _) = about.split_once(':').unwrap_or((about, ""));
        match (kind, template) {
            ("text", _) => json!(if is_empty { String::new() } else { format!("({name})") }),
            ("boolean", _) => json!(!is_empty),
            _ if is_empty => json!([]),
            ("list of texts", _) => json!([format!("({name} 1)"), format!("({name} 2)")]),
            ("list of numbers", _) => json!([20_000, 20_001]),
            (_, "repair") => json!([
                { "is_check": true, "name": "make test", "details": "(output)" },
                { "is_check": false, "name": "boundary_crossed", "details": "(finding)" },
            ]),
            (_, "messages") => json!([
                { "kind": "request", "from": "\"Store\"", "text": "(text)", "question": "", "data": "{\"a\":1}", "needs_answer": true },
                { "kind": "response", "from": "ada", "text": "(answer)", "question": "(question)", "data": "", "needs_answer": false },
            ]),
            _ => unreachable!("{template} has a variable of another type: {about}"),
        }
    }

    fn values(template: &PromptTemplate, is_empty: bool) -> Value {
        let value = |variable: &catalog::Variable| {
            let name = variable.name;
            (name.to_owned(), value(template.name, name, variable.about, is_empty))
        };
        Value::Object(template.variables.iter().map(value).collect())
    }

    #[test]
    fn an_override_that_nests_as_deep_as_it_can_is_read_and_never_ends_the_process() {
        let template =
            catalog::TEMPLATES.iter().find(|template| template.name == "continue").expect("a template");
        let nested = |begin: &str, repeated: &str, end: &str| {
            let room = MAX_SOURCE - begin.len() - end.len();
            begin.to_owned() + &repeated.repeat(room / repeated.len()) + end
        };
        let texts = [
            nested("{{ 1", "+1", " }}"),
            nested("{{ ", "-", "1 }}"),
            nested("{{ ", "not ", "1 }}"),
            nested("{{ why", ".b", " }}"),
            nested("{{ why", "|upper", " }}"),
            nested("{{ 1", "**1", " }}"),
            nested("{{ 1", " if 1 else 1", " }}"),
            nested("{{ ", "(", "1 }}"),
            nested("{{ ", "[", "1 }}"),
            nested("{% if 1 %}a", "{% elif 1 %}", "{% endif %}"),
            nested("", "{% if 1 %}", ""),
            "{% macro f(x) %}{{ f(x+1) }}{{ f(x+1) }}{% endmacro %}{{ f(1) }}".to_owned(),
        ];
        for text in texts {
            // Whether it renders is the library's affair: it returns.
            let _ = render_override(template, &text, &values(template, false));
        }
        assert!(check(template, &"a".repeat(MAX_SOURCE + 1)).is_err_and(|error| error.contains("65536")));
    }

    #[test]
    fn built_in_prompts_read_well() {
        for template in catalog::TEMPLATES {
            let mut text = String::new();
            for (title, is_empty) in [("all variables", false), ("empty variables", true)] {
                let mut parts = Parts::default();
                parts.template(template.name, &values(template, is_empty));
                if text.is_empty() || !template.variables.is_empty() {
                    let _ = write!(text, "---- {title}\n{}", parts.text);
                }
            }
            insta::assert_snapshot!(template.name, text);
        }
    }

    #[test]
    fn built_in_prompts_pass_the_check_of_overrides() {
        for template in catalog::TEMPLATES {
            assert_eq!(check(template, template.text), Ok(()), "{}", template.name);
            let used = values(template, false);
            for variable in template.variables {
                assert!(
                    template.text.contains(variable.name),
                    "{} does not use {}",
                    template.name,
                    variable.name
                );
                assert!(used.get(variable.name).is_some());
            }
        }
    }

    #[test]
    fn an_override_that_fails_is_named_and_the_built_in_prompt_is_used() {
        let template = catalog::find("rework").expect("a template");
        let values = values(template, false);
        let mut built_in = Parts::default();
        built_in.template("rework", &values);
        for (text, said) in [
            ("{{ comments.nothing }}", "line 1"),
            ("{{ taks_name }}", "unknown variable \"taks_name\""),
            ("{% for x in range(100000) %}{% for y in range(10000) %}{{ y }}{% endfor %}{% endfor %}", ""),
            ("{{ comments", "line 1"),
            ("{{ comments | nonsense }}", "line 1"),
            ("{% if false %}x{% endif %}", "nothing"),
        ] {
            let overrides = BTreeMap::from([("rework".to_owned(), text.to_owned())]);
            let mut parts = Parts { overrides: Some(&overrides), ..Parts::default() };
            parts.template("rework", &values);
            assert_eq!(parts.text, built_in.text, "{text}");
            assert!(!parts.used[0].is_override);
            assert!(parts.problems[0].error.contains(said), "{:?}", parts.problems);
        }
    }

    #[test]
    fn a_prompt_that_the_server_depends_on_is_not_overridden() {
        let overrides = BTreeMap::from([("server-report".to_owned(), "Nothing.".to_owned())]);
        let mut parts = Parts { overrides: Some(&overrides), ..Parts::default() };
        parts.template("server-report", &json!({}));
        assert!(parts.text.contains("progress.md") && parts.problems.is_empty());
    }
}
