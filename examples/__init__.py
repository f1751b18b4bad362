"""Examples. A package only so that `otp run examples.quickstart:root` finds this one, whatever else is installed."""
