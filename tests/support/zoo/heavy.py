"""Types of libraries that take long to install or to import: `python3 dev.py zoo`."""

from __future__ import annotations
