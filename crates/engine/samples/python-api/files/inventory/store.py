"""The items in their SQLite database."""

import sqlite3

from .items import Item

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0)
)
"""


class Store:
    def __init__(self, path: str = ":memory:"):
        self._database = sqlite3.connect(path)
        self._database.execute(SCHEMA)

    def close(self) -> None:
        self._database.close()

    def items(self) -> list[Item]:
        """Every item, by SKU."""
        rows = self._database.execute("SELECT sku, name, quantity FROM items ORDER BY sku")
        return [Item(*row) for row in rows]

    def item(self, sku: str) -> Item | None:
        row = self._database.execute("SELECT sku, name, quantity FROM items WHERE sku = ?", (sku,)).fetchone()
        return Item(*row) if row else None

    def put(self, item: Item) -> None:
        """Keeps an item, in place of the one with its SKU."""
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (item.sku, item.name, item.quantity)
            )

    def remove(self, sku: str) -> bool:
        """Whether there was such an item."""
        with self._database:
            return self._database.execute("DELETE FROM items WHERE sku = ?", (sku,)).rowcount == 1
