"""Pages, one module for each concept: each exports `routes`, and `links` for the menu if any."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from starlette.routing import BaseRoute

from appliance.console.templates import PageLink


def modules() -> list[ModuleType]:
    """Import every module of pages, in the order of their names."""
    names = sorted(one.name for one in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def all_routes() -> list[BaseRoute]:
    """Return the routes of all modules."""
    return [route for module in modules() for route in module.routes]


def all_links() -> tuple[PageLink, ...]:
    """Return the menu's links of all modules, in their order."""
    found = [link for module in modules() for link in getattr(module, "links", ())]
    return tuple(sorted(found, key=lambda link: (link.order, link.path)))
