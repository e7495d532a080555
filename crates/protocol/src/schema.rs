//! Schemas of words, and of tagged unions: `oneOf` with a separate schema for each variant, in which the tag is a constant.
//!
//! There is no `discriminator`: generators take a union that has one for a base type wherever `allOf` extends it, and values
//! of kinds that this version does not know match none of its mapping.

use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};

/// Returns the union of the named schemas.
pub(crate) fn one_of(description: &str, variants: &[&str]) -> RefOr<Schema> {
    let union =
        variants.iter().fold(OneOfBuilder::new(), |union, name| union.item(Ref::from_schema_name(*name)));
    union.description(Some(description)).into()
}

/// Returns the schema of an object with the member that tells it apart.
pub(crate) fn tagged(schema: RefOr<Schema>, tag: &str, value: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    let constant = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([value]));
    object.properties.insert(tag.to_owned(), constant.into());
    object.required.push(tag.to_owned());
    RefOr::T(Schema::Object(object))
}

/// Returns the schema of a text that is one of some words.
pub(crate) fn words(description: &str, words: &[&str]) -> RefOr<Schema> {
    let texts = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied()));
    texts.description(Some(description)).into()
}

/// Returns the schema of an object without some of its members.
pub(crate) fn without(schema: RefOr<Schema>, members: &[&str], description: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    for name in members {
        object.properties.remove(*name);
    }
    object.required.retain(|name| !members.contains(&name.as_str()));
    object.description = Some(description.to_owned());
    RefOr::T(Schema::Object(object))
}
