"""`python -m examples.chat [PORT]`."""

from __future__ import annotations

import sys

from examples.chat.server import main

if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
