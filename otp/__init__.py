"""Supervision trees and OTP behaviours for Python services."""
