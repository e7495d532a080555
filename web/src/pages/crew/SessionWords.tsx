// The fields for a new session's name and prompt.

import { Field, type FieldProps } from "../../components/FormDialog";

type Words = Omit<FieldProps, "field">;

interface Props {
  name: Words;
  work: Words & Pick<FieldProps, "field">;
}

export function SessionWords({ name, work }: Props) {
  return (
    <>
      <Field autoFocus field="name" slotProps={{ htmlInput: { maxLength: 200 } }} {...name} />
      <Field multiline minRows={3} maxRows={10} {...work} />
    </>
  );
}
