// What the agent of a session offers, read again whenever its log says that it may have changed.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { sessionOfferQuery } from "../../api/queries";
import { optionsRevision } from "../../model/agentOptions";
import { useTalk } from "./Talking";

export function useSessionOffer(session: string) {
  const revision = optionsRevision(useTalk().log.data?.entries ?? []);
  return useQuery({ ...sessionOfferQuery(session, revision), placeholderData: keepPreviousData }).data;
}
