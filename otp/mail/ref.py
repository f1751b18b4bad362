"""The address of a node: a DN in a system. It stays right across restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otp.tree.backend import Host
    from otp.tree.incarnation import Incarnation

__all__ = ["CurrentRef", "Ref"]


class Ref:
    """Where a node lives, whichever incarnation lives there. Equal and hashable by address."""

    __slots__ = ("_system", "dn", "name")

    dn: str
    """The distinguished name, as in `root.a.b`."""
    name: str
    """The last part of it."""

    def __init__(self, dn: str, system: Host) -> None:
        """Refs come from `otp.run`, `otp.run_group` and `otp.current`; there is no need to make one."""
        self.dn = dn
        self.name = dn.rpartition(".")[2]
        self._system = system

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ref):
            return NotImplemented
        return self.dn == other.dn and self._system is other._system

    def __hash__(self) -> int:
        return hash((self.dn, id(self._system)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.dn}>"


class CurrentRef(Ref):
    """The address of the calling node, and which incarnation of it the caller is."""

    __slots__ = ("fencing_token", "incarnation")

    incarnation: int
    """The number of this incarnation, from 1. It begins anew when the node's parent is restarted."""
    fencing_token: int
    """A number that only grows: over incarnations, over restarts of the parent, and over restarts of the program as long
    as the machine's clock does not go back. Hand it to outside systems, so that they can refuse what an earlier
    incarnation still sends."""

    def __init__(self, incarnation: Incarnation) -> None:
        """Of `incarnation`."""
        super().__init__(incarnation.dn, incarnation.system)
        self.incarnation = incarnation.number
        self.fencing_token = incarnation.fencing_token
