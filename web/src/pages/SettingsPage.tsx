// The settings of the server that only its owner sees: tokens, and the audit log.

import { Tab } from "@mui/material";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page } from "../components/Page";
import { PartTabs } from "../components/PartTabs";
import { AuditLog } from "./settings/AuditLog";
import { Tokens } from "./settings/Tokens";

export function SettingsPage() {
  const { view = "tokens" } = useSearch({ from: "/app/settings" });
  const navigate = useNavigate();
  return (
    <Page title="Settings">
      <PartTabs
        value={view}
        aria-label="Settings"
        onChange={(view: "tokens" | "audit") => void navigate({ to: "/settings", search: { view } })}
      >
        <Tab value="tokens" label="Tokens" id="settings-tokens" aria-controls="settings-panel" />
        <Tab value="audit" label="Audit log" id="settings-audit" aria-controls="settings-panel" />
      </PartTabs>
      <div role="tabpanel" id="settings-panel" aria-labelledby={`settings-${view}`}>
        {view === "tokens" ? <Tokens /> : <AuditLog />}
      </div>
    </Page>
  );
}
