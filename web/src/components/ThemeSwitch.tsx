// Light, dark, or what the system says.

import DarkModeOutlined from "@mui/icons-material/DarkModeOutlined";
import LightModeOutlined from "@mui/icons-material/LightModeOutlined";
import SettingsBrightnessOutlined from "@mui/icons-material/SettingsBrightnessOutlined";
import { IconButton, Tooltip } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";

const NEXT = { system: "light", light: "dark", dark: "system" } as const;
const ICONS = { system: SettingsBrightnessOutlined, light: LightModeOutlined, dark: DarkModeOutlined };
const NAMES = { system: "As the system", light: "Light", dark: "Dark" };

export function ThemeSwitch() {
  const { mode = "system", setMode } = useColorScheme();
  const Icon = ICONS[mode];
  return (
    <Tooltip title={`Appearance: ${NAMES[mode]}`}>
      <IconButton
        onClick={() => setMode(NEXT[mode])}
        aria-label={`Appearance: ${NAMES[mode]}. Switch to ${NAMES[NEXT[mode]]}`}
      >
        <Icon fontSize="small" />
      </IconButton>
    </Tooltip>
  );
}
