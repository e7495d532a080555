// The login: a token, pasted once; the server keeps it in a cookie that scripts cannot read.

import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useLogin } from "../api/actions";
import { Mono } from "../components/Code";
import { ActionError } from "../components/States";
import { ThemeSwitch } from "../components/ThemeSwitch";
import { useTitle } from "../components/title";
import { Wordmark } from "../components/Wordmark";

export function LoginPage() {
  useTitle("Log in");
  const { next } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  const login = useLogin();
  const [token, setToken] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!token.trim() || login.isPending) return;
    // Only an address of this site is gone to afterwards.
    const href = next && /^\/(?![/\\])/.test(next) ? next : "/tasks";
    login.mutate(token.trim(), { onSuccess: () => void navigate({ href, replace: true }) });
  };

  return (
    <Box
      component="main"
      sx={{ minHeight: "100dvh", display: "grid", placeItems: "center", px: 2, bgcolor: "sunken" }}
    >
      <Box sx={{ position: "fixed", top: 12, right: 12 }}>
        <ThemeSwitch />
      </Box>
      <Box
        component="form"
        onSubmit={submit}
        sx={{
          width: "100%",
          maxWidth: 400,
          p: { xs: 3, sm: 4 },
          bgcolor: "background.paper",
          border: 1,
          borderColor: "divider",
          borderRadius: 1.5,
        }}
      >
        <Typography component="h1" sx={{ m: 0 }}>
          <Wordmark size={26} />
        </Typography>
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1.5, mb: 3 }}>
          From one sentence to reviewed, merged work. Log in with your access token.
        </Typography>
        <Stack sx={{ gap: 2 }}>
          <TextField
            label="Access token"
            type="password"
            autoFocus
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            error={login.isError}
          />
          <ActionError error={login.error} />
          <Button
            type="submit"
            variant="contained"
            size="medium"
            disabled={!token.trim()}
            loading={login.isPending}
          >
            Log in
          </Button>
        </Stack>
        {/* A refused token is answered with the same. */}
        {!login.isError && (
          <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 3 }}>
            Run <Mono>spectask token</Mono> on the server to get one.
          </Typography>
        )}
      </Box>
    </Box>
  );
}
