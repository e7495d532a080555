// A schema of the API: what kind of value it is, and its properties.

import { Inline } from "../../components/Inline";
import { limitsOf, type NamedSchema, propertiesOf, schemaAnchor } from "../../model/openapi";
import css from "./Docs.module.css";
import { Entry } from "./Entry";
import { Fields, TypeName } from "./Fields";

export function SchemaEntry({ named: { name, schema }, hash }: { named: NamedSchema; hash: string }) {
  const anchor = schemaAnchor(name);
  return (
    <Entry
      anchor={anchor}
      name={name}
      isLinked={anchor === hash}
      head={<span className={css.path}>{name}</span>}
    >
      {() => (
        <>
          <p>
            <TypeName schema={schema} />
          </p>
          {[schema.description, ...limitsOf(schema)].filter(Boolean).map((text) => (
            <p key={text}>
              <Inline text={text ?? ""} />
            </p>
          ))}
          <Fields properties={propertiesOf(schema)} />
        </>
      )}
    </Entry>
  );
}
