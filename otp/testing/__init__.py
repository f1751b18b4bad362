"""What helps to test with otp, and to test otp itself."""

from __future__ import annotations
