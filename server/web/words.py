"""The earlier name of ``numbers``; ``own.py`` still imports it, and with that import this file goes."""

from server.web.numbers import ago, iso, memory, percent, rate

__all__ = ["ago", "iso", "memory", "percent", "rate"]
