"""Servers with plain and awaited callbacks, in a thread and on the event loop, and the refs that they name."""

from __future__ import annotations

import threading

import pytest

import otp

from .house import Doer

CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


class Seen(otp.GenServer):
    """Tells in which thread each callback runs."""

    def init(self, house):
        self.house = house
        self.tell("init")

    def tell(self, what):
        self.house.seen.put((what, threading.current_thread().name))

    def handle_call(self, request, sender):
        self.tell("handle_call")

    def handle_cast(self, request):
        self.tell("handle_cast")
        return otp.Continue()

    def handle_info(self, message):
        self.tell("handle_info")
        return otp.Stop()

    def handle_continue(self, arg):
        self.tell("handle_continue")

    def terminate(self, reason):
        self.tell("terminate")


def use_all(ref):
    ref.call("x")
    ref.cast("x")
    ref.send("x")


ORDER = ["init", "handle_call", "handle_cast", "handle_continue", "handle_info", "terminate"]


def test_all_callbacks_of_a_plain_server_run_in_its_thread(house):
    use_all(house.run(Seen, house))

    assert [house.next() for _ in ORDER] == [(name, "root.server") for name in ORDER]
    assert house.system.node("root.server").backend == "thread"


@pytest.mark.parametrize("name", CALLBACKS)
def test_one_awaited_callback_puts_them_all_on_the_event_loop(house, name):
    async def callback(self, *args):
        return getattr(Seen, name)(self, *args)

    use_all(house.run(type("Mixed", (Seen,), {name: callback}), house))
    seen = [house.next() for _ in ORDER]

    assert [what for what, _ in seen] == ORDER
    assert len({thread for _, thread in seen}) == 1
    assert house.system.node("root.server").backend == "coroutine"


def test_an_awaited_format_status_does_not_make_a_task_of_a_server(house):
    class Plain(Doer):
        pass

    house.run(Plain, house)

    assert house.system.node("root.server").backend == "thread"


def test_an_inherited_awaited_callback_counts(house):
    class Base(Doer):
        async def handle_cast(self, request):
            return request(self)

    class Derived(Base):
        pass

    house.run(Derived, house)

    assert house.system.node("root.server").backend == "coroutine"


def test_the_mail_of_an_awaited_callback_waits_for_its_end(house):
    class Slow(Doer):
        async def handle_cast(self, request):
            self.house.seen.put("begins")
            await self.house.async_gate().wait()
            self.house.seen.put("ends")

    ref = house.run(Slow, house)
    ref.cast("slow")
    ref.send("mail")
    assert house.next() == "begins"
    house.open()

    assert [house.next(), house.next()] == ["ends", "mail"]


def test_a_plain_callback_that_returns_an_awaitable_replies_with_that(house):
    class Replying(Doer):
        async def terminate(self, reason):
            pass

    async def coroutine():
        return "never awaited"

    awaitable = house.run(Replying, house).call(lambda *_: coroutine())

    assert awaitable.__name__ == "coroutine"
    awaitable.close()


class DoerRef(otp.Ref):
    def ask(self, request):
        return self.call(lambda *_: request)


def test_a_server_may_name_the_kind_of_ref_that_run_gives(house, kind):
    class Typed(Doer):
        ref_type = DoerRef

    ref = house.run(kind(Typed), house)

    assert type(ref) is DoerRef
    assert ref.ask("hello") == "hello"


def test_so_does_run_group(house):
    class Typed(Doer):
        ref_type = DoerRef

    class Parent(otp.GenServer):
        def init(self):
            self.refs = otp.run_group({"a": otp.Child(Typed, house), "b": otp.Child(Doer, house)})

        def handle_call(self, request, sender):
            return [type(ref) for ref in self.refs.values()]

    assert house.run(Parent).call("what?") == [DoerRef, otp.Ref]


def test_a_ref_of_its_kind_can_be_made_of_a_dn(house, kind):
    house.do(kind)

    assert house.system.ref("root.server", DoerRef).ask("hello") == "hello"


def test_the_class_is_run_and_not_an_object_of_it(house):
    with pytest.raises(TypeError):
        otp.Child(Doer())


def test_keyword_arguments_of_otp_child_are_options_not_arguments_of_init(house):
    with pytest.raises(TypeError, match="starts"):
        otp.Child(Doer, house, starts=5)
