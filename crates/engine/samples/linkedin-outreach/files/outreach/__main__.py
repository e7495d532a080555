"""The program: shows what a campaign would send."""

import argparse
import sys
from pathlib import Path

from .sequence import Campaign, messages, read_campaign


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="outreach", description="Prepares an outreach campaign.")
    parser.add_argument("--campaign", type=Path, default=Path("."), help="the campaign's folder")
    commands = parser.add_subparsers(required=True)

    preview = commands.add_parser("preview", help="every message, as it would be sent")
    preview.add_argument("--step", help="only this step")
    preview.set_defaults(carry_out=show_preview)

    options = parser.parse_args(arguments)
    try:
        return options.carry_out(read_campaign(options.campaign), options)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def show_preview(campaign: Campaign, options: argparse.Namespace) -> int:
    for message in messages(campaign):
        if options.step in (None, message.step.id):
            print(f"# {message.prospect.name}, {message.step.id}\n{message.text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
