"""Items and their database."""

import unittest

from inventory.items import Invalid, Item, read_item
from inventory.store import Store


class ItemTest(unittest.TestCase):
    def test_an_item_is_read(self):
        item = read_item("BOX-0001", {"name": " Small box ", "quantity": 40})
        self.assertEqual(item, Item("BOX-0001", "Small box", 40))

    def test_what_is_no_item_is_refused(self):
        good = {"name": "Small box", "quantity": 1}
        for sku, body in [
            ("box-1", good),
            ("BOX-00001", good),
            ("BOX-0001", []),
            ("BOX-0001", {**good, "name": " "}),
            ("BOX-0001", {**good, "quantity": -1}),
            ("BOX-0001", {**good, "quantity": True}),
            ("BOX-0001", {**good, "quantity": "many"}),
        ]:
            with self.subTest(sku=sku, body=body), self.assertRaises(Invalid):
                read_item(sku, body)


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.store = Store()
        self.addCleanup(self.store.close)

    def test_items_are_kept_in_order(self):
        for sku in ["TAP-0002", "BOX-0001"]:
            self.store.put(Item(sku, "Thing", 1))
        self.store.put(Item("BOX-0001", "Box", 2))
        self.assertEqual(self.store.items(), [Item("BOX-0001", "Box", 2), Item("TAP-0002", "Thing", 1)])

    def test_an_item_is_removed_once(self):
        self.store.put(Item("BOX-0001", "Box", 2))
        self.assertTrue(self.store.remove("BOX-0001"))
        self.assertFalse(self.store.remove("BOX-0001"))
        self.assertIsNone(self.store.item("BOX-0001"))
