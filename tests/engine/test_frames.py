"""What a dead runnable held: gone at its death, so that its next incarnation can have it, whoever keeps the exception."""

from __future__ import annotations

import gc
import socket
import threading

import pytest

import otp

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listen(port):
    listening = socket.socket()
    listening.bind(("127.0.0.1", port))
    listening.listen()
    return listening


def dies_plainly(listening):
    raise ValueError(listening.fileno())


def dies_of_a_cause(listening):
    try:
        dies_plainly(listening)
    except ValueError as cause:
        raise RuntimeError from cause


def dies_in_spite_of(listening):
    try:
        dies_plainly(listening)
    except ValueError:
        raise RuntimeError  # noqa: B904 - the context is what this is about


def dies_of_several(listening):
    errors = []
    for _ in range(2):
        try:
            dies_plainly(listening)
        except ValueError as error:
            errors.append(error)
    message = "several"
    raise ExceptionGroup(message, errors)


def exits(listening):
    raise SystemExit(listening.fileno())


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
@pytest.mark.parametrize("die", [dies_plainly, dies_of_a_cause, dies_in_spite_of, dies_of_several, exits])
def test_a_socket_in_a_frame_of_a_dead_runnable_can_be_bound_anew_at_once(stage, port, kind, die):
    kept = []

    def work():
        listening = listen(port)
        if otp.current().incarnation == 1:
            try:
                die(listening)
            except BaseException as error:
                kept.append(error)
                raise
        return listening

    def plain():
        with work():
            stage.serve()

    async def coroutine():
        with work():
            await stage.serve_async()

    system, story = stage.watch(
        stage.parent_of(a=plain if kind == "thread" else coroutine), backoff=otp.Backoff(initial=0)
    )
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert len(story.of(otp.events.Died)) == 1
    assert len(kept) == 1
    system.stop()


def test_what_runs_on_in_a_thread_of_the_users_own_keeps_what_it_has(stage):
    """Only frames that have ended are cleared."""
    begun, go_on, kept = threading.Event(), stage.gate(), []

    def helper(error):
        mine = ["mine"]
        try:
            raise error
        except ValueError:
            begun.set()
            go_on.wait()
        kept.append(mine)

    def dies():
        error = ValueError("shared")
        thread = threading.Thread(target=helper, args=[error])
        thread.start()
        assert begun.wait(5)
        threads.append(thread)
        raise error

    threads = []
    _, story = stage.watch(stage.parent_of(a=otp.Child(dies, restart=otp.Restart.TEMPORARY)))
    story.until(otp.events.Removed, "root.a")
    go_on.set()
    threads[0].join()

    assert kept == [["mine"]]


def test_the_traceback_in_the_report_was_made_before_the_frames_were_cleared(stage):
    def deep(number):
        if number:
            deep(number - 1)
        else:
            raise ValueError

    def dies():
        deep(3)

    _, story = stage.watch(stage.parent_of(a=dies))
    died = story.until(otp.events.Died, "root.a")

    assert died.traceback.count("in deep") == 4
    assert "in dies" in died.traceback
    assert "otp/backends" not in died.traceback


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_socket_that_a_dead_server_holds_can_be_bound_anew_at_once(stage, port, kind):
    """Who has caught the exception has ended too, and its frames hold the server."""

    class Plain(otp.GenServer):
        def init(self):
            self.listening = listen(port)

        def handle_cast(self, request):
            raise ValueError(request)

        def terminate(self, reason):
            if isinstance(reason, ValueError):
                kept.append(reason)
            else:
                self.listening.close()

    class Mixed(Plain):
        async def handle_info(self, message):
            pass

    kept = []
    server = otp.Child(Plain if kind == "thread" else Mixed)
    gc.disable()
    try:
        system, story = stage.watch(stage.parent_of(a=server), backoff=otp.Backoff(initial=0))
        system.wait_healthy(5)
        system.ref("root.a").cast("die")
        story.until(otp.events.Healthy, "root.a", incarnation=2)
    finally:
        gc.enable()

    assert len(story.of(otp.events.Died)) == 1
    assert len(kept) == 1
    system.stop()
