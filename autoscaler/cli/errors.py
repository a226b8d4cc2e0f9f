"""Errors in what the user gave: options that contradict, values that make no sense."""

from __future__ import annotations


class InputError(Exception):
    """One message that says what is wrong and the way out; ends the command with exit code 2."""
