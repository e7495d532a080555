"""Wanted: A/B variants of a step. Not built until this file passes."""

import contextlib
import io
import tempfile
import unittest
from importlib import import_module
from pathlib import Path

from outreach.prospects import Prospect
from outreach.sequence import read_campaign

HERE = Path(__file__).parent.parent.parent


def part(name):
    """A module of the toolkit, looked up when a test runs."""
    return import_module(f"outreach.{name}")


def people(count):
    return [Prospect(f"P{n} X", "Acme", "CTO", f"https://example.org/{n}") for n in range(count)]


class SplitTest(unittest.TestCase):
    def split(self, prospects, names=("a", "b"), step="invite"):
        return part("variants").split(prospects, list(names), step)

    def test_the_sizes_differ_by_one_at_most(self):
        for count in [0, 1, 7, 40]:
            chosen = list(self.split(people(count)).values())
            self.assertEqual(len(chosen), count)
            self.assertLessEqual(abs(chosen.count("a") - chosen.count("b")), 1)

    def test_the_same_people_get_the_same_variant(self):
        prospects = people(20)
        self.assertEqual(self.split(prospects), self.split(list(reversed(prospects))))

    def test_the_order_of_the_file_does_not_decide(self):
        chosen = self.split(people(20))
        self.assertNotEqual([chosen[one.profile] for one in people(20)], ["a", "b"] * 10)

    def test_no_variant_is_an_error(self):
        with self.assertRaises(ValueError):
            self.split(people(2), names=())


class ReportTest(unittest.TestCase):
    def test_variants_are_compared(self):
        chosen = {"p1": "a", "p2": "a", "p3": "b", "p4": "b"}
        rows = part("report").compare(chosen, answered={"p1", "p2", "p3", "stranger"})
        self.assertEqual([(row.variant, row.sent, row.answered) for row in rows], [("a", 2, 2), ("b", 2, 1)])
        self.assertEqual([row.percent for row in rows], [100, 50])

    def test_small_numbers_are_called_so(self):
        rows = part("report").compare({"p1": "a", "p2": "b"}, answered={"p1"})
        self.assertIn("too few", part("report").as_text(rows))
        many = {f"p{n}": "ab"[n % 2] for n in range(100)}
        self.assertNotIn("too few", part("report").as_text(part("report").compare(many, answered={"p1"})))

    def test_nothing_sent_is_no_division_by_zero(self):
        self.assertEqual(part("report").compare({}, answered=set()), [])


class CampaignTest(unittest.TestCase):
    def test_the_invitation_here_has_two_variants(self):
        step = read_campaign(HERE).steps[0]
        self.assertEqual(sorted(step.variants), ["plain", "question"])
        self.assertEqual(read_campaign(HERE).steps[1].variants, {})

    def test_each_prospect_gets_the_words_of_one_variant(self):
        campaign = read_campaign(HERE)
        texts = {one.prospect.profile: one.text for one in part("sequence").messages(campaign) if one.step.id == "invite"}
        self.assertEqual(len(texts), len(campaign.prospects))
        self.assertEqual(len({text.split(",", 1)[1][:12] for text in texts.values()}), 2)

    def test_the_report_is_printed(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "answered.txt").write_text("https://www.linkedin.com/in/example-jonas-weber\n", encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = part("__main__").main(["--campaign", str(HERE), "report", "invite", str(folder / "answered.txt")])
        self.assertEqual(code, 0)
        self.assertIn("plain", output.getvalue())
        self.assertIn("question", output.getvalue())
