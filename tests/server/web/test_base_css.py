"""The shared stylesheet: both dark themes are one, and colours can be told apart and read."""

import re

import pytest

from server.web.assets import STATIC

CSS = (STATIC / "base.css").read_text("utf-8")
SURFACES = ("page", "surface", "sunken", "chosen")
TEXT = ("text", "muted", "accent", "good", "warn", "bad")


def colours(selector: str) -> dict[str, str]:
    """The custom properties of the first rule of ``selector``."""
    start = CSS.index(f"{selector} {{")
    return dict(re.findall(r"--([\w-]+): ([^;]+);", CSS[start : CSS.index("}", start)]))


LIGHT, DARK = colours(":root"), colours(':root[data-theme="dark"]')
THEMES = {"light": LIGHT, "dark": DARK}


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, 1.4.3, of two colours as #rrggbb."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_dark_by_choice_is_dark_by_the_system() -> None:
    assert colours(':root[data-theme="auto"]') == DARK
    assert set(LIGHT) == set(DARK)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_surface(theme: str) -> None:
    named = THEMES[theme]
    poor = {
        (text, surface): round(contrast(named[text], named[surface]), 2)
        for text in TEXT
        for surface in SURFACES
        if contrast(named[text], named[surface]) < 4.5
    }
    assert poor == {}
    assert contrast(named["on-accent"], named["accent"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_fields_can_be_seen(theme: str) -> None:
    named = THEMES[theme]
    seen = ["border", "idle", *(name for name in named if name.startswith("c-"))]
    assert [name for name in seen if contrast(named[name], named["surface"]) < 3] == []


def test_every_colour_that_a_stylesheet_or_script_names_is_there() -> None:
    for path in (*STATIC.glob("*.css"), *STATIC.glob("*.js")):
        text = path.read_text("utf-8")
        own = set(re.findall(r"(?:^|[{;\s])--([\w-]+):", text))
        named = set(re.findall(r"var\(--([\w-]+)\)", text)) | set(re.findall(r"""css\(["']([\w-]+)["']\)""", text))
        assert named - own - set(LIGHT) == set(), path.name
