"""The logger of a runnable: loguru's, bound to where the record comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import loguru

if TYPE_CHECKING:
    from otp.tree.incarnation import Incarnation

__all__ = ["logger_of"]


def logger_of(incarnation: Incarnation) -> loguru.Logger:
    """A logger whose records have `dn` and `incarnation` in `extra`."""
    return loguru.logger.bind(dn=incarnation.dn, incarnation=incarnation.number)
