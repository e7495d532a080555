"""Wanted: API keys with a rate limit. Not built until this file passes."""

import contextlib
import io
import os
import tempfile
import unittest
from importlib import import_module
from unittest import mock

from inventory.app import App
from inventory.store import Store

from ..client import call


def part(name):
    """A module of the inventory, looked up when a test runs."""
    return import_module(f"inventory.{name}")


class SettingsTest(unittest.TestCase):
    def test_there_are_defaults(self):
        settings = part("settings").Settings.from_environment({})
        self.assertEqual((settings.database, settings.port), ("inventory.sqlite", 8000))
        self.assertEqual((settings.requests_per_minute, settings.burst), (60, 20))

    def test_the_environment_is_read(self):
        settings = part("settings").Settings.from_environment(
            {"INVENTORY_PORT": "9000", "INVENTORY_REQUESTS_PER_MINUTE": "6", "INVENTORY_BURST": "2"}
        )
        self.assertEqual((settings.port, settings.requests_per_minute, settings.burst), (9000, 6, 2))

    def test_a_setting_that_cannot_be_used_is_named(self):
        for value in ["many", "0", "-3"]:
            with self.assertRaisesRegex(part("settings").BadSetting, "INVENTORY_BURST"):
                part("settings").Settings.from_environment({"INVENTORY_BURST": value})


class KeyRingTest(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "keys.sqlite")
        self.keys = part("keys").KeyRing(self.path)
        self.addCleanup(self.keys.close)

    def test_a_key_is_known_by_its_secret(self):
        secret = self.keys.add("scanner")
        self.assertTrue(secret.startswith("inv_"))
        self.assertEqual(self.keys.name_of(secret), "scanner")
        self.assertIsNone(self.keys.name_of("inv_guess"))

    def test_the_secret_is_not_kept(self):
        secret = self.keys.add("scanner")
        with open(self.path, "rb") as file:
            self.assertNotIn(secret.removeprefix("inv_").encode(), file.read())

    def test_a_key_is_taken_back(self):
        secret = self.keys.add("scanner")
        self.assertTrue(self.keys.revoke("scanner"))
        self.assertIsNone(self.keys.name_of(secret))
        self.assertFalse(self.keys.revoke("scanner"))

    def test_a_name_is_used_once(self):
        self.keys.add("scanner")
        with self.assertRaisesRegex(ValueError, "scanner"):
            self.keys.add("scanner")


class LimiterTest(unittest.TestCase):
    def setUp(self):
        self.time = 1000.0
        self.limiter = part("limits").Limiter(requests_per_minute=6, burst=2, clock=lambda: self.time)

    def test_a_burst_passes_and_the_next_request_waits(self):
        self.assertEqual([self.limiter.take("a") for _ in range(3)], [0, 0, 10])

    def test_time_gives_requests_back_up_to_the_burst(self):
        for _ in range(3):
            self.limiter.take("a")
        self.time += 10
        self.assertEqual([self.limiter.take("a"), self.limiter.take("a")], [0, 10])
        self.time += 3600
        self.assertEqual([self.limiter.take("a") for _ in range(3)], [0, 0, 10])

    def test_keys_do_not_wait_for_each_other(self):
        for _ in range(3):
            self.limiter.take("a")
        self.assertEqual(self.limiter.take("b"), 0)

    def test_a_wait_is_at_least_a_second(self):
        limiter = part("limits").Limiter(requests_per_minute=600, burst=1, clock=lambda: self.time)
        self.assertEqual([limiter.take("a"), limiter.take("a")], [0, 1])


class ResponsesTest(unittest.TestCase):
    def test_a_missing_key_is_answered_with_the_scheme(self):
        answer = part("responses").unauthorized()
        self.assertEqual((answer.status, answer.headers), (401, {"WWW-Authenticate": "Bearer"}))

    def test_a_busy_key_is_told_when_to_come_back(self):
        answer = part("responses").too_many_requests(10)
        self.assertEqual((answer.status, answer.headers), (429, {"Retry-After": "10"}))
        self.assertIn("10 seconds", answer.body["title"])


class GateTest(unittest.TestCase):
    def setUp(self):
        store, keys = Store(), part("keys").KeyRing(":memory:")
        self.addCleanup(store.close)
        self.addCleanup(keys.close)
        limiter = part("limits").Limiter(requests_per_minute=6, burst=2, clock=lambda: 0.0)
        self.app = part("gate").Gate(App(store), keys, limiter)
        self.key = {"Authorization": "Bearer " + keys.add("scanner")}

    def test_a_request_needs_a_key(self):
        for headers in [{}, {"Authorization": "Bearer inv_guess"}, {"Authorization": "Basic YTpi"}]:
            status, _, answered = call(self.app, "GET", "/items", headers=headers)
            self.assertEqual((status, answered["WWW-Authenticate"]), (401, "Bearer"))
        self.assertEqual(call(self.app, "GET", "/items", headers=self.key)[0], 200)

    def test_a_key_that_asks_too_often_waits(self):
        statuses = [call(self.app, "GET", "/items", headers=self.key)[0] for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 429])

    def test_health_needs_no_key_and_counts_for_nothing(self):
        for _ in range(5):
            self.assertEqual(call(self.app, "GET", "/health")[0], 200)


class ProgramTest(unittest.TestCase):
    def run_main(self, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = part("__main__").main(list(arguments))
        return code, output.getvalue()

    def test_keys_are_made_and_taken_back(self):
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "inventory.sqlite")
        self.enterContext(mock.patch.dict(os.environ, {"INVENTORY_DATABASE": path}))
        code, output = self.run_main("keys", "add", "scanner")
        self.assertEqual((code, output[:4]), (0, "inv_"))
        self.assertEqual(self.run_main("keys", "add", "scanner")[0], 1)
        self.assertEqual(self.run_main("keys", "revoke", "scanner")[0], 0)
        self.assertEqual(self.run_main("keys", "revoke", "scanner")[0], 1)
        self.assertEqual(self.run_main("keys")[0], 2)
