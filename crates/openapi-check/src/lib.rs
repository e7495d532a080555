//! Compares requests and answers of an API with its OpenAPI 3.1 document. For tests.

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The address by which schemas refer to the document.
const DOCUMENT: &str = "urn:openapi";

/// An OpenAPI document, with the schemas that were compiled.
pub struct Document {
    document: &'static Value,
    registry: Registry<'static>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Panics
    ///
    /// When it is not a JSON document that schemas can refer to.
    pub fn new(document: &'static Value) -> Self {
        let registry = Registry::new().add(DOCUMENT, document);
        let registry = registry.and_then(jsonschema::RegistryBuilder::prepare);
        let registry = registry.unwrap_or_else(|error| panic!("the document's references: {error}"));
        Self { document, registry, compiled: Mutex::default() }
    }

    /// Returns what of an answer, and of the request that it grants, is not as the document says. A path that the document
    /// does not have is not checked. An answer that is not JSON is given as a string.
    pub fn faults(
        &self,
        method: &str,
        path: &str,
        asked: &Value,
        status: u16,
        answer: &Value,
    ) -> Vec<String> {
        let Some((template, item)) = self.route(path) else { return Vec::new() };
        let named = format!("{method} {template} {status}");
        let method = method.to_lowercase();
        let Some(operation) = item.get(&method) else { return Vec::new() };
        let at = format!("/paths/{}/{method}", escape(template));
        let Some(response) = operation["responses"].get(status.to_string()) else {
            return vec![format!("{named}: the status is not documented")];
        };
        let mut faults = Vec::new();
        if let Some(kind) = json_type(response).filter(|_| !answer.is_string()) {
            let schema = format!("{at}/responses/{status}/content/{}/schema", escape(kind));
            self.compare(&schema, answer, &named, &mut faults);
        }
        if let Some(kind) = json_type(&operation["requestBody"]).filter(|_| status < 300) {
            // The API takes null as absent.
            let mut asked = asked.clone();
            asked.as_object_mut().into_iter().for_each(|fields| fields.retain(|_, value| !value.is_null()));
            let schema = format!("{at}/requestBody/content/{}/schema", escape(kind));
            self.compare(&schema, &asked, &format!("{named}, request"), &mut faults);
        }
        faults
    }

    /// Returns the route of a path: of those that match, the one with the fewest parameters.
    fn route(&self, path: &str) -> Option<(&str, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let names: Vec<&str> = template.split('/').collect();
            let mut pairs = names.iter().zip(&parts);
            names.len() == parts.len() && pairs.all(|(name, part)| name.starts_with('{') || name == part)
        };
        let all = self.document["paths"].as_object()?.iter();
        let found = all
            .filter(|(template, _)| fits(template))
            .min_by_key(|(template, _)| template.matches('{').count());
        found.map(|(template, item)| (template.as_str(), item))
    }

    /// Compares a value with the schema at a pointer of the document.
    fn compare(&self, pointer: &str, value: &Value, named: &str, faults: &mut Vec<String>) {
        let validator = self.validator(pointer);
        let found = validator.iter_errors(value);
        faults.extend(found.map(|error| format!("{named}: {} {error}", error.instance_path())));
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no thread panicked while it compiled a schema");
        let known = compiled.entry(pointer.to_owned()).or_insert_with(|| {
            let schema =
                json!({ "$ref": format!("{DOCUMENT}#{}", pointer.replace('{', "%7B").replace('}', "%7D")) });
            let options = jsonschema::options().with_draft(Draft::Draft202012).with_registry(&self.registry);
            Arc::new(options.build(&schema).unwrap_or_else(|error| panic!("{pointer}: {error}")))
        });
        known.clone()
    }
}

/// Returns the media type of the JSON of a request or an answer.
fn json_type(body: &Value) -> Option<&str> {
    body["content"].as_object()?.keys().map(String::as_str).find(|kind| kind.ends_with("json"))
}

/// Returns a name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
