"""The pytest plugin; pytest loads it by its entry point."""
