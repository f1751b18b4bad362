"""How faults are planted beside a function of the decision."""

from __future__ import annotations


def before(patch, module, name, first):
    """`first` is called with the arguments of a function, before it."""
    original = getattr(module, name)

    def function(*arguments, **others):
        first(*arguments)
        return original(*arguments, **others)

    patch.setattr(module, name, function)


def after(patch, module, name, then):
    """`then` is called with the arguments of a function, after it."""
    original = getattr(module, name)

    def function(*arguments, **others):
        result = original(*arguments, **others)
        then(*arguments)
        return result

    patch.setattr(module, name, function)
