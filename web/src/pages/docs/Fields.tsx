// Named values of the API: parameters of operations and properties of schemas.

import { Fragment } from "react";
import { Mono } from "../../components/Code";
import { Inline } from "../../components/Inline";
import { TextLink } from "../../components/links";
import {
  exampleText,
  limitsOf,
  type Property,
  propertiesOf,
  type Schema,
  schemaAnchor,
  typeParts,
} from "../../model/openapi";
import css from "./Docs.module.css";

/** A type's name, in which schemas are links. */
export function TypeName({ schema }: { schema: Schema | undefined }) {
  return (
    <span className={css.type}>
      {typeParts(schema).map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a type never move
        <Fragment key={at}>
          {typeof part === "string" ? (
            part
          ) : (
            <TextLink to="/docs" hash={schemaAnchor(part.ref)}>
              {part.ref}
            </TextLink>
          )}
        </Fragment>
      ))}
    </span>
  );
}

export function Fields({ properties }: { properties: readonly Property[] }) {
  if (properties.length === 0) return null;
  return (
    <ul className={css.fields}>
      {properties.map(({ name, schema, isRequired }, at) => (
        <Field
          // biome-ignore lint/suspicious/noArrayIndexKey: alternatives may have properties of the same name
          key={at}
          name={name}
          schema={schema}
          isRequired={isRequired}
          example={exampleText(schema)}
        />
      ))}
    </ul>
  );
}

interface FieldProps {
  name: string;
  schema: Schema;
  isRequired: boolean;
  /** Where a parameter stands in the request. */
  note?: string;
  example: string | undefined;
}

export function Field({ name, schema, isRequired, note, example }: FieldProps) {
  return (
    <li>
      <div className={css.name}>
        <Mono>{name}</Mono> <TypeName schema={schema} /> {note && <span className={css.quiet}>{note}</span>}{" "}
        {isRequired && <span className={css.required}>required</span>}
      </div>
      {schema.description && (
        <p>
          <Inline text={schema.description} />
        </p>
      )}
      {limitsOf(schema).map((limit) => (
        <p key={limit} className={css.quiet}>
          <Inline text={limit} />
        </p>
      ))}
      {example !== undefined && (
        <p className={css.quiet}>
          Example: <Mono>{example}</Mono>
        </p>
      )}
      <Fields properties={propertiesOf(schema)} />
    </li>
  );
}
