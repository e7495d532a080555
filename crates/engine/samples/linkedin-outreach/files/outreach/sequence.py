"""The messages of a campaign: each step for each prospect."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from .prospects import Prospect, read_prospects
from .templates import fill_in


@dataclass(frozen=True)
class Step:
    id: str
    template: str
    wait_days: int


@dataclass(frozen=True)
class Message:
    prospect: Prospect
    step: Step
    text: str


@dataclass(frozen=True)
class Campaign:
    sender: str
    steps: list[Step]
    prospects: list[Prospect]


def read_campaign(folder: Path) -> Campaign:
    """Reads a campaign's folder; each step has the text of its template."""
    settings = tomllib.loads((folder / "campaign.toml").read_text(encoding="utf-8"))
    steps = [
        Step(step["id"], (folder / "templates" / step["template"]).read_text(encoding="utf-8"), step["wait_days"])
        for step in settings["steps"]
    ]
    prospects = read_prospects((folder / "prospects.csv").read_text(encoding="utf-8"))
    return Campaign(settings["sender"], steps, prospects)


def messages(campaign: Campaign) -> list[Message]:
    """Every message, prospect by prospect, in the order of the steps."""
    return [
        Message(prospect, step, fill_in(step.template, prospect, campaign.sender))
        for prospect in campaign.prospects
        for step in campaign.steps
    ]
