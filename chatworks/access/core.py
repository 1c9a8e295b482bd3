"""Reads ``roles.toml`` and answers whether a role holds a permission. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from chatworks.access.models import Role

EVERYTHING = "*"
EVERY_READ = "*.read"


def read_roles(text: str) -> tuple[dict[str, str], dict[str, Role], dict[str, Role]]:
    """Return the permissions with their words, and the roles of outlets and of the platform.

    Raises ``ValueError`` naming the role that holds what is no permission.
    """
    data = tomllib.loads(text)
    permissions: dict[str, str] = data["permissions"]
    outlet = {name: _role(name, role, permissions) for name, role in data["outlet"].items()}
    platform = {name: _role(name, role, permissions) for name, role in data["platform"].items()}
    return permissions, outlet, platform


def _role(name: str, data: Mapping[str, Any], permissions: Mapping[str, str]) -> Role:
    may: set[str] = set()
    for held in data["may"]:
        if held == EVERYTHING:
            may |= permissions.keys()
        elif held == EVERY_READ:
            may |= {permission for permission in permissions if reads(permission)}
        elif held in permissions:
            may.add(held)
        else:
            raise ValueError(f"the role {name} holds {held}, which is no permission")
    return Role(name, data["title"], data["about"], frozenset(may))


def reads(permission: str) -> bool:
    """Return whether a permission only reads."""
    return permission.endswith(".read")


PERMISSIONS, OUTLET_ROLES, PLATFORM_ROLES = read_roles(
    resources.files(__package__).joinpath("roles.toml").read_text("utf-8")
)


def may(role: str, permission: str) -> bool:
    """Return whether an outlet's role holds a permission; an unknown role holds none."""
    found = OUTLET_ROLES.get(role)
    return found is not None and permission in found.may
