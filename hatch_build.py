"""What a package index shows: the README, with links and pictures that lead to the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(\]\()(?!\w+:|#)([^)\s]+)")
_PICTURE = re.compile(r'((?:src|srcset)=")(?!\w+:)([^"]+)')


class ReadmeHook(MetadataHookInterface):
    """Hand the README to the metadata of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        source = metadata.get("urls", {}).get("Source", "")
        version = f"v{metadata['version']}" if "version" in metadata else "HEAD"
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, source, version)}


def absolute(text: str, source: str, version: str) -> str:
    """The README with absolute links, of one version of a repository; as it is where no repository is known."""
    if not source:
        return text
    text = _LINK.sub(rf"\1{source.rstrip('/')}/blob/{version}/\2", text)
    return _PICTURE.sub(rf"\1{source.rstrip('/')}/raw/{version}/\2", text)
