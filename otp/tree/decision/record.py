"""What events, actions and messages are: records, frozen to type checkers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["record"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass that nobody changes, compared and hashed by its fields.

    Only type checkers see to the former: at run time a frozen dataclass of five fields takes 0.96 us to make and this
    one 0.21, and the death of a node makes a dozen of them while its restart waits.
    """
    make: Callable[[type[T]], type[T]] = dataclass(slots=True, unsafe_hash=True)
    return make(cls)
