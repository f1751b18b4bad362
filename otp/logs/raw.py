"""A line writer for raw output: what a subprocess or a library prints becomes records of a node."""

from __future__ import annotations

import codecs
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import loguru

__all__ = ["RawLogger"]

_LONGEST: Final = 8_192
"""Characters of a line; a longer one becomes several records."""


class RawLogger:
    r"""Takes bytes or text in chunks of any size and logs each line at INFO, with `raw` set.

    A line may come in pieces, be too long (it is broken up), or be no UTF-8 (the bad bytes are shown as `\xNN`). What
    has no newline at its end is logged by `close`. It can be used as a context manager, and, since it has `write` and
    `flush`, as a file to print to.
    """

    def __init__(self, logger: loguru.Logger) -> None:
        """Use `otp.raw_logger()`."""
        self._logger = logger.bind(raw=True)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, chunk: bytes | bytearray | memoryview | str) -> int:
        """Take a chunk; how much was taken, which is all of it."""
        with self._lock:
            text = chunk if isinstance(chunk, str) else self._decoder.decode(bytes(chunk))
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._log(line)
            while len(self._rest) > _LONGEST:
                self._log(self._rest[:_LONGEST])
                self._rest = self._rest[_LONGEST:]
        return len(chunk)

    def flush(self) -> None:
        """Do nothing: lines are logged as they are complete."""

    def close(self) -> None:
        """Log what is left without a newline."""
        with self._lock:
            rest = self._rest + self._decoder.decode(b"", final=True)
            self._decoder.reset()
            self._rest = ""
            if rest:
                self._log(rest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _log(self, line: str) -> None:
        line = line.removesuffix("\r")
        for start in range(0, max(len(line), 1), _LONGEST):
            self._logger.log("INFO", "{}", line[start : start + _LONGEST])
