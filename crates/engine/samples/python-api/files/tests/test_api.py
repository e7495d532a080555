"""The routes, through WSGI."""

import unittest

from inventory.app import App
from inventory.store import Store

from .client import call


class ApiTest(unittest.TestCase):
    def setUp(self):
        store = Store()
        self.addCleanup(store.close)
        self.app = App(store)

    def test_an_item_is_put_shown_listed_and_removed(self):
        box = {"sku": "BOX-0001", "name": "Small box", "quantity": 40}
        status, body, _ = call(self.app, "PUT", "/items/BOX-0001", {"name": "Small box", "quantity": 40})
        self.assertEqual((status, body), (200, box))
        self.assertEqual(call(self.app, "GET", "/items/BOX-0001")[1], box)
        self.assertEqual(call(self.app, "GET", "/items")[1]["items"], [box])
        self.assertEqual(call(self.app, "DELETE", "/items/BOX-0001")[0], 204)
        self.assertEqual(call(self.app, "GET", "/items/BOX-0001")[0], 404)

    def test_what_is_wrong_is_said(self):
        status, body, headers = call(self.app, "PUT", "/items/BOX-0001", {"name": ""})
        self.assertEqual((status, body), (400, {"title": "an item needs a name"}))
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(call(self.app, "POST", "/items")[0], 405)
        self.assertEqual(call(self.app, "GET", "/shelves")[0], 404)

    def test_health_is_answered(self):
        self.assertEqual(call(self.app, "GET", "/health")[:2], (200, {"status": "ok"}))
