// The permissions that a person granted for the rest of the task, until they are revoked.

import { Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useRevokePermission } from "../../api/actions";
import { permissionGrantsQuery } from "../../api/queries";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Section } from "../../components/Page";
import { ActionError } from "../../components/States";
import { MONO } from "../../theme";

export function PermissionGrants({ task }: { task: string }) {
  const grants = useQuery(permissionGrantsQuery(task)).data ?? [];
  const revoke = useRevokePermission(task);
  if (grants.length === 0) return null;
  return (
    <Section title="Allowed for this task">
      <Stack component="ul" sx={{ listStyle: "none", m: 0, p: 0, gap: 1.25 }}>
        {grants.map(({ id, title, granted_by: by, granted_at: at, uses }) => (
          <Stack key={id} component="li" direction="row" sx={{ gap: 1.5, alignItems: "flex-start" }}>
            <Box sx={{ flex: 1, minWidth: 0 }}>
              <Box
                component="code"
                sx={{ fontFamily: MONO, fontSize: "0.8125rem", overflowWrap: "anywhere" }}
              >
                {title}
              </Box>
              <Typography variant="caption" color="textSecondary" component="p">
                {by}, <Ago at={at} />
                {uses > 0 && ` · used ${uses === 1 ? "once" : `${uses.toLocaleString()} times`}`}
              </Typography>
            </Box>
            <ActionButton
              variant="outlined"
              color="inherit"
              aria-label={`Revoke ${title}`}
              disabled={revoke.isPending}
              onClick={() => revoke.mutate(id)}
            >
              Revoke
            </ActionButton>
          </Stack>
        ))}
      </Stack>
      <ActionError error={revoke.error} />
    </Section>
  );
}
