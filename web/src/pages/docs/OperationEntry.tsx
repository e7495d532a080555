// An operation of the API: its parameters, its body, its responses, and a request as an example.

import { Fragment, type ReactNode } from "react";
import { Code } from "../../components/Code";
import { Inline } from "../../components/Inline";
import { TextLink } from "../../components/links";
import {
  type Body,
  curlOf,
  exampleText,
  type NamedSchema,
  type Operation,
  type Parameter,
  propertiesBehind,
  propertiesOf,
  type Response,
  requiredFirst,
  schemaAnchor,
} from "../../model/openapi";
import css from "./Docs.module.css";
import { Entry } from "./Entry";
import { Field, Fields, TypeName } from "./Fields";

interface Props {
  operation: Operation;
  schemas: readonly NamedSchema[];
  isLinked: boolean;
}

export function OperationEntry({ operation, schemas, isLinked }: Props) {
  const { id, method, path, summary } = operation;
  return (
    <Entry
      anchor={id}
      name={`${method.toUpperCase()} ${path}`}
      isLinked={isLinked}
      head={
        <span className={css.operation}>
          <span className={`${css.method} ${css[method]}`}>{method.toUpperCase()}</span>{" "}
          <span className={css.path}>{path}</span>
          <span className={css.summary}>{summary.replaceAll("`", "")}</span>
        </span>
      }
    >
      {() => <OperationDetails operation={operation} schemas={schemas} />}
    </Entry>
  );
}

function OperationDetails({ operation, schemas }: Omit<Props, "isLinked">) {
  const { description, parameters, bodies, successes, errors, isOpen } = operation;
  return (
    <>
      {description && (
        <p>
          <Inline text={description} />
        </p>
      )}
      {isOpen && <p>No token is needed.</p>}
      {parameters.length > 0 && (
        <Part title="Parameters">
          <ul className={css.fields}>
            {parameters.map((parameter) => (
              <ParameterField key={`${parameter.in} ${parameter.name}`} parameter={parameter} />
            ))}
          </ul>
        </Part>
      )}
      {bodies.map((body) => (
        <Part key={body.type} title="Request body">
          <BodyView body={body} />
          <Fields properties={requiredFirst(propertiesBehind(body.schema, schemas))} />
        </Part>
      ))}
      <Part title="Responses">
        {successes.map((response) => (
          <Success key={response.status} response={response} />
        ))}
        {errors.length > 0 && (
          <p>
            Errors are{" "}
            <TextLink to="/docs" hash={schemaAnchor("Problem")}>
              Problem
            </TextLink>
            : {errors.map(({ status, description }) => `${status} ${description}`).join(" · ")}.
          </p>
        )}
      </Part>
      <Part title="Example request">
        <Code text={curlOf(operation, window.location.origin, schemas)} />
      </Part>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <h4 className={css.part}>{title}</h4>
      {children}
    </>
  );
}

function ParameterField({ parameter }: { parameter: Parameter }) {
  const { name, schema = {}, description, required = false, example } = parameter;
  return (
    <Field
      name={name}
      schema={{ ...schema, description }}
      note={parameter.in}
      isRequired={required}
      example={exampleText({ example, examples: schema.examples })}
    />
  );
}

function BodyView({ body }: { body: Body }) {
  return (
    <p>
      <TypeName schema={body.schema} /> <span className={css.quiet}>{body.type}</span>
    </p>
  );
}

function Success({ response: { status, description, headers, bodies } }: { response: Response }) {
  return (
    <>
      <p>
        <strong>{status}</strong> <Inline text={description} />
        {headers.length > 0 && <span className={css.quiet}> Headers: {headers.join(", ")}</span>}
      </p>
      {bodies.map((body) => (
        <Fragment key={body.type}>
          <BodyView body={body} />
          <Fields properties={propertiesOf(body.schema)} />
        </Fragment>
      ))}
    </>
  );
}
