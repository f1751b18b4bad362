"""Names: `register`, `whereis` and the others; and refs, by DN or by name.

A name belongs to an incarnation and is free again when that has ended, before anybody is told of the end. In the directory
it stands beside the DNs, which it cannot be taken for, so that mail to a name takes no longer than any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, overload

from otp.errors import AlreadyRegisteredError, InvalidNameError, NotRegisteredError
from otp.mail.calls import no_process
from otp.mail.ref import Ref, home_of, system_of
from otp.tree.decision.names import is_name
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from otp.tree.backend import Host
    from otp.tree.incarnation import Incarnation

__all__ = ["ref", "ref_in", "register", "registered", "unregister", "whereis"]

R = TypeVar("R", bound=Ref)

_ROOT: Final = "root"


@overload
def ref(dn_or_name: str) -> Ref: ...
@overload
def ref(dn_or_name: str, cls: type[R]) -> R: ...
def ref(dn_or_name: str, cls: type[Ref] = Ref) -> Ref:
    """The address of a node of the same system, whether anybody lives there or not.

    Args:
        dn_or_name: `root`, or what has a dot in it: a DN. Otherwise a registered name: at each use the ref is that of
            whoever has the name then.
        cls: what kind of ref, for one with methods of its own.

    Raises:
        NotInRunnableError: the caller is no runnable; elsewhere there is `System.ref`.
        TypeError: `dn_or_name` is no str.
    """
    return ref_in(here().system, dn_or_name, cls)


def ref_in(system: Host, dn_or_name: str, cls: type[R]) -> R:
    """`ref`, in `system`."""
    if not isinstance(dn_or_name, str):
        msg = f"a DN or name is a str, not {type(dn_or_name).__name__}"
        raise TypeError(msg)
    return cls(dn_or_name, system)


def register(name: str, ref: Ref | None = None) -> None:
    """Give a name to the incarnation that runs at `ref`, until it ends; as `erlang:register/2`.

    Args:
        name: as those of nodes, but not `root`.
        ref: `None`: the calling runnable itself.

    Raises:
        AlreadyRegisteredError: somebody has that name, or the other has one.
        NoProcessError: nobody runs there.
        InvalidNameError: it is no name.
        ValueError: `ref` is of another system.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = _caller()
    if type(name) is not str or not is_name(name) or name == _ROOT:
        shown = repr(name[:80]) if type(name) is str else f"a {type(name).__name__}"
        msg = f"{shown} cannot be registered: a name is a str of 1 to 64 of A-Z, a-z, 0-9, _ and -, and not {_ROOT!r}"
        raise InvalidNameError(msg)
    system = incarnation.system
    whom = Ref(incarnation.dn, system) if ref is None else ref
    if system_of(whom) is not system:
        msg = f"{whom.dn} is of another system: it can have a name there"
        raise ValueError(msg)
    directory = system.directory
    with directory.naming:
        home = incarnation.mailbox if ref is None else home_of(ref)
        taken = directory.names.get(name)
        if taken is not None:
            msg = f"{name!r} is the name of {taken.dn}"
            raise AlreadyRegisteredError(msg, Ref(taken.dn, system))
        # Who ends leaves `homes` first, and looks for its names, under this lock, thereafter.
        if home is None or directory.homes.get(home.dn) is not home:
            incarnation.check()
            raise no_process(whom)
        if home.names:
            msg = f"{home.dn} has a name already: {home.names[0]!r}"
            raise AlreadyRegisteredError(msg, Ref(home.dn, system))
        home.names = (name,)
        directory.names[name] = directory.homes[name] = home


def unregister(name: str) -> None:
    """Take a name away, from whoever has it; as `erlang:unregister/1`.

    Raises:
        NotRegisteredError: nobody has it.
        NotInRunnableError, StaleIncarnationError: as `register`.
    """
    directory = _caller().system.directory
    with directory.naming:
        home = directory.names.pop(name, None)
        if home is None:
            msg = f"nobody is registered as {name!r}"
            raise NotRegisteredError(msg)
        del directory.homes[name]
        home.names = ()


def whereis(name: str) -> Ref | None:
    """Who has that name now, by its DN; `None`: nobody.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    system = here().system
    home = system.directory.names.get(name)
    return None if home is None else Ref(home.dn, system)


def registered() -> list[str]:
    """The names that somebody has.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    return list(here().system.directory.names)


def _caller() -> Incarnation:
    incarnation = here()
    incarnation.check()
    return incarnation
