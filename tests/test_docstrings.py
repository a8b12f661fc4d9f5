"""Docstrings say what the code says: names of parameters, and the shape of every array."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString

import ddasp

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(ddasp.__path__, "ddasp.")
    if not module.name.endswith("__main__")
)
ARRAY = re.compile(r"^(numpy\.)?(ndarray|array_like)\b")


@pytest.fixture(autouse=True)
def _a_sound_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines without PortAudio read the docstrings of the microphone too."""
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError):
        monkeypatch.setitem(sys.modules, "sounddevice", ModuleType("sounddevice"))
        monkeypatch.delitem(sys.modules, "ddasp.apps.microphone", raising=False)


def public(name: str) -> Iterator[tuple[str, Any]]:
    """The functions and classes that a module offers, with the methods of the classes."""
    module = importlib.import_module(name)
    for word in getattr(module, "__all__", ()):
        thing = getattr(module, word)
        if getattr(thing, "__module__", None) != name:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield word, thing
        if inspect.isclass(thing):
            for method, inner in vars(thing).items():
                if inspect.isfunction(inner) and not method.startswith("_"):
                    yield f"{word}.{method}", inner


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_and_what_it_offers(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, name
    if not hasattr(module, "__path__"):
        assert hasattr(module, "__all__"), name


@pytest.mark.parametrize("name", MODULES)
def test_documented_parameters_exist_and_arrays_say_their_shape(name: str) -> None:
    for word, thing in public(name):
        doc = NumpyDocString(inspect.getdoc(thing) or "")
        named = [part.strip() for entry in doc["Parameters"] for part in entry.name.split(",")]
        known = set(inspect.signature(thing).parameters) if named else set()
        assert {n.lstrip("*") for n in named if n} <= known, f"{word}: {set(named) - known}"
        for entry in [*doc["Parameters"], *doc["Returns"]]:
            said = " ".join([entry.type, *entry.desc])
            assert not ARRAY.search(entry.type) or "shape" in said, f"{word}: {entry}"
