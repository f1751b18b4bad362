"""`python -m otp`: the command line."""

from otp.cli import main

main()
