"""An item of the inventory: what it consists of, and what is refused."""

import re
from dataclasses import dataclass

SKU = re.compile(r"[A-Z]{3}-[0-9]{4}")
MAX_QUANTITY = 1_000_000


class Invalid(ValueError):
    """What was sent cannot be used; the message says why."""


@dataclass(frozen=True)
class Item:
    sku: str
    name: str
    quantity: int


def read_item(sku: str, body: object) -> Item:
    """Makes an item from what was sent for a SKU."""
    if not SKU.fullmatch(sku):
        raise Invalid("a SKU looks like BOX-0001")
    if not isinstance(body, dict):
        raise Invalid("the body is no JSON object")
    name, quantity = body.get("name"), body.get("quantity")
    if not isinstance(name, str) or not name.strip():
        raise Invalid("an item needs a name")
    # bool is a kind of int in Python, and no quantity.
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= MAX_QUANTITY:
        raise Invalid(f"a quantity is a whole number from 0 to {MAX_QUANTITY}")
    return Item(sku, name.strip(), quantity)
