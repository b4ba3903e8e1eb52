"""What it means that a registry's database cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from ..errors import InvalidInput, MissingPackage, Unavailable


@contextmanager
def reachable() -> Iterator[None]:
    """Without its driver or folder it is as if the database were away; what it cannot hold is refused."""
    try:
        yield
    except IntegrityError as error:
        raise InvalidInput(f"The registry cannot hold that: {error.orig}.") from error
    except (MissingPackage, OSError) as error:
        raise Unavailable(
            f"The registry cannot be reached: {error}. Check it with: jupyter mlops doctor"
        ) from error
