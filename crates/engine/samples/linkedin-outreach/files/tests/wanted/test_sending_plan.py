"""Wanted: a sending plan. Not built until this file passes."""

import contextlib
import io
import tempfile
import unittest
from datetime import date
from importlib import import_module
from pathlib import Path

from outreach.prospects import Prospect
from outreach.sequence import Campaign, Step

HERE = Path(__file__).parent.parent.parent
MONDAY, TUESDAY, FRIDAY, NEXT_MONDAY = date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 14), date(2025, 3, 17)


def part(name):
    """A module of the toolkit, looked up when a test runs."""
    return import_module(f"outreach.{name}")


def prospect(name):
    return Prospect(name, "Acme", "CTO", f"https://example.org/{name}")


class RulesTest(unittest.TestCase):
    def test_rules_are_read(self):
        rules = part("rules").read_rules({"rules": {"daily_limit": 3, "holidays": [date(2025, 4, 18)]}})
        self.assertEqual((rules.daily_limit, rules.holidays), (3, frozenset({date(2025, 4, 18)})))

    def test_there_are_defaults(self):
        rules = part("rules").read_rules({})
        self.assertEqual((rules.daily_limit, rules.holidays), (20, frozenset()))

    def test_what_is_no_rule_is_refused(self):
        for given in [{"daily_limit": 0}, {"daily_limit": 101}, {"daily_limit": "3"}, {"holidays": ["soon"]}, {"speed": 1}]:
            with self.subTest(given), self.assertRaises(part("rules").BadRules):
                part("rules").read_rules({"rules": given})


class WorkingDaysTest(unittest.TestCase):
    def next_day(self, day, holidays=()):
        return part("working_days").next_working_day(day, frozenset(holidays))

    def test_a_working_day_is_itself(self):
        self.assertEqual(self.next_day(FRIDAY), FRIDAY)

    def test_a_weekend_is_left_out(self):
        self.assertEqual(self.next_day(date(2025, 3, 15)), NEXT_MONDAY)
        self.assertEqual(self.next_day(date(2025, 3, 16)), NEXT_MONDAY)

    def test_holidays_are_left_out(self):
        self.assertEqual(self.next_day(FRIDAY, [FRIDAY, NEXT_MONDAY]), date(2025, 3, 18))


class RepliesTest(unittest.TestCase):
    def test_who_answered_is_read(self):
        text = "profile,day,answer\nhttps://x.org/a,2025-03-11,yes please\nhttps://x.org/b,2025-03-12,\n"
        self.assertEqual(
            part("replies").read_replies(text),
            {"https://x.org/a": date(2025, 3, 11), "https://x.org/b": date(2025, 3, 12)},
        )

    def test_the_first_answer_counts(self):
        text = "profile,day\nhttps://x.org/a,2025-03-12\nhttps://x.org/a,2025-03-11\n"
        self.assertEqual(part("replies").read_replies(text), {"https://x.org/a": date(2025, 3, 11)})

    def test_what_is_wrong_has_its_line(self):
        with self.assertRaisesRegex(part("replies").BadReplies, "line 2"):
            part("replies").read_replies("profile,day\nhttps://x.org/a,tomorrow\n")
        with self.assertRaisesRegex(part("replies").BadReplies, "line 1"):
            part("replies").read_replies("person\nx\n")


class QuotaTest(unittest.TestCase):
    def test_a_full_day_moves_on(self):
        quota = part("quota").Quota(2, lambda day: part("working_days").next_working_day(day, frozenset()))
        self.assertEqual([quota.take(FRIDAY) for _ in range(3)], [FRIDAY, FRIDAY, NEXT_MONDAY])

    def test_days_are_counted_apart(self):
        quota = part("quota").Quota(1, lambda day: day)
        self.assertEqual([quota.take(MONDAY), quota.take(TUESDAY), quota.take(MONDAY)], [MONDAY, TUESDAY, date(2025, 3, 12)])


class PlanTest(unittest.TestCase):
    def plan(self, names, replies=None, start=MONDAY, **rules):
        steps = [Step("invite", "Hi {first_name}", 0), Step("more", "So, {first_name}?", 4)]
        campaign = Campaign("Mira", steps, [prospect(name) for name in names])
        planned = part("plan").plan(campaign, part("rules").read_rules({"rules": rules}), replies or {}, start)
        return [(one.day, one.message.prospect.name, one.message.step.id) for one in planned]

    def test_steps_wait_and_keep_to_working_days(self):
        self.assertEqual(self.plan(["ada"]), [(MONDAY, "ada", "invite"), (FRIDAY, "ada", "more")])
        self.assertEqual(self.plan(["ada"], start=TUESDAY), [(TUESDAY, "ada", "invite"), (NEXT_MONDAY, "ada", "more")])

    def test_the_limit_counts_all_steps_together(self):
        days = [day for day, _, _ in self.plan(["a", "b", "c", "d", "e", "f"], daily_limit=1)]
        self.assertEqual(days, sorted(days))
        self.assertEqual(len(days), len(set(days)))

    def test_a_follow_up_waits_from_the_day_of_the_step_before(self):
        planned = self.plan(["a", "b"], daily_limit=1)
        self.assertEqual(planned[1], (TUESDAY, "b", "invite"))
        self.assertEqual(planned[3], (NEXT_MONDAY, "b", "more"))

    def test_who_answered_is_not_followed_up(self):
        answered = {"https://example.org/ada": TUESDAY}
        self.assertEqual(self.plan(["ada"], answered), [(MONDAY, "ada", "invite")])

    def test_a_later_answer_takes_nothing_back(self):
        answered = {"https://example.org/ada": NEXT_MONDAY}
        self.assertEqual(len(self.plan(["ada"], answered)), 2)


class ProgramTest(unittest.TestCase):
    def run_main(self, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = part("__main__").main(["--campaign", str(HERE), *arguments])
        return code, output.getvalue()

    def test_the_plan_is_printed_as_csv(self):
        code, output = self.run_main("plan", "--start", "2025-03-10")
        lines = output.splitlines()
        self.assertEqual((code, lines[0]), (0, "day,name,step,profile"))
        self.assertEqual(lines[1], "2025-03-10,Jonas Weber,invite,https://www.linkedin.com/in/example-jonas-weber")

    def test_replies_are_taken_into_account(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        replies = folder / "replies.csv"
        replies.write_text("profile,day\nhttps://www.linkedin.com/in/example-jonas-weber,2025-03-11\n", encoding="utf-8")
        _, output = self.run_main("plan", "--start", "2025-03-10", "--replies", str(replies))
        self.assertEqual(output.count("Jonas Weber"), 1)
        self.assertEqual(self.run_main("plan", "--replies", str(folder / "none.csv"))[0], 1)
