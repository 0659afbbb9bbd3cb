"""The static files: read once, compressed once, served under a path that names their content.

Rules:

* The address holds a hash over all files (``/static/<version>/base.css``), so a browser may keep them for a year and
  still never mixes the modules of two releases.
* Only files that were there at the start are served: no path from a request ever reaches the file system.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Request, Response

from server.web.locale import LOCALES, words

STATIC = Path(__file__).parent / "static"

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_KEEP = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file; ``compressed`` is its gzip form."""

    content: bytes
    compressed: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Every file that is served, by its path below ``static``, and the scripts' words of each locale as a module."""
    files = {
        path.relative_to(STATIC).as_posix(): Asset(
            content := path.read_bytes(), gzip.compress(content, mtime=0), _MEDIA_TYPES[path.suffix]
        )
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in _MEDIA_TYPES
    }
    return files | {f"words/{locale}.js": _words_module(locale, _areas_of_scripts(files)) for locale in LOCALES}


def _areas_of_scripts(files: dict[str, Asset]) -> set[str]:
    """The areas of words that any script asks for; the others are for templates alone."""
    scripts = b"".join(asset.content for name, asset in files.items() if name.endswith(".js")).decode()
    areas = {key.partition(".")[0] for key in words(LOCALES[0])}
    return {area for area in areas if any(f"{quote}{area}." in scripts for quote in "\"'`")}


def _words_module(locale: str, areas: set[str]) -> Asset:
    texts = {key: text for key, text in words(locale).items() if key.partition(".")[0] in areas}
    content = f"export default {json.dumps(texts, ensure_ascii=False)};\n".encode()
    return Asset(content, gzip.compress(content, mtime=0), _MEDIA_TYPES[".js"])


@cache
def version() -> str:
    """A hash over the names and contents of all files."""
    digest = hashlib.sha256()
    for name, asset in assets().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(asset.content).digest())
    return digest.hexdigest()[:12]


def asset_response(request: Request, asset: Asset, *, current: bool) -> Response:
    """The file, compressed when the browser takes that. ``current``: the address names the content that is served."""
    zipped = request.accept_encodings.quality("gzip") > 0
    response = Response(asset.compressed if zipped else asset.content, content_type=asset.media_type)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = _KEEP if current else "no-cache"
    return response
