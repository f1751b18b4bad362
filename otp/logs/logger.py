"""The loggers of a runnable: loguru's, bound to where the record comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import loguru

from otp.logs.capture import place_of

if TYPE_CHECKING:
    from otp.tree.incarnation import Incarnation

__all__ = ["logger_of"]


def logger_of(incarnation: Incarnation, name: str | None = None) -> loguru.Logger:
    """A logger whose records have `dn` and `incarnation` in `extra`; with `name`, of the place so called below it."""
    dn = incarnation.dn if name is None else f"{incarnation.dn}.{name}"
    return loguru.logger.bind(dn=place_of(dn, incarnation.system), incarnation=incarnation.number)
