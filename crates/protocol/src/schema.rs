//! Schemas of tagged unions: `oneOf` with a discriminator, each variant a schema of its own that names its tag.

use std::collections::BTreeMap;
use utoipa::openapi::schema::{Discriminator, OneOfBuilder};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};

/// The union of the named schemas, told apart by a member.
pub(crate) fn one_of(tag: &str, description: &str, variants: &[(&str, &str)]) -> RefOr<Schema> {
    let reference = |name: &str| Ref::from_schema_name(name);
    let mapping: BTreeMap<String, String> =
        variants.iter().map(|(value, name)| ((*value).to_owned(), reference(name).ref_location)).collect();
    let mut discriminator = Discriminator::new(tag);
    discriminator.mapping = mapping;
    let union = variants.iter().fold(OneOfBuilder::new(), |union, (_, name)| union.item(reference(name)));
    union.description(Some(description)).discriminator(Some(discriminator)).into()
}

/// The schema of an object with the member that tells it apart.
pub(crate) fn tagged(schema: RefOr<Schema>, tag: &str, value: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    let constant = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([value]));
    object.properties.insert(tag.to_owned(), constant.into());
    object.required.push(tag.to_owned());
    RefOr::T(Schema::Object(object))
}
