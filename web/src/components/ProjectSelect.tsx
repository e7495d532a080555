// The project that a page is narrowed down to, or any.

import { useQuery } from "@tanstack/react-query";
import { projectsQuery } from "../api/queries";
import { FilterSelect, type FilterSelectProps } from "./FilterSelect";

interface Props extends Pick<FilterSelectProps<string>, "fullWidth" | "sx"> {
  value: string | undefined;
  onChange: (project: string | undefined) => void;
}

export function ProjectSelect({ value = "", onChange, ...rest }: Props) {
  const projects = useQuery(projectsQuery).data;
  const options = (projects ?? []).map(({ id, name }): [string, string] => [id, name]);
  // An address may be older than the projects there are, or here before they are known.
  if (value && !options.some(([id]) => id === value))
    options.push([value, projects ? "Unknown project" : "…"]);
  return (
    <FilterSelect
      {...rest}
      label="Project"
      value={value}
      options={[["", "All projects"], ...options]}
      onChange={(project) => onChange(project || undefined)}
    />
  );
}
