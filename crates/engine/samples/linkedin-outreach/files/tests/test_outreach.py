"""Prospects, templates, the sequence, and the campaign in this folder."""

import contextlib
import io
import unittest
from pathlib import Path

from outreach.__main__ import main
from outreach.prospects import BadProspects, Prospect, read_prospects
from outreach.sequence import Campaign, Step, messages, read_campaign
from outreach.templates import BadTemplate, fill_in

ADA = Prospect("Ada Nowak", "Acme", "CTO", "https://example.org/ada")
HEAD = "name,company,role,profile\n"


class ProspectsTest(unittest.TestCase):
    def test_prospects_are_read(self):
        self.assertEqual(read_prospects(HEAD + " Ada Nowak ,Acme,CTO,https://example.org/ada\n"), [ADA])

    def test_what_is_wrong_has_its_line(self):
        for text, message in [
            ("name,company\n", "line 1: there is no column role"),
            (HEAD + "Ada,,CTO,https://example.org/ada\n", "line 2: company is empty"),
            (HEAD + "A,B,C,https://x.org\nD,E,F,https://x.org\n", "line 3: https://x.org is there already"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(BadProspects, message):
                read_prospects(text)


class TemplateTest(unittest.TestCase):
    def test_placeholders_are_filled_in(self):
        self.assertEqual(fill_in("Hello {first_name} at {company}. {sender}\n", ADA, "Mira"), "Hello Ada at Acme. Mira")

    def test_a_bad_template_is_refused(self):
        for template in ["Hello {nickname}", "Hello {first_name"]:
            with self.assertRaises(BadTemplate):
                fill_in(template, ADA, "Mira")


class SequenceTest(unittest.TestCase):
    def test_each_prospect_gets_each_step(self):
        campaign = Campaign("Mira", [Step("invite", "Hi {first_name}", 0), Step("more", "So?", 3)], [ADA])
        self.assertEqual([(one.step.id, one.text) for one in messages(campaign)], [("invite", "Hi Ada"), ("more", "So?")])

    def test_the_campaign_here_is_complete(self):
        campaign = read_campaign(Path(__file__).parent.parent)
        self.assertEqual(len(messages(campaign)), len(campaign.prospects) * len(campaign.steps))


class ProgramTest(unittest.TestCase):
    def test_a_step_is_previewed(self):
        output = io.StringIO()
        folder = str(Path(__file__).parent.parent)
        with contextlib.redirect_stdout(output):
            self.assertEqual(main(["--campaign", folder, "preview", "--step", "invite"]), 0)
        self.assertIn("# Jonas Weber, invite\nHello Jonas,", output.getvalue())
        self.assertNotIn("follow-up", output.getvalue())
