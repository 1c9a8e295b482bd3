"""What a feature offers to the rest of the product: its manifest.

``app.py`` reads the manifests and nothing else: a feature that is not in its list does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatworks.kit.datamap import DataMap
from chatworks.kit.work import Writer


@dataclass(frozen=True, slots=True)
class Feature:
    """``registrations`` are ``commands.models.Registration``; ``routes`` Litestar handlers and
    controllers; ``subscribers`` maps a fact's type to the writers that hear it in its transaction;
    ``texts`` is the package that holds a ``locale`` folder.
    """

    name: str
    registrations: Sequence[Any] = ()
    subscribers: Mapping[type, Sequence[Writer[Any]]] = field(default_factory=dict)
    data_map: DataMap = field(default_factory=dict)
    routes: Sequence[Any] = ()
    texts: str = ""
