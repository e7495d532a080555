"""Wanted: pages of the list of items. Not built until this file passes."""

import unittest
from importlib import import_module

from inventory.app import App
from inventory.items import Invalid, Item
from inventory.store import Store

from ..client import call


def filled(count):
    store = Store()
    for number in range(1, count + 1):
        store.put(Item(f"BOX-{number:04}", f"Box {number}", number))
    return store


class CursorTest(unittest.TestCase):
    def setUp(self):
        self.paging = import_module("inventory.paging")

    def test_a_cursor_comes_back_as_what_it_was(self):
        cursor = self.paging.write_cursor("BOX-0002")
        self.assertRegex(cursor, r"^[A-Za-z0-9_-]+$")
        self.assertEqual(self.paging.read_query(f"after={cursor}&limit=2"), self.paging.Page("BOX-0002", 2))

    def test_there_are_defaults(self):
        self.assertEqual(self.paging.read_query(""), self.paging.Page(None, 50))

    def test_what_is_no_cursor_or_size_is_refused(self):
        for query in ["after=%21", "after=eHl6", "after=gICA", "limit=0", "limit=101", "limit=ten", "limit="]:
            with self.subTest(query=query), self.assertRaises(Invalid):
                self.paging.read_query(query)


class StorePageTest(unittest.TestCase):
    def setUp(self):
        self.store = filled(5)
        self.addCleanup(self.store.close)

    def skus(self, after, limit):
        return [item.sku[-1] for item in self.store.items_after(after, limit)]

    def test_a_page_begins_after_a_sku(self):
        self.assertEqual(self.skus(None, 2), ["1", "2"])
        self.assertEqual(self.skus("BOX-0002", 2), ["3", "4"])
        self.assertEqual(self.skus("BOX-0005", 2), [])

    def test_the_sku_need_not_exist(self):
        self.store.remove("BOX-0002")
        self.assertEqual(self.skus("BOX-0002", 2), ["3", "4"])


class ListTest(unittest.TestCase):
    def setUp(self):
        self.store = filled(5)
        self.addCleanup(self.store.close)
        self.app = App(self.store)

    def test_pages_follow_each_other_to_the_end(self):
        seen, query = [], "limit=2"
        for _ in range(3):
            status, body, _ = call(self.app, "GET", f"/items?{query}")
            self.assertEqual(status, 200)
            seen.append([item["quantity"] for item in body["items"]])
            query = f"limit=2&after={body['next']}"
        self.assertEqual(seen, [[1, 2], [3, 4], [5]])
        self.assertIsNone(body["next"])

    def test_a_full_last_page_has_no_next(self):
        self.assertIsNone(call(self.app, "GET", "/items?limit=5")[1]["next"])

    def test_a_new_item_moves_no_page(self):
        cursor = call(self.app, "GET", "/items?limit=2")[1]["next"]
        self.store.put(Item("BAG-0001", "Bag", 9))
        body = call(self.app, "GET", f"/items?limit=2&after={cursor}")[1]
        self.assertEqual([item["quantity"] for item in body["items"]], [3, 4])

    def test_a_broken_cursor_is_a_bad_request(self):
        self.assertEqual(call(self.app, "GET", "/items?after=%21")[0], 400)
