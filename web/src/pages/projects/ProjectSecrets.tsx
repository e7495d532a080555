// The secrets that the processes of a project get.

import AddRounded from "@mui/icons-material/AddRounded";
import { Box, Button, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { storedSecretsQuery } from "../../api/queries";
import { Mono } from "../../components/Code";
import { TextLink } from "../../components/links";

interface Props {
  project: string;
  /** Asks for a secret of the project. */
  onSet: () => void;
}

export function ProjectSecrets({ project, onSet }: Props) {
  const all = useQuery(storedSecretsQuery).data ?? [];
  const given = all.filter(({ project_id }) => project_id === null || project_id === project);
  // Of two with one name, the project's own is given.
  const names = [...new Set(given.map(({ name }) => name))].sort();
  return (
    <Box>
      <Stack direction="row" sx={{ alignItems: "center", justifyContent: "space-between", gap: 2 }}>
        <Typography variant="subtitle2" component="h3">
          Secrets
        </Typography>
        <Button size="small" color="inherit" startIcon={<AddRounded />} onClick={onSet}>
          Set secret
        </Button>
      </Stack>
      <Typography variant="body2" color="textSecondary">
        {names.length === 0
          ? "None. A secret is a variable whose value is encrypted and never shown."
          : names.map((name, at) => (
              <span key={name}>
                {at > 0 && ", "}
                <Mono>{name}</Mono>
              </span>
            ))}
      </Typography>
      {names.length > 0 && (
        <Typography variant="body2">
          <TextLink to="/settings" search={{ view: "secrets" }}>
            Replace or remove secrets
          </TextLink>
        </Typography>
      )}
    </Box>
  );
}
