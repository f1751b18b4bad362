"""Addresses of nodes."""
