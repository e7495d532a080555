// The whole dashboard, opened at an address, as a person has it before them.

import { ThemeProvider } from "@mui/material/styles";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { PointerEventsCheckLevel, type UserEvent, userEvent } from "@testing-library/user-event";
import { client } from "../cache";
import { router } from "../router";
import { theme } from "../theme";

const { queries, ...others } = client.getDefaultOptions();
client.setDefaultOptions({ ...others, queries: { ...queries, retryDelay: 0 } });

// A router that was shown waits for its page to follow; between two tests there is none.
const { startTransition } = router;

/** Opens the dashboard at an address; the answer is the person who uses it. */
export async function open(address: string) {
  client.clear();
  router.startTransition = startTransition;
  router.history.push(address);
  await router.load();
  render(
    <ThemeProvider theme={theme}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ThemeProvider>,
  );
  return userEvent.setup({ delay: null, pointerEventsCheck: PointerEventsCheckLevel.Never });
}

/** Where the dashboard is. */
export const address = () => router.state.location.href;

/** Puts words into a field at once: each letter that is typed draws the page again. */
export async function fill(person: UserEvent, field: HTMLElement, words: string) {
  await person.click(field);
  await person.paste(words);
}
