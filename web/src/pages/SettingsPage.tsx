// The settings of the server that only its owner sees: tokens, secrets, the audit log, storage, and webhooks. The
// notifications of browsers are for everybody.

import { Tab } from "@mui/material";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page } from "../components/Page";
import { PartTabs } from "../components/PartTabs";
import type { SettingsView } from "../router";
import { AuditLog } from "./settings/AuditLog";
import { Notifications } from "./settings/Notifications";
import { Secrets } from "./settings/Secrets";
import { Storage } from "./settings/Storage";
import { Tokens } from "./settings/Tokens";
import { Webhooks } from "./settings/Webhooks";

export function SettingsPage() {
  const { view = "tokens" } = useSearch({ from: "/app/settings" });
  const navigate = useNavigate();
  return (
    <Page title="Settings">
      <PartTabs
        value={view}
        aria-label="Settings"
        onChange={(view: SettingsView) => void navigate({ to: "/settings", search: { view } })}
      >
        <Tab value="tokens" label="Tokens" id="settings-tokens" aria-controls="settings-panel" />
        <Tab value="secrets" label="Secrets" id="settings-secrets" aria-controls="settings-panel" />
        <Tab value="audit" label="Audit log" id="settings-audit" aria-controls="settings-panel" />
        <Tab value="storage" label="Storage" id="settings-storage" aria-controls="settings-panel" />
        <Tab value="webhooks" label="Webhooks" id="settings-webhooks" aria-controls="settings-panel" />
        <Tab
          value="notifications"
          label="Notifications"
          id="settings-notifications"
          aria-controls="settings-panel"
        />
      </PartTabs>
      <div role="tabpanel" id="settings-panel" aria-labelledby={`settings-${view}`}>
        <View view={view} />
      </div>
    </Page>
  );
}

function View({ view }: { view: SettingsView }) {
  switch (view) {
    case "tokens":
      return <Tokens />;
    case "secrets":
      return <Secrets />;
    case "audit":
      return <AuditLog />;
    case "storage":
      return <Storage />;
    case "webhooks":
      return <Webhooks />;
    case "notifications":
      return <Notifications />;
  }
}
