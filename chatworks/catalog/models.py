"""Products, and the requests about them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chatworks.commands.models import Command, Query
from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import Refusal
from chatworks.kit.money import Money
from chatworks.outlets.models import ProductSpec

STOCK_MAX = 1_000_000
NAME_LENGTH_MAX = 80
LIST_MAX = 100


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the console edits it."""

    id: UUID
    sku: str
    name: dict[str, str]
    description: dict[str, str]
    price: Money
    stock: int | None
    photo: str
    tags: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as a customer sees it, in their language."""

    id: UUID
    sku: str
    title: str
    price: Money
    left: int | None
    photo: str = ""


@dataclass(frozen=True, slots=True)
class ListProducts(Query[list[ProductView]]):
    """What can be bought now, of one tag if given; sold-out products are left out."""

    tag: str = ""


@dataclass(frozen=True, slots=True)
class AllProducts(Query[list[Product]]):
    """Every product of the outlet, hidden and sold-out ones too, in the order of its list."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Which product was changed."""

    sku: str


@dataclass(frozen=True, slots=True)
class SetPrice(Command[Changed]):
    """Change a price, in minor units of the outlet's currency."""

    product_id: UUID
    price_minor: int


@dataclass(frozen=True, slots=True)
class SetStock(Command[Changed]):
    """Change how many are left; None stops counting."""

    product_id: UUID
    stock: int | None


@dataclass(frozen=True, slots=True)
class SetActive(Command[Changed]):
    """Show or hide a product."""

    product_id: UUID
    active: bool


@dataclass(frozen=True, slots=True)
class SetPhoto(Command[Changed]):
    """Show another picture: the path of a kept file, or "" for none."""

    product_id: UUID
    photo: str


@dataclass(frozen=True, slots=True)
class ProductsApplied:
    """What a file changed: how many products were added, and how many were made as it says."""

    added: int
    changed: int


@dataclass(frozen=True, slots=True)
class ApplyProducts(Command[ProductsApplied]):
    """Make products what the outlet's file says, but for their stock; nothing is removed."""

    products: tuple[ProductSpec, ...]


class OutOfStock(Refusal):
    """Not enough left: the arguments are the product's title and how many there are."""


class NoSuchProduct(Refusal):
    """There is no such product in this outlet."""


class PriceNotValid(Refusal):
    """A price is a whole number of minor units, not below zero."""


class PhotoNotValid(Refusal):
    """A photo is the path of a file that this installation keeps."""


class StockNotValid(Refusal):
    """Stock is a whole number from 0 to 1,000,000, or nothing."""


DATA_MAP: DataMap = {
    "product": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "sku": operational("the seller's own number"),
        "name": operational("by language"),
        "description": operational("by language"),
        "price_minor": operational("price"),
        "currency": operational("of the price"),
        "stock": operational("how many are left"),
        "photo": operational("path of a picture"),
        "tags": operational("groups"),
        "position": operational("order in lists"),
        "active": operational("shown or hidden"),
        "updated_at": operational("when"),
    },
}
