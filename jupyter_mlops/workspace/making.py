"""Properties of a workspace that are made on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # reads as the decorator that it is
        """A cached_property that is made once also when threads ask together (not so since Python 3.12)."""

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            with instance.lock:
                return super().__get__(instance, owner)


if TYPE_CHECKING:
    common = cached_property
else:

    class common(once):
        """Made once for all in whose name a workspace is used: what knows no user, and what costs."""

        def __get__(self, instance, owner=None):
            whose = instance if instance is None else instance.whole
            return super().__get__(whose, owner)
